// SPDX-License-Identifier: MIT
// Which module a pc is in: immutable versions, published through one atomic pointer.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "stack/cfi_rows.h"

namespace memtape {

// A stretch of executable code of one module.
struct ModuleRange {
  enum Flags : uint32_t {
    // Code that only hands out memory on behalf of its caller: libc, libstdc++, ourselves.
    kWrapper = 1,
    // Code without rows that keeps frame pointers: V8's builtins.
    kFramePointers = 2,
  };

  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t bias = 0;              // address - vaddr
  const CfiTable* cfi = nullptr;  // nullptr: no rows, frame pointers only
  uint32_t module_id = 0;
  uint32_t flags = 0;
};

class ModuleMap {
 public:
  uint32_t count() const { return count_; }
  const ModuleRange& range(uint32_t index) const { return ranges_[index]; }

  // nullptr for code that belongs to no module, such as what V8 compiles.
  const ModuleRange* Find(uint64_t pc) const {
    uint32_t low = 0;
    uint32_t length = count_;
    while (length > 0) {  // the first range that ends after pc
      const uint32_t half = length / 2;
      if (ranges_[low + half].end <= pc) {
        low += half + 1;
        length -= half + 1;
      } else {
        length = half;
      }
    }
    return low < count_ && ranges_[low].begin <= pc ? &ranges_[low] : nullptr;
  }

 private:
  friend class ModuleRegistry;
  uint32_t count_ = 0;
  size_t bytes_ = 0;
  ModuleMap* older_ = nullptr;
  ModuleRange ranges_[];
};

// One thread's view of the map. The version that a reader holds is not freed, so a walk may use
// map() without a lock until the same thread's next Sync.
//
// A reader is attached once (ModuleRegistry::Attach) and never destroyed; a thread's successor may
// take it over.
class MapReader {
 public:
  // Moves on to the current version; true if that is another one. Hook-safe, one load when nothing
  // has changed.
  bool Sync() {
    const ModuleMap* held = held_.load(std::memory_order_relaxed);
    if (published_ == nullptr || published_->load(std::memory_order_acquire) == held) return false;
    Claim();
    return true;
  }

  // Lets go of the version, when the thread ends.
  void Release() { held_.store(nullptr, std::memory_order_release); }

  const ModuleMap* map() const { return held_.load(std::memory_order_relaxed); }

 private:
  friend class ModuleRegistry;

  // A hazard pointer: announce first, then look again. The owner does it the other way round, so
  // one of the two notices.
  void Claim() {
    const ModuleMap* current;
    do {
      current = published_->load(std::memory_order_acquire);
      held_.store(current, std::memory_order_seq_cst);
    } while (published_->load(std::memory_order_seq_cst) != current);
  }

  std::atomic<const ModuleMap*> held_{nullptr};
  const std::atomic<const ModuleMap*>* published_ = nullptr;
  MapReader* next_ = nullptr;
};

}  // namespace memtape
