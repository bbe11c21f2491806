// SPDX-License-Identifier: MIT
#include "base/own_pages.h"

#include <atomic>

namespace memtape {
namespace {

// `begin` 0: free. `end` 0: about to come or to go.
struct Entry {
  std::atomic<uint64_t> begin, end;
};
constinit Entry entries[kMaxOwnRanges] = {};
constinit std::atomic<size_t> used{0};  // those behind have never had a range

}  // namespace

void OwnPagesCome(const void* begin, size_t bytes) {
  const uint64_t address = reinterpret_cast<uint64_t>(begin);
  for (size_t i = 0; i < kMaxOwnRanges; i++) {
    Entry& entry = entries[i];
    uint64_t nothing = 0;
    if (entry.begin.load(std::memory_order_relaxed) != 0 ||
        !entry.begin.compare_exchange_strong(nothing, address, std::memory_order_acq_rel)) {
      continue;
    }
    entry.end.store(address + bytes, std::memory_order_release);
    size_t before = used.load(std::memory_order_relaxed);
    while (before <= i && !used.compare_exchange_weak(before, i + 1)) {
    }
    return;
  }
}

void OwnPagesGo(const void* begin) {
  const uint64_t address = reinterpret_cast<uint64_t>(begin);
  const size_t count = used.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; i++) {
    Entry& entry = entries[i];
    if (entry.begin.load(std::memory_order_relaxed) != address) continue;
    entry.end.store(0, std::memory_order_relaxed);
    entry.begin.store(0, std::memory_order_release);
    return;
  }
}

size_t CopyOwnPages(OwnRange* ranges) {
  size_t found = 0;
  const size_t count = used.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; i++) {
    const uint64_t end = entries[i].end.load(std::memory_order_acquire);
    const uint64_t begin = entries[i].begin.load(std::memory_order_relaxed);
    // One that came or went meanwhile may have the end of another.
    if (begin != 0 && end > begin) ranges[found++] = {begin, end};
  }
  return found;
}

}  // namespace memtape
