// SPDX-License-Identifier: MIT
#include "log/ring_file.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "format/format.h"
#include "os/os.h"

namespace memtape {
namespace {

template <typename T>
void Store(uint8_t* header, size_t offset, T value) {
  memcpy(header + offset, &value, sizeof value);
}

// Sets a number in the file that only grows, whoever comes first.
void RaiseTo(uint8_t* header, size_t offset, uint32_t value) {
  auto* number = reinterpret_cast<std::atomic<uint32_t>*>(header + offset);
  uint32_t before = number->load(std::memory_order_relaxed);
  while (before < value && !number->compare_exchange_weak(before, value)) {
  }
}

}  // namespace

int RingFile::Create(const char* path, const Start& start) {
  if (entries_ == nullptr) {
    entries_ = static_cast<Entry*>(os::MapPages(kMaxSlots * sizeof(Entry)));
    if (entries_ == nullptr) return -ENOMEM;
  }
  Close(/*settled=*/false);  // what a forked child has from its parent
  if (const int error = file_.Create(path, /*overwrite=*/true, /*readable=*/true); error < 0) {
    return error;
  }
  const int fd = file_.Descriptor();
  if (fd < 0) return fd;
  if (const int error = os::Allocate(fd, 0, kRingsHeaderBytes); error < 0) return error;
  header_ = os::MapShared(fd, 0, kRingsHeaderBytes);
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

void RingFile::Close(bool settled) {
  const uint32_t count = this->count();
  count_.store(0, std::memory_order_relaxed);
  for (uint32_t i = 0; i < count; i++) {
    const Slot slot = At(i);
    const bool in_the_way = !settled || (slot.owner != nullptr && slot.owner->inside());
    if (slot.header != nullptr && !in_the_way) {
      os::UnmapPages(slot.header, kSlotHeaderBytes);
      os::UnmapPages(slot.ring, 2 * kRingBytes);
    }
    entries_[i].header.store(nullptr, std::memory_order_relaxed);
    entries_[i].owner.store(nullptr, std::memory_order_relaxed);
    entries_[i].in_use.store(0, std::memory_order_relaxed);
  }
  if (header_ != nullptr) os::UnmapPages(header_, kRingsHeaderBytes);
  header_ = nullptr;
  file_.Close();
}

void RingFile::SetTicksPerSecond(uint64_t ticks_per_second) {
  Store(header_, kRingsTicksPerSecondOffset, ticks_per_second);
}

uint32_t RingFile::count() const {
  // Threads that find no room have counted beyond.
  return std::min(count_.load(std::memory_order_acquire), kMaxSlots);
}

int64_t RingFile::Acquire(uint32_t os_tid, RingWriter* owner) {
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
  if (index < 0) return index;
  Entry& entry = entries_[index];
  SlotHeader* header = entry.header.load(std::memory_order_relaxed);
  header->os_tid.store(os_tid, std::memory_order_release);
  owner->Reset(header, entry.ring);
  entry.owner.store(owner, std::memory_order_release);
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
  const int fd = file_.Descriptor();
  if (fd < 0) return fd;
  if (const int error = os::Allocate(fd, offset, kSlotBytes); error < 0) return error;
  uint8_t* header = os::MapShared(fd, offset, kSlotHeaderBytes);
  uint8_t* ring = os::MapTwice(fd, offset + kSlotHeaderBytes, kRingBytes);
  if (header == nullptr || ring == nullptr) {
    if (header != nullptr) os::UnmapPages(header, kSlotHeaderBytes);
    if (ring != nullptr) os::UnmapPages(ring, 2 * kRingBytes);
    return -ENOMEM;
  }
  entry.ring = ring;
  // Readers after a kill trust slot_count; a slot that is not there yet is all zeroes, hence empty.
  RaiseTo(header_, kRingsSlotCountOffset, index + 1);
  entry.header.store(reinterpret_cast<SlotHeader*>(header), std::memory_order_release);
  return index;
}

void RingFile::Release(uint32_t index) {
  Entry& entry = entries_[index];
  entry.header.load(std::memory_order_relaxed)->os_tid.store(0, std::memory_order_release);
  entry.owner.store(nullptr, std::memory_order_relaxed);
  entry.in_use.store(0, std::memory_order_release);
}

Slot RingFile::At(uint32_t index) const {
  const Entry& entry = entries_[index];
  SlotHeader* header = entry.header.load(std::memory_order_acquire);
  if (header == nullptr) return {};
  return {header, entry.ring, entry.owner.load(std::memory_order_acquire)};
}

}  // namespace memtape
