// SPDX-License-Identifier: MIT
#include "stack/walk_memo.h"

namespace memtape {

// Most time of most walks is spent here.
uint32_t WalkMemo::SkipUnchanged(uint32_t index) const {
  const MemoFrame* const root = frames_;
  const MemoFrame* frame = root + index;
  for (; frame != root; frame--) {
    const Regs& caller = frame[-1].regs;
    if (frame->volatile_key) break;
    if (__builtin_expect(frame->trace.shape > StepTrace::kRaFp, 0)) {
      if (!LeadsTo(*frame, caller)) break;
      continue;
    }
    if (__builtin_expect(StripPc(LoadWord(caller.sp - 8)) != caller.pc, 0)) break;
    if (frame->trace.shape == StepTrace::kRa) continue;
    if (__builtin_expect(LoadWord(caller.sp - 16) != caller.fp, 0)) break;
  }
  return static_cast<uint32_t>(frame - root);
}

bool WalkMemo::LeadsTo(const MemoFrame& frame, const Regs& caller) {
  const StepTrace& trace = frame.trace;
  if (trace.shape == StepTrace::kReplay) return false;
  const uint64_t ra_at = frame.regs.sp + static_cast<uint64_t>(int64_t{trace.ra_words} * 8);
  if (StripPc(LoadWord(ra_at)) != caller.pc) return false;
  const uint64_t fp_at = frame.regs.sp + static_cast<uint64_t>(int64_t{trace.fp_words} * 8);
  const bool loads_fp = trace.shape == StepTrace::kRaFp || trace.shape == StepTrace::kWords;
  return !loads_fp || LoadWord(fp_at) == caller.fp;
}

// Puts the fresh frames on top of those that were kept, and hashes them.
WalkMemo::Result WalkMemo::Finish(WalkEnd end) {
  uint32_t unchanged = kept_;
  if (kept_ + fresh_ > max_) {
    // Too deep: the root side goes, and with it every hash and tag.
    const uint32_t cut = kept_ + fresh_ - max_;
    kept_ -= cut;
    for (uint32_t i = 0; i < kept_; i++) frames_[i] = frames_[i + cut];
    end = WalkEnd::kCut;
    unchanged = 0;
  }
  const MemoFrame* fresh = &frames_[2 * size_t{max_} - fresh_];
  for (uint32_t i = 0; i < fresh_; i++) frames_[kept_ + i] = fresh[i];
  const uint32_t depth = kept_ + fresh_;
  end_ = end;
  uint64_t hash = unchanged == 0 ? HashSeed(end) : frames_[unchanged - 1].hash;
  for (uint32_t i = unchanged; i < depth; i++) {
    hash = HashFrame(hash, frames_[i].key);
    frames_[i].hash = hash;
    frames_[i].tag = 0;
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  depth_ = depth;
  return {depth, unchanged, end, hash};
}

}  // namespace memtape
