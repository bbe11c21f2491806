// SPDX-License-Identifier: MIT
// One V8 isolate under observation: listens to its code events and garbage collections, and finds
// what WalkJs needs. All functions run on the isolate's own thread, from a native callback that
// JavaScript called, with the caller's recursion guard up.
#pragma once

#include <stdint.h>

#include <span>

#include "log/ring_records.h"
#include "v8/api.h"
#include "v8/js_walker.h"

namespace memtape::v8 {

// What the observer tells, always on the thread concerned. Code moves are also told from V8's GC
// helper threads.
struct Observer {
  PushRecord push = nullptr;
  void (*gc_start)(int type) = nullptr;
  void (*gc_end)(int type) = nullptr;
  // What V8 allocates in between is for a profile that we asked for.
  void (*profile_start)() = nullptr;
  void (*profile_end)() = nullptr;
};

struct IsolateState;  // opaque; one per attached isolate, never freed

// Attaches to the calling thread's current isolate. Emits the code that exists already. Fills
// `frames` and returns the state, or returns nullptr and sets *reason (a static text).
IsolateState* Attach(const Observer& observer, uintptr_t stack_high, IsolateFrames* frames,
                     const char** reason);
// Whether the calling thread's isolate can be attached here. Not in an interrupt of a regular
// expression: that is not called as other functions are.
bool CanAttach(uintptr_t stack_high);
void Detach(IsolateState* state);

// Tells of the code that V8 has not listed (unlisted_code.h) and that one of these calls is in.
// They must be on the calling thread's stack, which is the isolate's; not during a collection. For
// when frames->unlisted_count is not 0 and a stack is seen for the first time.
void TellUnlisted(IsolateState* state, std::span<const uint64_t> calls);

// Sends one kJsSample record about the isolate.
void SampleHeap(IsolateState* state);
// Has the isolate's thread call back when it next runs JavaScript, at a point where V8 can be
// called and JavaScript cannot. Any thread, while the isolate is alive.
using InterruptCallback = void(Isolate* isolate, void* data);
void Interrupt(IsolateState* state, InterruptCallback* callback, void* data);
// Asks the isolate to call SampleHeap when it next can. Any thread, while the isolate is alive.
void RequestSample(IsolateState* state);

}  // namespace memtape::v8
