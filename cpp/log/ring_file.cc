// SPDX-License-Identifier: MIT
#include "log/ring_file.h"

#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "os/os.h"

namespace memtape {
namespace {

template <typename T>
void Store(uint8_t* header, size_t offset, T value) {
  memcpy(header + offset, &value, sizeof value);
}

}  // namespace

int RingFile::Create(const char* path, const Start& start) {
  if (entries_ == nullptr) {
    entries_ = static_cast<Entry*>(os::MapPages(kMaxSlots * sizeof(Entry)));
    if (entries_ == nullptr) return -ENOMEM;
  }
  for (uint32_t i = 0; i < kMaxSlots && entries_[i].header.load() != nullptr; i++) {
    entries_[i].header.store(nullptr, std::memory_order_relaxed);
    entries_[i].in_use.store(0, std::memory_order_relaxed);
  }
  count_.store(0, std::memory_order_relaxed);
  fd_ = os::OpenWrite(path, /*overwrite=*/true, /*readable=*/true);
  if (fd_ < 0) return fd_;
  if (const int error = os::Allocate(fd_, 0, kRingsHeaderBytes); error < 0) return error;
  header_ = os::MapShared(fd_, 0, kRingsHeaderBytes);
  if (header_ == nullptr) return -ENOMEM;
  memcpy(header_ + kRingsMagicOffset, kRingsMagic, sizeof kRingsMagic);
  Store<uint16_t>(header_, kRingsVersionMajorOffset, kVersionMajor);
  Store<uint16_t>(header_, kRingsVersionMinorOffset, kVersionMinor);
  Store<uint32_t>(header_, kRingsSlotBytesOffset, kSlotBytes);
  Store(header_, kRingsCaptureIdOffset, start.capture_id);
  Store(header_, kRingsTicksAtStartOffset, start.ticks);
  Store(header_, kRingsTicksPerSecondOffset, start.ticks_per_second);
  Store(header_, kRingsStartUnixNsOffset, start.unix_ns);
  return 0;
}

void RingFile::SetTicksPerSecond(uint64_t ticks_per_second) {
  Store(header_, kRingsTicksPerSecondOffset, ticks_per_second);
}

void RingFile::Remove(const char* path) {
  os::Unlink(path);
  os::Close(fd_);
  fd_ = -1;
}

int64_t RingFile::Acquire(uint32_t os_tid) {
  const uint32_t count = this->count();
  int64_t index = -EAGAIN;
  for (uint32_t i = 0; i < count && index < 0; i++) {
    uint32_t free = 0;
    if (entries_[i].header.load(std::memory_order_acquire) != nullptr &&
        entries_[i].in_use.compare_exchange_strong(free, 1, std::memory_order_acq_rel)) {
      index = i;
    }
  }
  if (index < 0) index = Construct();
  if (index >= 0) {
    entries_[index].header.load(std::memory_order_relaxed)
        ->os_tid.store(os_tid, std::memory_order_release);
  }
  return index;
}

int64_t RingFile::Construct() {
  const uint32_t index = count_.fetch_add(1, std::memory_order_acq_rel);
  if (index >= kMaxSlots) {
    count_.store(kMaxSlots, std::memory_order_release);
    return -EMFILE;
  }
  Entry& entry = entries_[index];
  entry.in_use.store(1, std::memory_order_relaxed);
  const uint64_t offset = kRingsHeaderBytes + uint64_t{index} * kSlotBytes;
  if (const int error = os::Allocate(fd_, offset, kSlotBytes); error < 0) return error;
  uint8_t* header = os::MapShared(fd_, offset, kSlotHeaderBytes);
  entry.ring = os::MapTwice(fd_, offset + kSlotHeaderBytes, kRingBytes);
  if (header == nullptr || entry.ring == nullptr) return -ENOMEM;
  // Readers after a kill trust slot_count; a slot that is not there yet is all zeroes, hence empty.
  reinterpret_cast<std::atomic<uint32_t>*>(header_ + kRingsSlotCountOffset)
      ->store(count(), std::memory_order_release);
  entry.header.store(reinterpret_cast<SlotHeader*>(header), std::memory_order_release);
  return index;
}

void RingFile::Release(uint32_t index) {
  entries_[index].header.load(std::memory_order_relaxed)
      ->os_tid.store(0, std::memory_order_release);
  entries_[index].in_use.store(0, std::memory_order_release);
}

Slot RingFile::At(uint32_t index) const {
  const Entry& entry = entries_[index];
  SlotHeader* header = entry.header.load(std::memory_order_acquire);
  return {header, header == nullptr ? nullptr : entry.ring};
}

}  // namespace memtape
