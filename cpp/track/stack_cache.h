// SPDX-License-Identifier: MIT
// One thread's table of the stacks it has seen: hash of the frame keys → ring stack number. Belongs
// to the hook's hot path: no lock, no malloc, one probe in the common case.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/populate.h"
#include "os/os.h"

namespace memtape {

class StackCache {
 public:
  // The number of the stack with this hash, or 0.
  uint32_t Find(uint64_t hash) const {
    for (size_t i = hash >> shift_;; i = (i + 1) & (capacity_ - 1)) {
      if (slots_[i].hash == hash) return slots_[i].number;
      if (slots_[i].hash == 0) return 0;
    }
  }

  // Find(hash) comes soon: with 10^5 stacks it would wait for memory.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash >> shift_]); }

  // REQUIRES: Find(hash) == 0. When memory runs out the cache forgets everything and goes on.
  void Insert(uint64_t hash, uint32_t number) {
    if ((size_ + 1) * 2 > capacity_ && !Grow()) Clear();
    Place(hash, number);
    size_++;
  }

  void Clear() {
    memset(static_cast<void*>(slots_), 0, capacity_ * sizeof(Slot));
    size_ = 0;
  }

  bool Init() {
    if (slots_ != nullptr) {
      Clear();
      return true;
    }
    slots_ = static_cast<Slot*>(os::MapPages(kFirstCapacity * sizeof(Slot)));
    capacity_ = slots_ == nullptr ? 0 : kFirstCapacity;
    shift_ = 64 - kFirstBits;
    return slots_ != nullptr;
  }

  size_t size() const { return size_; }

 private:
  struct Slot {
    uint64_t hash;
    uint32_t number;
  };
  static constexpr unsigned kFirstBits = 9;
  static constexpr size_t kFirstCapacity = size_t{1} << kFirstBits;
  static constexpr size_t kMaxCapacity = size_t{1} << 22;

  void Place(uint64_t hash, uint32_t number) {
    size_t i = hash >> shift_;
    while (slots_[i].hash != 0) i = (i + 1) & (capacity_ - 1);
    slots_[i] = {hash, number};
  }

  bool Grow() {
    const size_t old_capacity = capacity_;
    if (old_capacity * 4 > kMaxCapacity) return false;
    Slot* old = slots_;
    Slot* grown = static_cast<Slot*>(os::MapPages(old_capacity * 4 * sizeof(Slot)));
    if (grown == nullptr) return false;
    Populate(grown, old_capacity * 4 * sizeof(Slot));
    slots_ = grown;
    capacity_ = old_capacity * 4;
    shift_ -= 2;
    for (size_t i = 0; i < old_capacity; i++) {
      if (old[i].hash != 0) Place(old[i].hash, old[i].number);
    }
    os::UnmapPages(old, old_capacity * sizeof(Slot));
    return true;
  }

  Slot* slots_ = nullptr;
  size_t capacity_ = 0;
  size_t size_ = 0;
  unsigned shift_ = 64;
};

}  // namespace memtape
