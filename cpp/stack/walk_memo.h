// SPDX-License-Identifier: MIT
// Remembers a thread's last walk and redoes only what has changed. Nothing is written to the stack.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "stack/step.h"
#include "stack/unwinder.h"

namespace memtape {

// A frame of a walk. `hash` stands for the stack from the root to here; `tag` is the caller's, 0 in
// a frame that is new (a node of a stack table, for example: interning then starts at the first 0).
struct MemoFrame {
  Regs regs;
  uint64_t key;
  uint64_t hash;
  StepTrace trace;
  uint32_t tag;
  bool volatile_key;
};

// What tells frames apart. The default is the return address; interpreted JavaScript functions all
// share one, so a walker of those supplies its own.
struct FrameKey {
  uint64_t value;
  // The value depends on more than pc, sp, fp: ask again whenever the frame is reused.
  bool is_volatile;
};

struct PcKey {
  FrameKey operator()(const Regs& regs) const { return {regs.pc, false}; }
};

constexpr uint64_t HashFrame(uint64_t outer, uint64_t key) {
  uint64_t x = (outer ^ (outer >> 29)) * 0xBF58476D1CE4E5B9u + key;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
  return x ^ (x >> 32);
}

// Stacks that end differently are different stacks.
constexpr uint64_t HashSeed(WalkEnd end) {
  return 0x9E3779B97F4A7C15u * (1 + static_cast<uint64_t>(end));
}

// Exact: a step is a pure function of (frame, bounds, module map, stack words read). A frame of the
// last walk with the same pc, sp and fp therefore has the same caller if bounds and map are the
// same and the words, compared here, still are. It follows that stale words on the stack, longjmp,
// exceptions and alloca need no special care.
//
// Belongs to one thread, hook-safe, one walk at a time.
class WalkMemo {
 public:
  struct Result {
    uint32_t depth = 0;   // frames
    uint32_t reused = 0;  // of these, root side, kept from the last walk
    WalkEnd end = WalkEnd::kNone;
    uint64_t hash = 0;
  };

  static constexpr size_t BytesFor(uint32_t max_frames) {
    return 2 * size_t{max_frames} * sizeof(MemoFrame);
  }

  // `memory`: BytesFor(max_frames) bytes of the caller's; untouched pages stay untouched.
  void Init(void* memory, uint32_t max_frames) {
    frames_ = static_cast<MemoFrame*>(memory);
    max_ = max_frames;
    Forget();
  }

  // The next walk starts from nothing. For frames whose meaning changed without their words.
  void Forget() { depth_ = 0; }

  // The same frames, keys and end as a walk without memo: `max_frames` at most, leaf side kept.
  template <typename KeyFn>
  Result Walk(const Regs& start, UnwindCache* cache, const StackBounds& bounds, KeyFn&& key_of) {
    Begin(cache, bounds);
    Regs regs = start;
    WalkEnd end;
    do {
      // Stack pointers rise towards the root, in the memo as in the walk.
      while (unseen_ > 0 && frames_[unseen_ - 1].regs.sp < regs.sp) unseen_--;
      const bool known = unseen_ > 0 && frames_[unseen_ - 1].regs == regs;
      end = known ? Reuse(&regs, cache, key_of) : Discover(&regs, cache, key_of);
    } while (end == WalkEnd::kNone);
    return Finish(end);
  }

  Result Walk(const Regs& start, UnwindCache* cache, const StackBounds& bounds) {
    return Walk(start, cache, bounds, PcKey{});
  }

  // 0 is the root, depth - 1 the leaf. Valid until the next walk.
  MemoFrame& frame(uint32_t from_root) { return frames_[from_root]; }

 private:
  void Begin(UnwindCache* cache, const StackBounds& bounds) {
    cache->Sync();
    if (map_ != cache->map() || bounds_ != bounds) {
      map_ = cache->map();
      bounds_ = bounds;
      depth_ = 0;
    }
    unseen_ = depth_;
    kept_ = 0;
    fresh_ = 0;
    // Until Finish the memo is empty: a signal handler may leave the walk for good, by longjmp.
    depth_ = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  // *regs is a frame that the memo does not have here.
  template <typename KeyFn>
  [[gnu::always_inline]] WalkEnd Discover(Regs* regs, UnwindCache* cache, KeyFn& key_of) {
    if (fresh_ == max_) return WalkEnd::kCut;
    const FrameKey key = key_of(static_cast<const Regs&>(*regs));
    MemoFrame* frame = NextFresh();
    // Member by member: gathering them first would make the processor wait for its own stores.
    frame->regs.pc = regs->pc;
    frame->regs.sp = regs->sp;
    frame->regs.fp = regs->fp;
    frame->key = key.value;
    frame->volatile_key = key.is_volatile;
    return StepByRule(cache->Find(regs->pc), regs, bounds_, &frame->trace);
  }

  // *regs is the memo's frame unseen_ - 1: goes on towards the root as long as the memo is right.
  // kNone: from *regs on it is not.
  template <typename KeyFn>
  WalkEnd Reuse(Regs* regs, UnwindCache* cache, KeyFn& key_of) {
    kept_ = unseen_;
    for (uint32_t i = SkipUnchanged(unseen_ - 1);; i = SkipUnchanged(i - 1)) {
      MemoFrame& frame = frames_[i];
      if (frame.volatile_key) {
        const FrameKey key = key_of(static_cast<const Regs&>(frame.regs));
        if (key.value != frame.key) {
          frame.key = key.value;
          if (!Release(i)) return WalkEnd::kCut;
        }
      }
      if (i > 0 && LeadsTo(frame, frames_[i - 1].regs)) continue;
      *regs = frame.regs;
      StepTrace trace;
      const WalkEnd end = StepByRule(cache->Find(regs->pc), regs, bounds_, &trace);
      if (i == 0 && end == end_) return end;
      if (i > 0 && end == WalkEnd::kNone && *regs == frames_[i - 1].regs) continue;
      if (!Release(i)) return WalkEnd::kCut;
      frames_[2 * size_t{max_} - fresh_].trace = trace;
      kept_ = 0;
      unseen_ = i;
      return end;
    }
  }

  // The first frame, from `index` on, that comparing stack words does not settle.
  uint32_t SkipUnchanged(uint32_t index) const;
  // Whether the stack words that led from `frame` to `caller` still do.
  static bool LeadsTo(const MemoFrame& frame, const Regs& caller);

  // Fresh frames lie at the far end of the memory, root side lowest: they are found leaf first.
  MemoFrame* NextFresh() { return &frames_[2 * size_t{max_} - ++fresh_]; }

  // The memo's frames from `index` to the leaf stay in the walk, but on top of another root side.
  bool Release(uint32_t index) {
    if (fresh_ + (kept_ - index) > max_) {
      // More than fits: these alone fill what is left, and the rest is cut.
      while (fresh_ < max_) *NextFresh() = frames_[--kept_];
      kept_ = 0;
      return false;
    }
    while (kept_ > index) *NextFresh() = frames_[--kept_];
    return true;
  }

  Result Finish(WalkEnd end);

  MemoFrame* frames_ = nullptr;
  uint32_t max_ = 0;
  uint32_t depth_ = 0;  // of the last walk; frames_[0, depth_)
  WalkEnd end_ = WalkEnd::kNone;
  const ModuleMap* map_ = nullptr;
  StackBounds bounds_;

  // The walk in progress.
  uint32_t unseen_ = 0;  // memo frames on the root side that regs_ may still meet
  uint32_t kept_ = 0;    // memo frames that the walk ends with
  uint32_t fresh_ = 0;
};

}  // namespace memtape
