// SPDX-License-Identifier: MIT
// Every block that is live, by address: gives addresses their ids and keeps the totals. Drain
// thread only.
#pragma once

#include <stdint.h>

#include "base/flat_map.h"
#include "base/id_table.h"
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
    if (entries_.size() == 0) entries_.Resize(1);  // ids count from 1
    const uint32_t next = static_cast<uint32_t>(entries_.size());
    const uint32_t id = ids_.FindOrInsert(MixHash(address), next, IsAt{&entries_, address});
    if (id == next) entries_.push_back(Entry(address));
    Entry& entry = entries_[id];
    const Block block = {id, entry.is_live(), entry.size()};
    if (block.was_live) {
      live_bytes_ -= block.old_size;
    } else {
      live_blocks_++;
    }
    entry.Set(size, true);
    live_bytes_ += size;
    return block;
  }

  // id 0: not a live block that we know.
  Block Free(uint64_t address) {
    const uint32_t id = ids_.Find(MixHash(address), IsAt{&entries_, address});
    if (id == 0 || !entries_[id].is_live()) return {0, false, 0};
    const uint64_t size = entries_[id].size();
    entries_[id].Set(size, false);
    live_bytes_ -= size;
    live_blocks_--;
    return {id, true, size};
  }

  bool IsLive(uint64_t address) const {
    const uint32_t id = ids_.Find(MixHash(address), IsAt{&entries_, address});
    return id != 0 && entries_[id].is_live();
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
  // Packed: there are as many as addresses that ever had a block. Addresses have 48 bits, in the
  // rings as well. One comes from memory for most events: what an event needs is side by side.
  struct Entry {
    Entry() = default;
    explicit Entry(uint64_t address)
        : address_low(static_cast<uint32_t>(address)),
          address_high(static_cast<uint16_t>(address >> 32)) {}
    uint64_t address() const { return address_low | uint64_t{address_high} << 32; }
    uint64_t size() const { return size_low | uint64_t{size_high & ~kLive} << 32; }
    bool is_live() const { return (size_high & kLive) != 0; }
    void Set(uint64_t size, bool live) {
      size_low = static_cast<uint32_t>(size);
      size_high = static_cast<uint32_t>(size >> 32) | (live ? kLive : 0);
    }

    static constexpr uint32_t kLive = uint32_t{1} << 31;
    uint32_t address_low = 0, size_low = 0, size_high = 0;
    uint16_t address_high = 0;
    AddressState encoder;
  };
  static_assert(sizeof(Entry) == 20);

  struct HashOf {
    const PageArray<Entry>* entries;
    uint64_t operator()(uint32_t id) const { return MixHash((*entries)[id].address()); }
  };

  struct IsAt {
    const PageArray<Entry>* entries;
    uint64_t address;
    bool operator()(uint32_t id) const { return (*entries)[id].address() == address; }
  };

  PageArray<Entry> entries_;  // by id
  IdTable<HashOf> ids_{HashOf{&entries_}};
  uint64_t live_bytes_ = 0;
  uint64_t live_blocks_ = 0;
};

}  // namespace memtape
