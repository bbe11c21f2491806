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
    uint64_t& state = entries_.At(id).size;
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
    if (id == 0 || (entries_[id].size & kLive) == 0) return {0, false, 0};
    const uint64_t size = entries_[id].size & ~kLive;
    entries_[id].size = size;
    live_bytes_ -= size;
    live_blocks_--;
    return {id, true, size};
  }

  bool IsLive(uint64_t address) const {
    const uint32_t id = ids_.Find(address);
    return id != 0 && (entries_[id].size & kLive) != 0;
  }

  AddressState& state(uint32_t id) { return entries_[id].encoder; }
  uint64_t live_bytes() const { return live_bytes_; }
  uint64_t live_blocks() const { return live_blocks_; }

  void Clear() {
    ids_.Clear();
    entries_.Free();
    live_bytes_ = live_blocks_ = 0;
  }

 private:
  static constexpr uint64_t kLive = uint64_t{1} << 63;
  // Side by side: each event of an address needs both, and rarely finds them in the cache.
  struct Entry {
    uint64_t size;  // kLive while the block is live
    AddressState encoder;
  };

  FlatMap ids_;
  PageArray<Entry> entries_;  // by id
  uint64_t live_bytes_ = 0;
  uint64_t live_blocks_ = 0;
};

}  // namespace memtape
