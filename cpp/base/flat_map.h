// SPDX-License-Identifier: MIT
// uint64 → uint32 hash map in pages of its own, open addressing, insert-only. Key 0 is not allowed.
// One thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/page_array.h"

namespace memtape {

inline uint64_t MixHash(uint64_t x) {
  x ^= x >> 32;
  x *= 0xD6E8FEB86659FD93u;
  x ^= x >> 32;
  return x;
}

class FlatMap {
 public:
  size_t size() const { return size_; }

  // The value of `key`, or 0.
  uint32_t Find(uint64_t key) const {
    if (capacity_ == 0) return 0;
    for (size_t i = MixHash(key) & (capacity_ - 1);; i = (i + 1) & (capacity_ - 1)) {
      if (slots_[i].key == key) return slots_[i].value;
      if (slots_[i].key == 0) return 0;
    }
  }

  // The place of `key`'s value, 0 when it is new. Valid until the next call.
  uint32_t* FindOrInsert(uint64_t key) {
    if ((size_ + 1) * 3 > capacity_ * 2) Grow();
    for (size_t i = MixHash(key) & (capacity_ - 1);; i = (i + 1) & (capacity_ - 1)) {
      if (slots_[i].key == key) return reinterpret_cast<uint32_t*>(&slots_[i].value);
      if (slots_[i].key == 0) {
        slots_[i].key = key;
        size_++;
        return reinterpret_cast<uint32_t*>(&slots_[i].value);
      }
    }
  }

  void Clear() {
    slots_.Free();
    size_ = capacity_ = 0;
  }

 private:
  // Packed to 12 bytes: the address table is the drain thread's largest.
  struct [[gnu::packed, gnu::aligned(4)]] Slot {
    uint64_t key;
    uint32_t value;
  };

  void Grow() {
    PageArray<Slot> old = slots_;
    const size_t old_capacity = capacity_;
    capacity_ = old_capacity == 0 ? 1024 : old_capacity * 2;
    slots_ = {};
    slots_.Resize(capacity_);
    slots_.Populate();
    DCHECK(slots_.data() != nullptr);
    for (size_t j = 0; j < old_capacity; j++) {
      if (old[j].key == 0) continue;
      size_t i = MixHash(old[j].key) & (capacity_ - 1);
      while (slots_[i].key != 0) i = (i + 1) & (capacity_ - 1);
      slots_[i] = old[j];
    }
    old.Free();
  }

  PageArray<Slot> slots_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace memtape
