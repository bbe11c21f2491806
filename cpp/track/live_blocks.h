// SPDX-License-Identifier: MIT
// Every block that is live, by address: gives addresses their ids and keeps the totals. Drain
// thread only.
#pragma once

#include <stdint.h>

#include "base/flat_map.h"
#include "base/page_array.h"
#include "format/encode.h"

namespace memtape {

class LiveBlocks {
 public:
  struct Block {
    uint32_t id;
    bool was_live;      // alloc: the address had a live block, whose free was missed
    uint64_t old_size;  // of that block, or of the freed one
  };

  Block Alloc(uint64_t address, uint64_t size) {
    uint32_t* slot = ids_.FindOrInsert(address);
    if (*slot == 0) *slot = static_cast<uint32_t>(ids_.size());
    const uint32_t id = *slot;
    uint64_t& state = sizes_.At(id);
    states_.At(id);
    const Block block = {id, (state & kLive) != 0, state & ~kLive};
    if (block.was_live) {
      live_bytes_ -= block.old_size;
    } else {
      live_blocks_++;
    }
    state = size | kLive;
    live_bytes_ += size;
    return block;
  }

  // id 0: not a live block that we know.
  Block Free(uint64_t address) {
    const uint32_t id = ids_.Find(address);
    if (id == 0 || (sizes_[id] & kLive) == 0) return {0, false, 0};
    const uint64_t size = sizes_[id] & ~kLive;
    sizes_[id] = size;
    live_bytes_ -= size;
    live_blocks_--;
    return {id, true, size};
  }

  bool IsLive(uint64_t address) const {
    const uint32_t id = ids_.Find(address);
    return id != 0 && (sizes_[id] & kLive) != 0;
  }

  void Prefetch(uint64_t address) const { ids_.Prefetch(address); }
  AddressState& state(uint32_t id) { return states_[id]; }
  uint64_t live_bytes() const { return live_bytes_; }
  uint64_t live_blocks() const { return live_blocks_; }

  void Clear() {
    ids_.Clear();
    sizes_.Free();
    states_.Free();
    live_bytes_ = live_blocks_ = 0;
  }

 private:
  static constexpr uint64_t kLive = uint64_t{1} << 63;

  FlatMap ids_;
  PageArray<uint64_t> sizes_;  // by id; kLive while the block is live
  PageArray<AddressState> states_;
  uint64_t live_bytes_ = 0;
  uint64_t live_blocks_ = 0;
};

}  // namespace memtape
