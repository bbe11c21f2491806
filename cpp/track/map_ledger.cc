// SPDX-License-Identifier: MIT
#include "track/map_ledger.h"

#include <string.h>
#include <sys/mman.h>

#include <algorithm>

namespace memtape {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t PageUp(uint64_t length) {
  return (length + kPage - 1) & ~(kPage - 1);
}

// V8 13 makes its whole code range of 512 MiB writable and executable at once, gives the pages back
// in the next call and takes some of them later without another. To count the range as committed
// would put half a gigabyte that nobody uses on every Node 24 process: it counts as reserved, and
// the few megabytes of code that V8 makes are seen in its own statistics.
constexpr uint64_t kCodeArenaBytes = uint64_t{64} << 20;
bool IsCodeArena(uint64_t prot, uint64_t length) {
  constexpr uint64_t kWriteAndExecute = PROT_WRITE | PROT_EXEC;
  return length >= kCodeArenaBytes && (prot & kWriteAndExecute) == kWriteAndExecute;
}

MemoryClass ClassOf(uint64_t prot, uint64_t length, bool file) {
  if (file) return MemoryClass::kFile;
  return prot == PROT_NONE || IsCodeArena(prot, length) ? MemoryClass::kReserved
                                                        : MemoryClass::kCommitted;
}

const char* ParseHex(const char* at, const char* end, uint64_t* value) {
  *value = 0;
  for (; at < end; at++) {
    const char c = *at;
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) break;
    *value = *value << 4 | static_cast<uint64_t>(digit);
  }
  return at;
}

}  // namespace

void MapLedger::Snapshot(const char* maps, size_t size) {
  const char* at = maps;
  const char* const end = maps + size;
  while (at < end) {
    const char* line_end =
        static_cast<const char*>(memchr(at, '\n', static_cast<size_t>(end - at)));
    if (line_end == nullptr) line_end = end;
    uint64_t start, stop, offset, device;
    const char* p = ParseHex(at, line_end, &start);
    p = ParseHex(p + 1, line_end, &stop);
    if (line_end - p > 6) {
      const bool none = memcmp(p + 1, "---", 3) == 0;
      p = ParseHex(p + 6, line_end, &offset);
      p = ParseHex(p + 1, line_end, &device);  // major
      uint64_t minor;
      ParseHex(p + 1, line_end, &minor);
      const bool file = device != 0 || minor != 0;
      intervals_.push_back({start, stop, 0, ClassOf(none ? PROT_NONE : PROT_READ, 0, file), file});
    }
    at = line_end + 1;
  }
}

size_t MapLedger::FirstEndingAfter(uint64_t address) const {
  const Interval* first = intervals_.data();
  const Interval* found = std::upper_bound(
      first, first + intervals_.size(), address,
      [](uint64_t wanted, const Interval& interval) { return wanted < interval.end; });
  return static_cast<size_t>(found - first);
}

void MapLedger::Split(uint64_t address) {
  const size_t i = FirstEndingAfter(address);
  if (i == intervals_.size() || intervals_[i].start >= address) return;
  Interval tail = intervals_[i];
  tail.start = address;
  intervals_[i].end = address;
  intervals_.Insert(i + 1, tail);
  CountRanges(tail, 1);
}

void MapLedger::Count(const Interval& interval, int64_t sign) {
  if (interval.stack == 0) return;
  const int64_t bytes = sign * static_cast<int64_t>(interval.end - interval.start);
  bytes_[static_cast<size_t>(interval.memory_class)] += static_cast<uint64_t>(bytes);
  AddDelta(interval, bytes, sign);
}

// A range became two, or two became one; the bytes are the same.
void MapLedger::CountRanges(const Interval& interval, int64_t ranges) {
  if (interval.stack != 0) AddDelta(interval, 0, ranges);
}

void MapLedger::AddDelta(const Interval& interval, int64_t bytes, int64_t ranges) {
  for (size_t i = 0; i < deltas_.size(); i++) {
    MapDelta& delta = deltas_[i];
    if (delta.stack != interval.stack || delta.memory_class != interval.memory_class) continue;
    delta.bytes += bytes;
    delta.ranges += ranges;
    return;
  }
  deltas_.push_back({interval.memory_class, interval.stack, bytes, ranges});
}

