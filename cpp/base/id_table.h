// SPDX-License-Identifier: MIT
// Identifiers of things that the owner keeps by identifier, found by what these are: a third of the
// memory of a FlatMap, which has the keys as well. Open addressing, insert-only. One thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/page_array.h"

namespace memtape {

// `HashOf`: identifier → hash of its thing.
template <typename HashOf>
class IdTable {
 public:
  explicit constexpr IdTable(HashOf hash_of) : hash_of_(hash_of) {}

  size_t size() const { return size_; }

  // As below, or 0.
  template <typename IsIt>
  uint32_t Find(uint64_t hash, IsIt&& is_it) const {
    if (size_ == 0) return 0;
    size_t i = hash & mask();
    while (slots_[i] != 0 && !is_it(slots_[i])) i = (i + 1) & mask();
    return slots_[i];
  }

  // The identifier of the thing with this hash of which `is_it(id)` says that it is the one; if
  // there is none, `id`, which it has from now on. `id` is not 0.
  template <typename IsIt>
  uint32_t FindOrInsert(uint64_t hash, uint32_t id, IsIt&& is_it) {
    if ((size_ + 1) * 3 > slots_.size() * 2) Grow();
    for (size_t i = hash & mask();; i = (i + 1) & mask()) {
      if (slots_[i] == 0) {
        slots_[i] = id;
        size_++;
        return id;
      }
      if (is_it(slots_[i])) return slots_[i];
    }
  }

  void Clear() {
    slots_.Free();
    size_ = 0;
  }

 private:
  size_t mask() const { return slots_.size() - 1; }

  void Grow() {
    PageArray<uint32_t> old = slots_;
    slots_ = {};
    slots_.Resize(old.size() == 0 ? 4096 : old.size() * 2);
    slots_.Populate();
    DCHECK(slots_.data() != nullptr);
    for (size_t j = 0; j < old.size(); j++) {
      if (old[j] == 0) continue;
      size_t i = hash_of_(old[j]) & mask();
      while (slots_[i] != 0) i = (i + 1) & mask();
      slots_[i] = old[j];
    }
    old.Free();
  }

  HashOf hash_of_;
  PageArray<uint32_t> slots_;  // 0: free
  size_t size_ = 0;
};

}  // namespace memtape
