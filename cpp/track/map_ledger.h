// SPDX-License-Identifier: MIT
// Who owns which pages: the interval map behind "committed", "reserved" and "file" (design of the
// accounting in docs/memory.md). Applies mapping calls and tells what each changed. Drain thread
// only.
#pragma once

#include <stdint.h>

#include <span>

#include "base/page_array.h"
#include "format/records.h"

namespace memtape {

class MapLedger {
 public:
  // Takes over the mappings that exist when tracking starts, from the text of /proc/self/maps: they
  // belong to nobody and do not count, but what becomes of them does.
  void Snapshot(const char* maps, size_t size);

  // `record.stack` is the caller's. Returns what changed, per class and owner; valid until the next
  // call. Fields as in format.md §5.2.
  std::span<const MapDelta> Apply(const MapRecord& record);

  // Whose page this is, and up to where that is so. Stack 0: nobody's that is known. `known`: it is
  // a mapping, if only one from before the start.
  struct Owner {
    uint32_t stack;
    bool known;
    uint64_t end;
  };
  Owner OwnerOf(uint64_t address) const;

  uint64_t bytes(MemoryClass memory_class) const {
    return bytes_[static_cast<size_t>(memory_class)];
  }
  void Clear();

 private:
  struct Interval {
    uint64_t start, end;
    uint32_t stack;  // 0: from before the start, not counted
    MemoryClass memory_class;
    bool file;
  };

  size_t FirstEndingAfter(uint64_t address) const;
  // Makes `address` a boundary between intervals.
  void Split(uint64_t address);
  void Remove(uint64_t start, uint64_t end);
  void Add(const Interval& interval);
  void Protect(uint64_t start, uint64_t end, uint64_t prot, uint32_t stack);
  void Remap(const MapRecord& record);
  void Count(const Interval& interval, int64_t sign);
  void CountRanges(const Interval& interval, int64_t ranges);
  void AddDelta(const Interval& interval, int64_t bytes, int64_t ranges);
  uint64_t FirstHole(uint64_t start, uint64_t end) const;

  PageArray<Interval> intervals_;  // sorted, no overlaps
  PageArray<MapDelta> deltas_;
  uint64_t bytes_[3] = {};
};

}  // namespace memtape
