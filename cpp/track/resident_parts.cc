// SPDX-License-Identifier: MIT
#include "track/resident_parts.h"

#include <string.h>

#include <algorithm>

#include "os/os.h"
#include "os/proc.h"

namespace memtape {
namespace {

constexpr uint32_t kMainArena = 1;

// More parts than any program has stacks that map memory; the rest counts as nobody's.
constexpr size_t kMaxParts = 16'384;

// glibc: an arena that is not the main one is a chain of heaps at multiples of this; the first
// words of each are below. (arena.c; HEAP_MAX_SIZE)
constexpr uint64_t kArenaHeapBytes = uint64_t{64} << 20;
struct HeapInfo {
  uint64_t arena;
  uint64_t previous;
  uint64_t size;
};
// An arena's own data lies behind the head of its first heap.
constexpr uint64_t kFirstArenaOffset = 16, kLastArenaOffset = 256;

constexpr uint64_t kMaxGuardBytes = 64 << 10;

// What libc keeps of a thread above its thread pointer.
constexpr uint64_t kThreadControlBytes = 2304;

uint64_t PageUp(uint64_t address) {
  const uint64_t page = os::PageSize();
  return (address + page - 1) & ~(page - 1);
}

bool IsHeap(const HeapInfo& heap) {
  const uint64_t offset = heap.arena % kArenaHeapBytes;
  return offset >= kFirstArenaOffset && offset <= kLastArenaOffset && heap.arena % 16 == 0 &&
         heap.previous % kArenaHeapBytes == 0 && heap.size > 0 && heap.size <= kArenaHeapBytes &&
         heap.size % 4096 == 0;
}

// The stack of a thread that is not known may have a block's mapping for a neighbour.
bool HoldsBlocks(RssPart part, uint32_t detail) {
  return part == RssPart::kArena || part == RssPart::kAnonymous || part == RssPart::kEarlier ||
         (part == RssPart::kThreadStack && detail == 0);
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

bool ResidentParts::Begin(const Owners& owners, Dictionary* dictionary) {
  owners_ = owners;
  dictionary_ = dictionary;
  own_.Resize(kMaxOwnRanges);
  own_.Resize(CopyOwnPages(own_.data()));
  std::sort(own_.data(), own_.data() + own_.size(),
            [](const OwnRange& a, const OwnRange& b) { return a.begin < b.begin; });
  return Restart();
}

bool ResidentParts::Restart() {
  rss_ = guard_end_ = file_end_ = looked_to_ = 0;
  mapping_ = {};
  claim_ = {};
  parts_.Clear();
  part_index_.Clear();
  runs_.Clear();
  heaps_.Clear();
  if (!by_range_) return true;
  const std::span<const char> text = os::ReadMaps();
  maps_.Clear();
  maps_.Append(text.data(), text.size());
  next_line_ = maps_.data();
  return maps_.size() > 0;
}

bool ResidentParts::Step(size_t pages) {
  memory_fd_ = os::OpenRead("/proc/self/mem");
  bool over = by_range_ && StepByRange(pages);
  if (!by_range_) {
    Restart();
    AddAllOfSmaps();
    over = true;
  }
  CloseFiles();
  return over;
}

bool ResidentParts::Look(const Owners& owners, Dictionary* dictionary) {
  if (!Begin(owners, dictionary)) return false;
  while (!Step(kAllPages)) {
  }
  return rss_ > 0;
}

void ResidentParts::CloseFiles() {
  smaps_.Close();
  if (memory_fd_ >= 0) os::Close(memory_fd_);
  memory_fd_ = -1;
}

#if defined(__x86_64__)
constexpr uint64_t kEndOfUserSpace = (uint64_t{1} << 47) - 4096;
#else
constexpr uint64_t kEndOfUserSpace = uint64_t{1} << 48;
#endif

bool ResidentParts::StepByRange(size_t pages) {
  constexpr size_t kMostRanges = 256;
  os::ResidentRange ranges[kMostRanges];
  os::ResidentRanges found;
  while (pages > 0) {
    by_range_ = os::FindResident(looked_to_, kEndOfUserSpace, pages, ranges, &found) &&
                found.looked_to > looked_to_;
    for (size_t i = 0; by_range_ && i < found.count; i++) {
      AddRange(ranges[i]);
      pages -= std::min<uint64_t>(pages, (ranges[i].end - ranges[i].begin) / os::PageSize());
    }
    if (!by_range_) return false;
    looked_to_ = found.looked_to;
    if (looked_to_ >= kEndOfUserSpace) return true;
  }
  return false;
}

void ResidentParts::AddRange(const os::ResidentRange& range) {
  uint64_t begin = range.begin;
  const uint64_t end = range.end;
  while (begin < end) {
    // Pages that are in no mapping have come since the look began.
    while (mapping_.end <= begin) {
      if (!NextMapping()) return;
    }
    const uint64_t part_end = std::min(end, mapping_.end);
    begin = std::max(begin, mapping_.begin);
    if (begin < part_end) AddResident(begin, part_end);
    // The kernel does not count those of hugetlbfs, and only smaps tells them from others.
    if (range.huge && !mapping_.path.empty() && mapping_.path[0] == '/') by_range_ = false;
    begin = std::max(begin, part_end);
  }
}

bool ResidentParts::NextMapping() {
  MapsLine line;
  if (!ReadMapsLine(&next_line_, maps_.data() + maps_.size(), &line)) return false;
  Enter({line.begin, line.end, 0, line.readable, line.executable, {line.path, line.path_size}});
  return true;
}

void ResidentParts::Enter(const ResidentMapping& mapping) {
  mapping_ = mapping;
  claim_ = {RssPart::kOther, 0, mapping.begin};
  whole_ = true;
  const std::string_view path = mapping.path;
  if (!path.empty() && path[0] == '/') return EnterFile();
  // libc makes the guard and the stack above it in one: nobody else's memory begins there.
  if (path.empty() && !mapping.readable && mapping.end - mapping.begin <= kMaxGuardBytes &&
      owners_.ledger->OwnerOf(mapping.begin).stack == 0) {
    guard_end_ = mapping.end;
  }
  const bool is_named = path.substr(0, 6) == "[anon:";  // by prctl
  whole_ = !path.empty() && !is_named && path != "[heap]";
  if (path == "[stack]") claim_ = {RssPart::kThreadStack, owners_.main_thread, mapping.begin};
}

void ResidentParts::EnterFile() {
  constexpr std::string_view kDeleted = " (deleted)";
  std::string_view path = mapping_.path;
  if (EndsWith(path, kDeleted)) path = path.substr(0, path.size() - kDeleted.size());
  const bool is_ring = !owners_.rings_name.empty() && EndsWith(path, owners_.rings_name) &&
                       path[path.size() - owners_.rings_name.size() - 1] == '/';
  file_detail_ = is_ring ? 0 : dictionary_->String(mapping_.path);
  file_end_ = mapping_.end;
  claim_.part = is_ring ? RssPart::kMemtape : mapping_.executable ? RssPart::kCode : RssPart::kFile;
  claim_.detail = file_detail_;
}

void ResidentParts::AddResident(uint64_t begin, uint64_t end) {
  rss_ += end - begin;
  if (whole_) {
    if (claim_.part == RssPart::kOther) claim_.detail = dictionary_->String(mapping_.path);
    parts_[Part(claim_.part, claim_.detail)].bytes += end - begin;
    return;
  }
  while (begin < end) {
    while (claim_.end <= begin) claim_ = ClaimAt(claim_.end);
    const uint64_t part_end = std::min(end, claim_.end);
    const uint32_t part = Part(claim_.part, claim_.detail);
    parts_[part].bytes += part_end - begin;
    if (HoldsBlocks(claim_.part, claim_.detail)) AddRun(part, begin, part_end);
    if (!by_range_) segments_.push_back({part, part_end - begin});
    begin = part_end;
  }
}

void ResidentParts::AddAllOfSmaps() {
  if (!smaps_.Open()) return;
  ResidentMapping mapping;
  while (smaps_.Next(&mapping)) {
    Enter(mapping);
    if (mapping.resident == 0) continue;
    if (whole_) {
      AddResident(mapping.begin, mapping.begin + mapping.resident);
    } else {
      AddWithResidency(mapping);
    }
  }
}

// Where whole terabytes are mapped (a sanitizer's shadow), a byte for each page would be gigabytes.
constexpr uint64_t kMaxMappingBytes = uint64_t{64} << 30;

// Neighbours of the same kind are one mapping to the kernel, whoever made them.
void ResidentParts::AddWithResidency(const ResidentMapping& mapping) {
  const uint64_t page = os::PageSize(), bytes = mapping.end - mapping.begin;
  const uint64_t before = rss_;
  segments_.Clear();
  bool told = false;
  if (mapping.resident < bytes && bytes <= kMaxMappingBytes) {
    residency_.Resize(bytes / page);
    told = os::ReadResidency(mapping.begin, bytes, residency_.data());
  }
  if (!told) AddResident(mapping.begin, mapping.begin + mapping.resident);
  for (size_t i = 0, count = told ? bytes / page : 0; i < count;) {
    const size_t from = i;
    while (i < count && (residency_[i] & 1) != 0) i++;
    if (i > from) AddResident(mapping.begin + from * page, mapping.begin + i * page);
    while (i < count && (residency_[i] & 1) == 0) i++;
  }
  SettleDifference(mapping, rss_ - before);
  rss_ = before + mapping.resident;
}

// The two looks at one mapping may differ: the program goes on, and mincore takes pages of zeroes
// for resident that were only read. What the kernel counts is what parts must add up to.
void ResidentParts::SettleDifference(const ResidentMapping& mapping, uint64_t counted) {
  if (segments_.size() == 0) {
    claim_ = ClaimAt(mapping.begin);
    segments_.push_back({Part(claim_.part, claim_.detail), 0});
  }
  while (counted != mapping.resident) {
    Segment* largest = segments_.data();
    for (size_t i = 1; i < segments_.size(); i++) {
      if (segments_[i].bytes > largest->bytes) largest = &segments_[i];
    }
    if (counted < mapping.resident) {
      parts_[largest->part].bytes += mapping.resident - counted;
      return;
    }
    const uint64_t less = std::min(counted - mapping.resident, largest->bytes);
    parts_[largest->part].bytes -= less;
    largest->bytes -= less;
    counted -= less;
  }
}

ResidentParts::Claim ResidentParts::ClaimAt(uint64_t address) {
  Claim claim = ClaimOf(address);
  const OwnRange* const own = OwnRangeBehind(address);
  if (own != nullptr && own->begin > address) claim.end = std::min(claim.end, own->begin);
  claim.end = std::min(PageUp(claim.end), mapping_.end);
  if (claim.end <= address) claim.end = address + os::PageSize();
  return claim;
}

const OwnRange* ResidentParts::OwnRangeBehind(uint64_t address) const {
  const OwnRange* const end = own_.data() + own_.size();
  const OwnRange* const found =
      std::upper_bound(own_.data(), end, address,
                       [](uint64_t value, const OwnRange& range) { return value < range.end; });
  return found == end ? nullptr : found;
}

ResidentParts::Claim ResidentParts::ClaimOf(uint64_t address) {
  if (mapping_.path == "[heap]") return {RssPart::kArena, kMainArena, mapping_.end};
  const OwnRange* const own = OwnRangeBehind(address);
  if (own != nullptr && own->begin <= address) return {RssPart::kMemtape, 0, own->end};
  const MapLedger::Owner owner = owners_.ledger->OwnerOf(address);
  if (owner.stack != 0) return {RssPart::kMapping, owner.stack, owner.end};
  const ArenaHeap heap = ArenaHeapAt(address);
  if (address < heap.end) return {RssPart::kArena, heap.arena, heap.end};
  // No further than to where something else may begin.
  uint64_t end = std::min(owner.end, heap.begin + kArenaHeapBytes);
  if (address == file_end_) {
    // Variables that begin as zeroes, which the file has no bytes for.
    for (const Module* m = owners_.modules; m != nullptr; m = m->next) {
      if (m->loaded && address > m->image.all.begin && address < PageUp(m->image.all.end)) {
        return {RssPart::kFile, file_detail_, std::min(owner.end, PageUp(m->image.all.end))};
      }
    }
  }
  // Stacks end at their guard pages, which are another mapping, so one that ends above in this
  // mapping begins here or where the neighbour below ends.
  const ThreadStack* nearest = nullptr;
  for (const ThreadStack& stack : owners_.stacks) {
    if (stack.end <= address || stack.end > mapping_.end) continue;
    if (nearest == nullptr || stack.end < nearest->end) nearest = &stack;
  }
  if (nearest != nullptr && nearest->end <= owner.end) {
    const uint64_t stack_end = PageUp(nearest->end + kThreadControlBytes);
    const bool is_ours = nearest->thread == 0;
    return {is_ours ? RssPart::kMemtape : RssPart::kThreadStack, nearest->thread,
            std::min(owner.end, stack_end)};
  }
  if (address == guard_end_) {
    // What goes on there is the same stack, unless an arena begins.
    if (end < owner.end && end < mapping_.end) guard_end_ = end;
    return {RssPart::kThreadStack, 0, end};
  }
  return {owner.known ? RssPart::kEarlier : RssPart::kAnonymous, 0, end};
}

ResidentParts::ArenaHeap ResidentParts::ArenaHeapAt(uint64_t address) {
  const uint64_t begin = address & ~(kArenaHeapBytes - 1);
  // Addresses come in order.
  if (heaps_.size() > 0 && heaps_.back().begin == begin) return heaps_.back();
  ArenaHeap heap = {begin, begin, 0};
#if defined(__GLIBC__)
  HeapInfo info = {};
  // A heap begins with its head. What is below this mapping is somebody else's.
  const bool has_head = begin >= mapping_.begin && mapping_.readable && memory_fd_ >= 0;
  if (has_head && os::ReadAt(memory_fd_, &info, sizeof info, begin) == sizeof info &&
      IsHeap(info)) {
    heap = {begin, begin + info.size, ArenaNumber(info.arena)};
  }
#endif
  heaps_.push_back(heap);
  return heap;
}

uint32_t ResidentParts::ArenaNumber(uint64_t arena) {
  size_t i = 0;
  while (i < arenas_.size() && arenas_[i] != arena) i++;
  if (i == arenas_.size()) arenas_.push_back(arena);
  return kMainArena + 1 + static_cast<uint32_t>(i);
}

uint32_t ResidentParts::Part(RssPart part, uint32_t detail) {
  const auto key_of = [part](uint32_t of) { return (static_cast<uint64_t>(part) + 1) << 32 | of; };
  uint64_t key = key_of(detail);
  if (part == RssPart::kMapping && parts_.size() >= kMaxParts && part_index_.Find(key) == 0) {
    detail = 0;
    key = key_of(0);
  }
  uint32_t* const index = part_index_.FindOrInsert(key);
  if (*index == 0) {
    parts_.push_back({part, detail, 0});
    *index = static_cast<uint32_t>(parts_.size());
  }
  return *index - 1;
}

void ResidentParts::AddRun(uint32_t part, uint64_t begin, uint64_t end) {
  if (begin == end) return;
  const uint64_t page = begin / kRssPageBytes;
  const uint64_t pages = (end - begin) / kRssPageBytes;
  if (runs_.size() > 0 && runs_.back().part == part &&
      runs_.back().page + runs_.back().pages == page) {
    runs_.back().pages += pages;
    return;
  }
  runs_.push_back({part, page, pages});
}

void ResidentParts::Clear() {
  CloseFiles();  // a look that ran out of memory has left them
  parts_.Free();
  part_index_.Clear();
  runs_.Free();
  segments_.Free();
  own_.Free();
  maps_.Free();
  heaps_.Free();
  arenas_.Free();
  residency_.Free();
}

}  // namespace memtape
