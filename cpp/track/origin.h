// SPDX-License-Identifier: MIT
// Origins: what a thread works for. Work that was queued and a thread that was started go on from
// the stack that queued or started them, so that memory on threads without JavaScript has a line.
//
// An origin names a stack by thread and ring stack number. The drain thread learns of it from the
// queueing thread's ring before any other thread can refer to it, because work begins after it was
// queued. In another recording it means nothing, hence the session number.
#pragma once

#include <stdint.h>

#include "format/format.h"
#include "stack/unwinder.h"
#include "track/thread_state.h"

namespace memtape {

struct Origin {
  uint64_t key = 0;                        // of log/ring_records.h: an origin or a label, 0: none
  uint32_t session = 0;                    // in which the key is valid, 0: in all
  uint16_t depth = 0;                      // origins up to the thread that nobody started
  ThreadKind kind = ThreadKind::kUnknown;  // of the thread, when nothing better is known
};

// The calling thread's, now.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local Origin current_origin;

void SetOrigin(const Origin& origin);
// The current origin's key if it is valid in this session, else 0.
uint64_t OriginKeyIn(uint32_t session);

// Of threads that serve everyone: their stacks end in a label that says what they are.
Origin LibuvPoolOrigin();
Origin V8PlatformOrigin();
// Takes one of these where the thread's name tells: it may be older than the hooks. (Later ones
// have a kind: a name proves nothing by itself, as threads inherit that of the thread that starts
// them.)
void RecognizeThread();

// The origin of what the calling thread hands to another one: the stack of `caller`. Empty when
// nothing is being recorded or no JavaScript is on that stack, its own origin included: native
// threads alone are told apart by their own frames. Guard down.
enum class Handing : uint8_t { kWork, kThread };
Origin MakeOrigin(Handing handing, const Regs& caller);

// While queued work runs, on a thread of libuv's pool.
class OriginScope {
 public:
  explicit OriginScope(const Origin& origin);
  ~OriginScope() { SetOrigin(before_); }
  OriginScope(const OriginScope&) = delete;
  OriginScope& operator=(const OriginScope&) = delete;

 private:
  Origin before_;
};

}  // namespace memtape
