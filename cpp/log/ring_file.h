// SPDX-License-Identifier: MIT
// FILE.rings: creates it, hands out slots to threads, takes them back. Slots are mapped once and
// stay mapped, so that a late event of a dying thread can never fault.
#pragma once

#include <stdint.h>

#include <atomic>

#include "log/ring.h"

namespace memtape {

inline constexpr uint32_t kMaxSlots = 4096;

struct Slot {
  SlotHeader* header = nullptr;
  uint8_t* ring = nullptr;  // kRingBytes, mapped twice in a row
};

class RingFile {
 public:
  struct Start {
    uint64_t capture_id, ticks, ticks_per_second, unix_ns;
  };

  // Returns 0 or a negative errno. One thread, before any Acquire.
  int Create(const char* path, const Start& start);
  // Unmaps nothing; closes and deletes the file.
  void Remove(const char* path);

  // A slot for the calling thread: a released one, or a new one at the end of the file.
  // Any thread. Returns its index, or a negative errno.
  int64_t Acquire(uint32_t os_tid);
  // Gives an empty slot back. Drain thread only.
  void Release(uint32_t index);

  uint32_t count() const { return count_.load(std::memory_order_acquire); }
  // A slot below count() may still be under construction: then its header is null.
  Slot At(uint32_t index) const;
  // Re-measured clock rate, for readers.
  void SetTicksPerSecond(uint64_t ticks_per_second);

 private:
  int64_t Construct();

  int fd_ = -1;
  uint8_t* header_ = nullptr;
  std::atomic<uint32_t> count_{0};
  struct Entry {
    std::atomic<SlotHeader*> header;
    uint8_t* ring;
    std::atomic<uint32_t> in_use;
  };
  Entry* entries_ = nullptr;  // kMaxSlots, in pages of their own
};

}  // namespace memtape
