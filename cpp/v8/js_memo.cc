// SPDX-License-Identifier: MIT
#include "v8/js_memo.h"

#include <atomic>

#include "base/check.h"
#include "v8/heap_object.h"
#include "v8/layout.h"

namespace memtape::v8 {
namespace {

enum Kind : uint32_t {
  kStub,      // V8's own, without a function
  kCompiled,  // a function: the return address is its key
  kInterpreted,
  kEntry,  // C++ called JavaScript here
};

// Of a frame that is not interpreted, kCompiled stands for both.
inline Kind KindOf(const IsolateFrames& isolate, uintptr_t fp) {
  const uint64_t marker = LoadWord(fp + kFrameMarker);
  if ((marker & 1) != 0) return kCompiled;
  if (marker == isolate.entry_marker || marker == isolate.construct_entry_marker) return kEntry;
  return marker == isolate.wasm_marker ? kCompiled : kStub;
}

}  // namespace

// Whether the frame is what it was, and is linked where it was. Its fp and pc are known to be
// right.
inline bool JsMemo::IsUnchanged(const IsolateFrames& isolate, const Frame& frame) const {
  const Kind kind = KindOf(isolate, frame.fp);
  if (MEMTAPE_LIKELY(frame.kind == kCompiled)) return kind == kCompiled;
  if (frame.kind == kInterpreted) {
    return kind == kCompiled && InterpretedKey(frame.fp) == frame.key;
  }
  if (kind != frame.kind) return false;
  return kind == kStub || LoadWord(frame.fp + kEntryFrameCEntryFp) == frame.link;
}

// Of frames_[index], which is on the stack, and those that called it: the first one, towards the
// root, that has changed or leads somewhere else. max_: none.
size_t JsMemo::Compare(const IsolateFrames& isolate, size_t index) const {
  for (size_t i = index;; i--) {
    const Frame& frame = frames_[i];
    if (MEMTAPE_UNLIKELY(!IsUnchanged(isolate, frame))) return i;
    if (i == 0) return max_;  // the root: only that has no link
    const Frame& caller = frames_[i - 1];
    if (MEMTAPE_UNLIKELY(LoadWord(frame.link) != caller.fp)) return i;
    if (MEMTAPE_UNLIKELY(LoadWord(frame.link + 8) != caller.pc)) return i;
  }
}

// False where there cannot be a frame.
inline bool JsMemo::Discover(const IsolateFrames& isolate, uintptr_t fp, uintptr_t pc,
                             Frame* frame) const {
  frame->fp = fp;
  frame->pc = pc;
  frame->link = fp;
  frame->key = 0;
  frame->kind = KindOf(isolate, fp);
  if (frame->kind == kCompiled) {
    frame->key = pc;
    if (isolate.IsTrampoline(pc)) {
      frame->key = InterpretedKey(fp);
      frame->kind = kInterpreted;
    }
  } else if (frame->kind == kEntry) {
    const uintptr_t outer = LoadWord(fp + kEntryFrameCEntryFp);
    frame->link = outer;
    return outer == 0 || (outer > fp && outer < isolate.stack_high && (outer & 7) == 0);
  }
  return true;
}

// The builtin calls 251 bytes after the first call on Node.js 20 and 22, 450 on 24 and 26. There
// are several such builtins, one for each kind of deoptimization: the same call of the next one is
// 832 bytes further at least.
inline bool JsMemo::IsSecondCall(uintptr_t pc, uintptr_t fp) const {
  constexpr uintptr_t kMostBytes = 640;
  return fp == deoptimized_fp_ && pc > deoptimizer_pc_ && pc - deoptimizer_pc_ <= kMostBytes;
}

size_t JsMemo::Walk(const IsolateFrames& isolate, size_t max_keys, FrameHash* hash) {
  if (MEMTAPE_UNLIKELY(c_entry_fp_ != isolate.c_entry_fp ||
                       trampoline_count_ != isolate.trampoline_count)) {
    c_entry_fp_ = isolate.c_entry_fp;
    trampoline_count_ = isolate.trampoline_count;
    Forget();
  }
  const bool deoptimizes = IsInDeoptimizer(isolate);
  if (MEMTAPE_UNLIKELY(deoptimizes && holds_ &&
                       IsSecondCall(*isolate.fast_c_call_pc, *isolate.fast_c_call_fp))) {
    const Frame& leaf = frames_[count_ - 1];
    if (leaf.depth > max_keys) return 0;
    *hash = leaf.hash;
    return leaf.depth;
  }
  deoptimized_fp_ = 0;
  size_t unseen = count_;  // frames on the root side that the walk may still meet
  // Until the end there is none: a signal handler may leave the walk for good, by longjmp.
  Forget();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  uintptr_t pc;
  uintptr_t fp = *isolate.fast_c_call_fp;
  uintptr_t low = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (fp != 0) {
    pc = *isolate.fast_c_call_pc;
  } else {
    const uintptr_t exit = *isolate.c_entry_fp;
    if (exit == 0 || exit - low >= isolate.stack_high - low) return 0;
    low = exit;
    pc = LoadWord(exit + 8);
    fp = LoadWord(exit);
  }
  Frame* const fresh = frames_ + max_;
  size_t fresh_count = 0;
  size_t kept = 0;
  while (true) {
    if (fp <= low || fp >= isolate.stack_high || (fp & 7) != 0) return 0;
    // Frame pointers rise towards the root, in the memo as on the stack.
    while (unseen > 0 && frames_[unseen - 1].fp < fp) unseen--;
    if (unseen > 0 && frames_[unseen - 1].fp == fp && frames_[unseen - 1].pc == pc) {
      const size_t changed = Compare(isolate, unseen - 1);
      if (changed == max_) {
        kept = unseen;
        break;
      }
      // Those before it are as they were, on top of another root side.
      if (fresh_count + (unseen - 1 - changed) > max_) return 0;
      while (unseen - 1 > changed) fresh[fresh_count++] = frames_[--unseen];
      unseen = changed;
      fp = frames_[changed].fp;
      pc = frames_[changed].pc;
    }
    if (fresh_count == max_) return 0;
    Frame& frame = fresh[fresh_count++];
    if (!Discover(isolate, fp, pc, &frame)) return 0;
    if (frame.link == 0) break;
    low = frame.link;
    pc = LoadWord(low + 8);
    fp = LoadWord(low);
  }
  if (kept + fresh_count > max_) return 0;
  FrameHash sum = kept == 0 ? FrameHash() : frames_[kept - 1].hash;
  uint32_t depth = kept == 0 ? 0 : frames_[kept - 1].depth;
  for (size_t i = fresh_count; i-- > 0;) {
    if (fresh[i].key != 0) {
      sum.Add(fresh[i].key);
      depth++;
    }
    Frame& frame = frames_[kept++];
    frame = fresh[i];
    frame.hash = sum;
    frame.depth = depth;
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  count_ = kept;
  if (depth == 0 || depth > max_keys) return 0;
  if (MEMTAPE_UNLIKELY(deoptimizes)) {
    deoptimizer_pc_ = *isolate.fast_c_call_pc;
    deoptimized_fp_ = *isolate.fast_c_call_fp;
  }
  *hash = sum;
  holds_ = true;
  return depth;
}

}  // namespace memtape::v8