void MapLedger::Remove(uint64_t start, uint64_t end) {
  Split(start);
  Split(end);
  const size_t from = FirstEndingAfter(start);
  size_t to = from;
  while (to < intervals_.size() && intervals_[to].start < end) Count(intervals_[to++], -1);
  if (to > from) intervals_.Erase(from, to);
}

void MapLedger::Add(const Interval& interval) {
  Count(interval, 1);
  size_t i = FirstEndingAfter(interval.start);
  // Neighbours that are alike become one, or a heap that grows page by page would fill the map.
  if (i > 0) {
    Interval& before = intervals_[i - 1];
    if (before.end == interval.start && before.stack == interval.stack &&
        before.memory_class == interval.memory_class && before.file == interval.file) {
      before.end = interval.end;
      CountRanges(interval, -1);
      return;
    }
  }
  intervals_.Insert(i, interval);
}

uint64_t MapLedger::FirstHole(uint64_t start, uint64_t end) const {
  uint64_t reached = start;
  for (size_t i = FirstEndingAfter(start); i < intervals_.size() && reached < end; i++) {
    if (intervals_[i].start > reached) break;
    reached = intervals_[i].end;
  }
  return std::min(reached, end);
}

void MapLedger::Protect(uint64_t start, uint64_t end, uint64_t prot, uint32_t stack) {
  Split(start);
  Split(end);
  for (size_t i = FirstEndingAfter(start); i < intervals_.size() && intervals_[i].start < end;
       i++) {
    Interval& interval = intervals_[i];
    const MemoryClass after = ClassOf(prot, end - start, interval.file);
    if (after == interval.memory_class) continue;
    Count(interval, -1);
    // Who makes pages usable is who takes the memory; who closes them keeps the reservation.
    if (after == MemoryClass::kCommitted) interval.stack = stack;
    interval.memory_class = after;
    Count(interval, 1);
  }
}

void MapLedger::Remap(const MapRecord& record) {
  const uint64_t old_start = record.address;
  const uint64_t old_length = PageUp(record.length);
  const uint64_t new_start = record.prot;
  const uint64_t new_length = PageUp(record.flags);
  Split(old_start);
  const size_t i = FirstEndingAfter(old_start);
  Interval old = {old_start, old_start + old_length, 0, MemoryClass::kCommitted, false};
  if (i < intervals_.size() && intervals_[i].start == old_start) old = intervals_[i];
  const uint64_t kept = std::min(old_length, new_length);
  Remove(old_start, old_start + old_length);
  Remove(new_start, new_start + new_length);
  if (kept > 0) {
    Add({new_start, new_start + kept, old.stack, old.memory_class, old.file});
  }
  if (new_length > kept) {
    Add({new_start + kept, new_start + new_length, record.stack, old.memory_class, old.file});
  }
}

std::span<const MapDelta> MapLedger::Apply(const MapRecord& record) {
  deltas_.Clear();
  const uint64_t start = record.address;
  const uint64_t end = start + PageUp(record.length);
  switch (record.op) {
    case MapOp::kMmap: {
      const bool file = (record.flags & MAP_ANONYMOUS) == 0;
      Remove(start, end);
      Add({start, end, record.stack, ClassOf(record.prot, end - start, file), file});
      break;
    }
    case MapOp::kMunmap:
      Remove(start, end);
      break;
    case MapOp::kMremap:
      Remap(record);
      break;
    case MapOp::kMprotect:
      Protect(start, record.flags == kUpToHole ? FirstHole(start, end) : end, record.prot,
              record.stack);
      break;
    case MapOp::kMadvise:
      // The pages stay accessible: what the advice changes is RSS, not what is committed.
      break;
  }
  size_t kept = 0;
  for (size_t i = 0; i < deltas_.size(); i++) {
    if (deltas_[i].bytes != 0 || deltas_[i].ranges != 0) deltas_[kept++] = deltas_[i];
  }
  deltas_.Resize(kept);
  return {deltas_.data(), kept};
}

MapLedger::Owner MapLedger::OwnerOf(uint64_t address) const {
  const size_t i = FirstEndingAfter(address);
  if (i == intervals_.size()) return {0, false, UINT64_MAX};
  const Interval& interval = intervals_[i];
  if (interval.start > address) return {0, false, interval.start};
  return {interval.stack, true, interval.end};
}

void MapLedger::Clear() {
  intervals_.Free();
  deltas_.Free();
  memset(bytes_, 0, sizeof bytes_);
}

}  // namespace memtape
