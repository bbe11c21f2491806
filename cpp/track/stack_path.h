// SPDX-License-Identifier: MIT
// The latest stack of a ring, which the next one is told as a difference to, and the nodes that it
// led to. Most of the next one is the same: in a TypeScript compilation new stacks are 60 frames
// deep and differ from the one before in 4.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <span>

#include "base/page_array.h"

namespace memtape {

class StackPath {
 public:
  struct Step {
    uint64_t key;
    uint32_t node;  // of the stack from the outermost frame to here, once it is known
  };

  // The next stack: the `kept` outermost frames of this one, below them `keys`, leaf first.
  // `epoch` changes when a key may stand for something else than before; then no node is known.
  void Change(size_t kept, std::span<const uint64_t> keys, uint64_t epoch) {
    steps_.Resize(std::min(kept, steps_.size()));
    known_ = epoch == epoch_ ? std::min(known_, steps_.size()) : 0;
    epoch_ = epoch;
    for (size_t i = keys.size(); i > 0; i--) steps_.push_back({keys[i - 1], 0});
  }

  // Outermost first.
  std::span<Step> steps() { return {steps_.data(), steps_.size()}; }
  // How many of them have their nodes.
  size_t known() const { return known_; }
  void SetKnown(size_t count) { known_ = count; }

  void Free() { steps_.Free(); }

 private:
  PageArray<Step> steps_;
  size_t known_ = 0;
  uint64_t epoch_ = 0;
};

}  // namespace memtape
