// SPDX-License-Identifier: MIT
// Walks the JavaScript frames of a thread like WalkJs (js_walker.h), but remembers the last walk
// and looks only whether it still holds. WalkJs waits at each frame for the frame pointer that
// leads to the next; here all of them are known before, and the processor compares several at once:
// 30 frames take a third of the time. (bench/hook.mjs)
//
// Exact: all that a step reads from the stack is compared with what it was. Besides, a step depends
// on the isolate and on which trampolines are known; when these change the memo begins anew.
//
// The memo also has what is no longer on the stack. V8's deoptimizer allocates in two calls from
// the builtin DeoptimizationEntry: in the first the frame that it replaces is as it was, in the
// second it has been taken off and is written over, while V8 still points to it. The walk of the
// first is the second's, too: 1.2 % of the events of a TypeScript compilation.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/frame_hash.h"
#include "v8/js_walker.h"

namespace memtape::v8 {

class JsMemo {
 public:
  struct Frame {
    uintptr_t fp;
    uintptr_t pc;    // where its callee returns to
    uintptr_t link;  // where fp and pc of the frame that called it stand, 0: there is none
    uint64_t key;    // 0: no function
    FrameHash hash;  // of the keys from the root to here
    uint32_t depth;  // number of them
    uint32_t kind;
  };

  static constexpr size_t BytesFor(size_t max_frames) { return 2 * max_frames * sizeof(Frame); }

  // `memory`: BytesFor(max_frames) of the caller's; untouched pages stay untouched. Without any,
  // all walks fail.
  void Init(void* memory, size_t max_frames) {
    frames_ = static_cast<Frame*>(memory);
    max_ = max_frames;
    Forget();
  }
  bool ready() const { return max_ != 0; }
  void Forget() {
    count_ = 0;
    holds_ = false;
  }

  // The number of functions on the stack and their hash. 0 and no change of the hash where WalkJs
  // has to do it: there are none, more than `max_keys`, or a frame pointer leads nowhere.
  size_t Walk(const IsolateFrames& isolate, size_t max_keys, FrameHash* hash);

  // Whether the last walk did not fail, and the keys that it found, leaf first.
  bool holds() const { return holds_; }
  void CopyKeys(uint64_t* keys) const {
    for (size_t i = count_; i-- > 0;) {
      if (frames_[i].key != 0) *keys++ = frames_[i].key;
    }
  }

  // Whether the deoptimizer is at work. (It says that it left JavaScript where the frame is that it
  // replaces; others have called C++ from that frame, or left JavaScript through one of their own.)
  static bool IsInDeoptimizer(const IsolateFrames& isolate) {
    return *isolate.fast_c_call_fp != 0 && *isolate.fast_c_call_fp == *isolate.c_entry_fp;
  }

 private:
  bool IsSecondCall(uintptr_t pc, uintptr_t fp) const;
  bool IsUnchanged(const IsolateFrames& isolate, const Frame& frame) const;
  size_t Compare(const IsolateFrames& isolate, size_t index) const;
  bool Discover(const IsolateFrames& isolate, uintptr_t fp, uintptr_t pc, Frame* frame) const;

  Frame* frames_ = nullptr;  // root first; fresh ones from max_ on, leaf first
  size_t max_ = 0;
  size_t count_ = 0;
  bool holds_ = false;
  // What the frames were read with.
  const uintptr_t* c_entry_fp_ = nullptr;
  size_t trampoline_count_ = 0;
  // The last walk, if it was in the deoptimizer's first call: where from. 0: it was not.
  uintptr_t deoptimizer_pc_ = 0;
  uintptr_t deoptimized_fp_ = 0;
};

}  // namespace memtape::v8
