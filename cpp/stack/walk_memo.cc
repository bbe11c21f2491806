// SPDX-License-Identifier: MIT
#include "stack/walk_memo.h"

namespace memtape {

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
  depth_ = kept_ + fresh_;
  end_ = end;
  uint64_t hash = unchanged == 0 ? HashSeed(end) : frames_[unchanged - 1].hash;
  for (uint32_t i = unchanged; i < depth_; i++) {
    hash = HashFrame(hash, frames_[i].key);
    frames_[i].hash = hash;
    frames_[i].tag = 0;
  }
  return {depth_, unchanged, end, hash};
}

}  // namespace memtape
