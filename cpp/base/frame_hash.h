// SPDX-License-Identifier: MIT
// The hash by which a thread knows its stacks again.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape {

// Keys are addresses and differ in few bits; the multiplication spreads each over the whole word
// and the order of frames matters. 64 bits: two of 10^6 stacks collide with a chance of 3·10^-8.
class FrameHash {
 public:
  void Add(uint64_t key) { state_ = (state_ ^ key) * kFactor + (state_ >> 29); }
  void Add(const uint64_t* keys, size_t count) {
    for (size_t i = 0; i < count; i++) Add(keys[i]);
  }

  // Never 0, which marks an empty slot.
  uint64_t value() const {
    uint64_t hash = state_ ^ state_ >> 35;
    hash *= kFactor;
    hash ^= hash >> 28;
    return hash | 1;
  }

 private:
  static constexpr uint64_t kFactor = 0x9FB21C651E98DF25u;
  uint64_t state_ = 0x243F6A8885A308D3u;  // digits of pi: a key 0 counts
};

}  // namespace memtape
