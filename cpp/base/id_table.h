// SPDX-License-Identifier: MIT
// Identifiers of things that the owner keeps by identifier, found by what these are: a third of the
// memory of a FlatMap, which has the keys as well. Open addressing, insert-only. One thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/page_array.h"

namespace memtape {

// `HashOf`: identifier → hash of its thing.
//
// A slot has, above the bits that the highest identifier needs, as many of the hash: things that
// are not looked for are hardly ever asked what they are, each of which comes from memory.
template <typename HashOf>
class IdTable {
 public:
  explicit constexpr IdTable(HashOf hash_of) : hash_of_(hash_of) {}

  size_t size() const { return size_; }

  // As below, or 0.
  template <typename IsIt>
  uint32_t Find(uint64_t hash, IsIt&& is_it) const {
    return size_ == 0 ? 0 : slots_[SlotOf(hash, is_it)] & id_mask_;
  }

  // The identifier of the thing with this hash of which `is_it(id)` says that it is the one; if
  // there is none, `id`, which it has from now on: higher than all before.
  template <typename IsIt>
  uint32_t FindOrInsert(uint64_t hash, uint32_t id, IsIt&& is_it) {
    const bool full = (size_ + 1) * 3 > slots_.size() * 2;
    if (MEMTAPE_UNLIKELY(full || id > id_mask_)) {
      Rebuild(slots_.size() == 0 ? 4096 : slots_.size() << full, id);
    }
    uint32_t& slot = slots_[SlotOf(hash, is_it)];
    if (slot != 0) return slot & id_mask_;
    slot = TagOf(hash) | id;
    size_++;
    return id;
  }

  void Clear() {
    slots_.Free();
    size_ = 0;
    id_mask_ = 0;
  }

 private:
  size_t mask() const { return slots_.size() - 1; }
  uint32_t TagOf(uint64_t hash) const { return static_cast<uint32_t>(hash >> 32) & ~id_mask_; }

  // Where the thing is or would be. There are free slots.
  template <typename IsIt>
  size_t SlotOf(uint64_t hash, IsIt&& is_it) const {
    const uint32_t tag = TagOf(hash);
    size_t i = hash & mask();
    for (;; i = (i + 1) & mask()) {
      const uint32_t slot = slots_[i];
      if (slot == 0) return i;
      if ((slot & ~id_mask_) == tag && is_it(slot & id_mask_)) return i;
    }
  }

  void Rebuild(size_t slots, uint32_t highest_id) {
    PageArray<uint32_t> old = slots_;
    const uint32_t old_mask = id_mask_;
    // With room for as many again, until the slots double as well.
    id_mask_ = ~uint32_t{0} >> std::countl_zero(static_cast<uint32_t>(
                                   std::min(uint64_t{highest_id} * 2, uint64_t{UINT32_MAX})));
    slots_ = {};
    slots_.Resize(slots);
    slots_.Populate();
    DCHECK(slots_.data() != nullptr);
    for (size_t j = 0; j < old.size(); j++) {
      const uint32_t id = old[j] & old_mask;
      if (id == 0) continue;
      const uint64_t hash = hash_of_(id);
      size_t i = hash & mask();
      while (slots_[i] != 0) i = (i + 1) & mask();
      slots_[i] = TagOf(hash) | id;
    }
    old.Free();
  }

  HashOf hash_of_;
  PageArray<uint32_t> slots_;  // tag and identifier, 0: free
  uint32_t id_mask_ = 0;
  size_t size_ = 0;
};

}  // namespace memtape
