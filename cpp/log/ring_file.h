// SPDX-License-Identifier: MIT
// FILE.rings: creates it, hands out slots to threads, takes them back.
#pragma once

#include <stdint.h>

#include <atomic>

#include "log/own_file.h"
#include "log/ring.h"

namespace memtape {

inline constexpr uint32_t kMaxSlots = 4096;

struct Slot {
  SlotHeader* header = nullptr;
  uint8_t* ring = nullptr;      // kRingBytes, mapped twice in a row
  RingWriter* owner = nullptr;  // null: nobody has it
};

class RingFile {
 public:
  struct Start {
    uint64_t capture_id, ticks, ticks_per_second, unix_ns;
  };

  // Returns 0 or a negative errno. One thread, before any Acquire and after every earlier one.
  int Create(const char* path, const Start& start);
  // Closes the file and forgets its slots. Those that may still be written to stay mapped: all, or,
  // when `settled` says that whoever is inside its ring shows it, those with such an owner.
  void Close(bool settled);
  // Deletes the file; it can be used on.
  void Unlink() { file_.Unlink(); }

  // A slot for `owner`, on its thread: a released one, or a new one at the end of the file.
  // Returns its index, or a negative errno.
  int64_t Acquire(uint32_t os_tid, RingWriter* owner);
  // Gives an empty slot back, whose owner has died. Drain thread only.
  void Release(uint32_t index);

  uint32_t count() const;
  // A slot below count() may be under construction: then its header is null.
  Slot At(uint32_t index) const;
  // Re-measured clock rate, for readers.
  void SetTicksPerSecond(uint64_t ticks_per_second);

 private:
  struct Entry {
    std::atomic<SlotHeader*> header;
    uint8_t* ring;
    std::atomic<RingWriter*> owner;
    std::atomic<uint32_t> in_use;
  };

  int64_t Construct();

  OwnFile file_;
  uint8_t* header_ = nullptr;
  std::atomic<uint32_t> count_{0};
  Entry* entries_ = nullptr;  // kMaxSlots, in pages of their own
};

}  // namespace memtape
