// SPDX-License-Identifier: MIT
// The latest stack of a thread with the nodes that it led to. Most of the next one is the same: in
// a TypeScript compilation new stacks are 60 frames deep and differ from the one before in 4.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <span>

#include "base/page_array.h"

namespace memtape {

class StackPath {
 public:
  // How many frames, from the outermost on, are as in the latest stack. `root`: the node that the
  // outermost frame is below. `keys`: leaf first. `epoch`: changes when a key may stand for
  // something else than before.
  size_t Common(uint32_t root, std::span<const uint64_t> keys, uint64_t epoch) const {
    if (root != root_ || epoch != epoch_) return 0;
    const size_t limit = std::min(keys.size(), steps_.size());
    size_t depth = 0;
    while (depth < limit && steps_[depth].key == keys[keys.size() - 1 - depth]) depth++;
    return depth;
  }

  // The node that so many frames lead to.
  uint32_t NodeAt(size_t depth) const { return depth == 0 ? root_ : steps_[depth - 1].node; }

  void CutTo(size_t depth, uint32_t root, uint64_t epoch) {
    steps_.Resize(depth);
    root_ = root;
    epoch_ = epoch;
  }
  void Push(uint64_t key, uint32_t node) { steps_.push_back({key, node}); }

  void Free() { steps_.Free(); }

 private:
  struct Step {
    uint64_t key;
    uint32_t node;
  };
  PageArray<Step> steps_;
  uint64_t epoch_ = 0;
  uint32_t root_ = 0;
};

}  // namespace memtape
