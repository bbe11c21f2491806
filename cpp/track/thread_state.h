// SPDX-License-Identifier: MIT
// What a thread that allocates owns: its ring, its stack cache, its isolate. A state belongs to one
// thread for that thread's life, over all sessions, and lives in pages that are never unmapped;
// when the thread has died it is another thread's to take.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "base/check.h"
#include "base/guard.h"
#include "format/format.h"
#include "log/ring.h"
#include "log/ring_records.h"
#include "stack/stack_finder.h"
#include "stack/unwinder.h"
#include "stack/walk_memo.h"
#include "track/stack_cache.h"
#include "v8/isolate.h"
#include "v8/js_memo.h"
#include "v8/js_walker.h"

namespace memtape {

// Shared by all threads, in a page that a forked child sees as zeroes: a child between fork and
// exec must not write to its parent's rings.
struct Control {
  std::atomic<uint32_t> active;
  std::atomic<uint32_t> session;      // number of the session that is running, 0: none
  std::atomic<uint32_t> stack_epoch;  // addresses may mean something else than before
  std::atomic<uint32_t> drain_wake;   // futex: the drain thread has work before its time
  std::atomic<uint32_t> next_thread;
  std::atomic<uint32_t> acquiring;  // threads that are getting themselves a ring
  std::atomic<uint32_t> waiting;    // threads whose rings are full
  std::atomic<uint32_t> rounds;     // of the drain thread: a sign of life
  std::atomic<uint64_t> nested;     // calls from a signal handler that interrupted a hook
  std::atomic<uint64_t> dropped;    // events that found no ring
};

// Where the page is changes once: when the first session starts, while other threads are in hooks.
class ControlPointer {
 public:
  constexpr explicit ControlPointer(Control* control) : control_(control) {}
  Control* operator->() const { return control_.load(std::memory_order_relaxed); }
  void Set(Control* control) { control_.store(control, std::memory_order_release); }

 private:
  std::atomic<Control*> control_;  // never null
};
extern constinit ControlPointer control;

// An isolate that nobody attaches but we (late_isolates.h), on its own thread.
struct LateIsolate {
  const v8::Isolate* asked = nullptr;    // for an interrupt, in this session
  const v8::Isolate* watched = nullptr;  // we are told when its environment ends
  unsigned tries = 0;
};

struct ThreadState {
  RingWriter ring;
  v8::IsolateFrames js;
  v8::JsMemo js_memo;
  StackCache stacks;
  StackBounds bounds;     // hi: end of the thread's stack; lo is set for each walk
  bool native = false;    // walk all native frames
  UnwindCache unwind[2];  // for recordings without and with native stacks
  bool unwind_ready[2] = {};
  StackFinder stack_finder;  // this and the memo are for native stacks
  WalkMemo memo;
  const uintptr_t* memo_js = nullptr;  // js.c_entry_fp and js.trampoline_count at its walk
  size_t memo_trampolines = 0;
  uint32_t js_above = 0;  // JavaScript frames behind the native ones of the latest lost stack
  uint32_t session = 0;
  uint32_t ready_session = 0;  // the same; 0: Enter has more to do (late_isolates.h)
  uint32_t stack_epoch = 0;
  uint32_t last_stack = 0;  // ring stack numbers count from 1
  uint32_t gc_depth = 0;
  uint32_t gc_stack = 0;
  uint64_t origin = 0;  // the outermost key of all stacks of this thread now, 0: none
  uint32_t thread = 0;
  std::atomic<uint32_t> os_tid = 0;  // 0: free to take
  bool js_unknown = false;           // the thread runs JavaScript that cannot be walked
  v8::IsolateState* isolate = nullptr;
  uint32_t isolate_session = 0;  // for which it was attached
  LateIsolate late;
  uintptr_t entered_at = 0;  // stack address of the hook that the thread is in
  uint64_t keys[kMaxFrames + 8];
  // The latest stack that the ring was told of, outermost frame first: the next one is told as a
  // difference. In a TypeScript compilation 60 frames differ in 4.
  uint64_t told[kMaxFrames + 8];
  size_t told_count = 0;
};

[[gnu::tls_model("initial-exec")]] extern constinit thread_local ThreadState* thread_state;

// Gives the calling thread a state with a ring of the running session. Guard up. Null on failure.
// `caller`: as Enter has it.
ThreadState* AcquireThreadState(uint64_t caller);

// The upper end of the stack of the thread that has this ring, 0: not known.
uintptr_t StackEndOf(const RingWriter* ring);

// The thread that has this ring has died, after its last free.
void ReleaseThreadState(const RingWriter* ring);
// Takes back the states of all threads that have died.
void SweepThreadStates();

// Waits until the ring has room for `words`, counting the wait. False when the session ended.
bool WaitForRoom(ThreadState* state, size_t words);

inline bool EnsureRoom(ThreadState* state, size_t words) {
  return MEMTAPE_LIKELY(state->ring.HasRoom(words)) || WaitForRoom(state, words);
}

// What guard_depth is between Enter and Leave: a hooked call that finds it comes from a signal
// handler that interrupted a hook, or from an allocator that calls another hooked function.
inline constexpr int kInsideHook = 1 << 16;

// A hooked call finds its thread inside a hook. Tells whether that one was left for good: by a
// signal handler's longjmp. `frame`: of the call.
bool WasAbandoned(const void* frame);

// Entry of every hook. Returns null when the call is not to be recorded, else raises the guard and
// holds the drain thread back until Leave. `caller`: of a call that allocates or frees a block,
// else 0.
inline ThreadState* Enter(uint64_t caller = 0) {
  if (MEMTAPE_LIKELY(control->active.load(std::memory_order_acquire) == 0)) return nullptr;
  if (MEMTAPE_UNLIKELY(guard_depth != 0)) {
    if (guard_depth != kInsideHook) return nullptr;
    if (MEMTAPE_LIKELY(!WasAbandoned(__builtin_frame_address(0)))) {
      control->nested.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
  }
  guard_depth = kInsideHook;
  // A signal handler must find the guard up before anything else happens here.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  ThreadState* state = thread_state;
  if (MEMTAPE_UNLIKELY(state == nullptr ||
                       state->ready_session != control->session.load(std::memory_order_relaxed))) {
    state = AcquireThreadState(caller);
    if (state == nullptr) {
      guard_depth = 0;
      return nullptr;
    }
  }
  state->entered_at = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  state->ring.Open();
  // The session may have ended before this was visible. Whoever ends it looks who is inside after
  // it has made its own change visible to all (Session::Stop), so one of the two notices.
  if (MEMTAPE_UNLIKELY(state->session != control->session.load(std::memory_order_relaxed))) {
    state->ring.Close();
    guard_depth = 0;
    return nullptr;
  }
  return state;
}

inline void Leave(ThreadState* state) {
  state->ring.Close();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  guard_depth = 0;
}

// A variable record on the calling thread's ring. Works with the guard up or down. Dropped (and
// counted) when nothing is being recorded.
void Push(RingRecord kind, const RecordPart* parts, size_t count);
// The same when the state is at hand and open.
bool PushTo(ThreadState* state, RingRecord kind, const RecordPart* parts, size_t count);

}  // namespace memtape
