// SPDX-License-Identifier: MIT
// One thread's ring buffer in the shared rings file (format.md §7). The owning thread writes, the
// drain thread reads; neither waits for the other unless the ring is full.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "base/check.h"
#include "format/rings.h"

namespace memtape {

inline constexpr size_t kRingBytes = size_t{4} << 20;
inline constexpr size_t kSlotBytes = kSlotHeaderBytes + kRingBytes;
// A variable record larger than this is split by its writer.
inline constexpr size_t kMaxRingRecordWords = kRingBytes / 8 / 8;

// The first page of a slot (format.md §7).
struct SlotHeader {
  std::atomic<uint64_t> head;  // written by the owner
  uint8_t pad0_[56];
  std::atomic<uint64_t> tail;  // written by the drain thread
  uint8_t pad1_[56];
  std::atomic<uint32_t> thread;
  std::atomic<uint32_t> os_tid;
};
static_assert(offsetof(SlotHeader, head) == kSlotHeadOffset);
static_assert(offsetof(SlotHeader, tail) == kSlotTailOffset);
static_assert(offsetof(SlotHeader, thread) == kSlotThreadOffset);
static_assert(offsetof(SlotHeader, os_tid) == kSlotOsTidOffset);

// The owner's half; what it says of itself stands in its own memory, which outlives the ring. Used
// by one thread at a time.
class RingWriter {
 public:
  void Reset(SlotHeader* slot, uint8_t* ring) {
    slot_ = slot;
    ring_ = ring;
    head_ = slot->head.load(std::memory_order_relaxed);
    limit_ = slot->tail.load(std::memory_order_relaxed) + kRingBytes;
    last_stamp_.store(0, std::memory_order_relaxed);
    inside_.store(0, std::memory_order_release);
  }

  // Between Open and Close the ring may be written to, and stamps may be taken that are not
  // committed yet: the drain thread keeps back every event that is younger than this thread's last.
  // Total store order on x86 and the fence elsewhere make Open visible before what follows has
  // effects; stores do reach other cores, if a little later.
  void Open() {
    inside_.store(call_ += 2, std::memory_order_relaxed);
#if defined(__x86_64__)
    std::atomic_signal_fence(std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }
  void Close() {
    inside_.store(0, std::memory_order_release);
  }

  // Any thread. Between Open and Close a number that tells this time from others, else 0.
  uint32_t call() const {
    return inside_.load(std::memory_order_acquire);
  }
  bool inside() const {
    return call() != 0;
  }
  // The stamp of the latest committed record of this ring, or 0.
  uint64_t last_stamp() const {
    return last_stamp_.load(std::memory_order_relaxed);
  }

  bool HasRoom(size_t words) {
    if (MEMTAPE_LIKELY(head_ + words * 8 <= limit_)) return true;
    limit_ = slot_->tail.load(std::memory_order_acquire) + kRingBytes;
    return head_ + words * 8 <= limit_;
  }

  // Where the next record goes; the mapping is doubled, so it is contiguous.
  uint64_t* Next() {
    return reinterpret_cast<uint64_t*>(ring_ + (head_ & (kRingBytes - 1)));
  }

  // Publishes `words` words at Next(), whose word 0 is the stamp.
  void Commit(size_t words, uint64_t stamp) {
    head_ += words * 8;
    last_stamp_.store(stamp, std::memory_order_relaxed);
    slot_->head.store(head_, std::memory_order_release);
  }

  uint64_t used() const {
    return head_ + kRingBytes - limit_;
  }

 private:
  SlotHeader* slot_ = nullptr;
  uint8_t* ring_ = nullptr;
  uint64_t head_ = 0;
  uint64_t limit_ = 0;  // head_ may grow up to here
  uint32_t call_ = 1;   // odd, so never 0
  std::atomic<uint64_t> last_stamp_{0};
  std::atomic<uint32_t> inside_{0};
};

}  // namespace memtape
