// SPDX-License-Identifier: MIT
#include "hooks/handover.h"

#include <atomic>

#include "os/os.h"

namespace memtape {
namespace {

// Work that is queued or running, and threads that are starting. Pages that are never touched take
// no memory.
constexpr uint32_t kMaxHandovers = 1 << 16;
// Keys are in one of kWindow places from their own on, so that a look-up ends without a rule for
// deleted ones.
constexpr uint32_t kPlaces = 1 << 17;
constexpr uint32_t kWindow = 32;

struct Entry {
  Handover handover;
  std::atomic<uint32_t> next_free;  // number of an entry: index + 1
};

struct Table {
  std::atomic<uint64_t> free;  // number of an entry; a count of changes in the upper half
  std::atomic<uint32_t> used;  // entries that were ever taken
  Entry entries[kMaxHandovers];
  std::atomic<uint64_t> keys[kPlaces + kWindow];
  std::atomic<uint32_t> numbers[kPlaces + kWindow];
};

// Null until it is first needed; most processes never do.
Table* GetTable() {
  static std::atomic<Table*> made;
  Table* table = made.load(std::memory_order_acquire);
  if (table != nullptr) return table;
  Table* fresh = static_cast<Table*>(os::MapPages(sizeof(Table)));
  if (fresh == nullptr) return nullptr;
  if (made.compare_exchange_strong(table, fresh, std::memory_order_acq_rel)) return fresh;
  os::UnmapPages(fresh, sizeof(Table));
  return table;
}

uint32_t NumberOf(const Table* table, const Handover* handover) {
  return static_cast<uint32_t>(reinterpret_cast<const Entry*>(handover) - table->entries) + 1;
}

// Neighbours in memory stay neighbours here, so that few pages are touched.
uint32_t FirstPlace(uint64_t key) {
  return static_cast<uint32_t>(key >> 5) % kPlaces;
}

// A place of `key` (0: an empty one), or null.
std::atomic<uint64_t>* FindKey(Table* table, uint32_t first, uint64_t key) {
  for (uint32_t i = first; i < first + kWindow; i++) {
    if (table->keys[i].load(std::memory_order_acquire) == key) return &table->keys[i];
  }
  return nullptr;
}

}  // namespace

Handover* TakeHandover() {
  Table* const table = GetTable();
  if (table == nullptr) return nullptr;
  uint64_t head = table->free.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    Entry& entry = table->entries[static_cast<uint32_t>(head) - 1];
    const uint64_t changed = (head >> 32) + 1;
    const uint64_t next = changed << 32 | entry.next_free.load(std::memory_order_relaxed);
    if (table->free.compare_exchange_weak(head, next, std::memory_order_acq_rel)) {
      return &entry.handover;
    }
  }
  if (table->used.load(std::memory_order_relaxed) >= kMaxHandovers) return nullptr;
  const uint32_t index = table->used.fetch_add(1, std::memory_order_relaxed);
  return index < kMaxHandovers ? &table->entries[index].handover : nullptr;
}

void GiveBack(Handover* handover) {
  Table* const table = GetTable();
  const uint32_t number = NumberOf(table, handover);
  uint64_t head = table->free.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    table->entries[number - 1].next_free.store(static_cast<uint32_t>(head),
                                               std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | number;
  } while (!table->free.compare_exchange_weak(head, next, std::memory_order_acq_rel));
}

bool KeepHandover(const void* object, Handover* handover) {
  Table* const table = GetTable();
  const uint64_t key = reinterpret_cast<uint64_t>(object);
  const uint32_t first = FirstPlace(key);
  // Left over from an object that went unseen, while no functions were replaced.
  if (Handover* old = ForgetHandover(object)) GiveBack(old);
  for (uint32_t i = first; i < first + kWindow; i++) {
    uint64_t empty = 0;
    if (table->keys[i].load(std::memory_order_relaxed) != 0) continue;
    if (!table->keys[i].compare_exchange_strong(empty, key, std::memory_order_acq_rel)) continue;
    table->numbers[i].store(NumberOf(table, handover), std::memory_order_release);
    return true;
  }
  return false;
}

Handover* FindHandover(const void* object) {
  Table* const table = GetTable();
  if (table == nullptr) return nullptr;
  const uint64_t key = reinterpret_cast<uint64_t>(object);
  const std::atomic<uint64_t>* place = FindKey(table, FirstPlace(key), key);
  if (place == nullptr) return nullptr;
  return &table->entries[table->numbers[place - table->keys].load() - 1].handover;
}

Handover* ForgetHandover(const void* object) {
  Table* const table = GetTable();
  if (table == nullptr) return nullptr;
  const uint64_t key = reinterpret_cast<uint64_t>(object);
  std::atomic<uint64_t>* const place = FindKey(table, FirstPlace(key), key);
  if (place == nullptr) return nullptr;
  Handover* const found =
      &table->entries[table->numbers[place - table->keys].load(std::memory_order_acquire) - 1]
           .handover;
  place->store(0, std::memory_order_release);
  return found;
}

}  // namespace memtape
