// SPDX-License-Identifier: MIT
#include "track/resident_parts.h"

#include <string.h>

#include <algorithm>

#include "os/os.h"

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

bool ResidentParts::Look(const Owners& owners, Dictionary* dictionary) {
  owners_ = owners;
  dictionary_ = dictionary;
  rss_ = guard_end_ = file_end_ = 0;
  parts_.Clear();
  part_index_.Clear();
  runs_.Clear();
  heaps_.Clear();
  if (!smaps_.Open()) return false;
  memory_fd_ = os::OpenRead("/proc/self/mem");
  ResidentMapping mapping;
  while (smaps_.Next(&mapping)) Add(mapping);
  CloseFiles();
  return rss_ > 0;
}

void ResidentParts::CloseFiles() {
  smaps_.Close();
  if (memory_fd_ >= 0) os::Close(memory_fd_);
  memory_fd_ = -1;
}

void ResidentParts::Add(const ResidentMapping& mapping) {
  if (!mapping.path.empty() && mapping.path[0] == '/') return AddFile(mapping);
  // libc makes the guard and the stack above it in one: nobody else's memory begins there.
  if (mapping.path.empty() && !mapping.readable && mapping.end - mapping.begin <= kMaxGuardBytes &&
      owners_.ledger->OwnerOf(mapping.begin).stack == 0) {
    guard_end_ = mapping.end;
  }
  if (mapping.resident == 0) return;
  rss_ += mapping.resident;
  const auto whole = [&](RssPart part, uint32_t detail) {
    parts_[Part(part, detail)].bytes += mapping.resident;
  };
  // The program may leave memory out of core dumps, too: keys, passwords.
  if (mapping.own) {
    const MapLedger::Owner owner = owners_.ledger->OwnerOf(mapping.begin);
    if (owner.stack == 0 && owner.end >= mapping.end) return whole(RssPart::kMemtape, 0);
    return AddPages(mapping);
  }
  if (mapping.path == "[stack]") return whole(RssPart::kThreadStack, owners_.main_thread);
  const bool is_named = mapping.path.substr(0, 6) == "[anon:";  // by prctl
  if (mapping.path.empty() || is_named || mapping.path == "[heap]") return AddPages(mapping);
  whole(RssPart::kOther, dictionary_->String(mapping.path));
}

void ResidentParts::AddFile(const ResidentMapping& mapping) {
  constexpr std::string_view kDeleted = " (deleted)";
  std::string_view path = mapping.path;
  if (EndsWith(path, kDeleted)) path = path.substr(0, path.size() - kDeleted.size());
  const bool is_ring = !owners_.rings_name.empty() && EndsWith(path, owners_.rings_name) &&
                       path[path.size() - owners_.rings_name.size() - 1] == '/';
  file_detail_ = is_ring ? 0 : dictionary_->String(mapping.path);
  file_end_ = mapping.end;
  if (mapping.resident == 0) return;
  rss_ += mapping.resident;
  const RssPart part = is_ring              ? RssPart::kMemtape
                       : mapping.executable ? RssPart::kCode
                                            : RssPart::kFile;
  parts_[Part(part, file_detail_)].bytes += mapping.resident;
}

// Where whole terabytes are mapped (a sanitizer's shadow), a byte for each page would be gigabytes.
constexpr uint64_t kMaxMappingBytes = uint64_t{64} << 30;

// Neighbours of the same kind are one mapping to the kernel, whoever made them.
void ResidentParts::AddPages(const ResidentMapping& mapping) {
  const uint64_t page = os::PageSize();
  if (mapping.end - mapping.begin > kMaxMappingBytes) {
    const Claim claim = ClaimOf(mapping, mapping.begin);
    parts_[Part(claim.part, claim.detail)].bytes += mapping.resident;
    return;
  }
  const size_t pages = (mapping.end - mapping.begin) / page;
  segments_.Clear();
  has_residency_ = false;
  if (mapping.resident < mapping.end - mapping.begin) {
    residency_.Resize(pages);
    has_residency_ =
        os::ReadResidency(mapping.begin, mapping.end - mapping.begin, residency_.data());
  }
  uint64_t counted = 0;
  for (uint64_t at = mapping.begin; at < mapping.end;) {
    Claim claim = ClaimOf(mapping, at);
    claim.end = std::min(PageUp(claim.end), mapping.end);
    if (claim.end <= at) claim.end = at + page;
    counted += AddSegment(mapping, at, claim);
    at = claim.end;
  }
  SettleDifference(mapping, counted);
}

// Returns how much of [begin, claim.end) is resident.
uint64_t ResidentParts::AddSegment(const ResidentMapping& mapping, uint64_t begin,
                                   const Claim& claim) {
  const uint64_t page = os::PageSize();
  const uint32_t part = Part(claim.part, claim.detail);
  const bool wants_runs = HoldsBlocks(claim.part, claim.detail);
  uint64_t bytes = 0;
  if (!has_residency_) {
    // All of it, unless the kernel did not say which pages: then at least how many.
    bytes = std::min(claim.end - begin, mapping.resident);
    if (wants_runs) AddRun(part, begin, begin + bytes);
  } else {
    const uint8_t* const resident = residency_.data() + (begin - mapping.begin) / page;
    const size_t count = (claim.end - begin) / page;
    for (size_t i = 0; i < count;) {
      if ((resident[i] & 1) == 0) {
        i++;
        continue;
      }
      const size_t from = i;
      while (i < count && (resident[i] & 1) != 0) i++;
      bytes += (i - from) * page;
      if (wants_runs) AddRun(part, begin + from * page, begin + i * page);
    }
  }
  parts_[part].bytes += bytes;
  segments_.push_back({part, bytes});
  return bytes;
}

// The two looks at one mapping may differ: the program goes on, and mincore takes pages of zeroes
// for resident that were only read. What the kernel counts is what parts must add up to.
void ResidentParts::SettleDifference(const ResidentMapping& mapping, uint64_t counted) {
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

ResidentParts::Claim ResidentParts::ClaimOf(const ResidentMapping& mapping, uint64_t address) {
  if (mapping.path == "[heap]") return {RssPart::kArena, kMainArena, mapping.end};
  const MapLedger::Owner owner = owners_.ledger->OwnerOf(address);
  if (owner.stack != 0) return {RssPart::kMapping, owner.stack, owner.end};
  if (mapping.own) return {RssPart::kMemtape, 0, owner.end};
  const ArenaHeap heap = ArenaHeapAt(mapping, address);
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
    if (stack.end <= address || stack.end > mapping.end) continue;
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
    if (end < owner.end && end < mapping.end) guard_end_ = end;
    return {RssPart::kThreadStack, 0, end};
  }
  return {owner.known ? RssPart::kEarlier : RssPart::kAnonymous, 0, end};
}

ResidentParts::ArenaHeap ResidentParts::ArenaHeapAt(const ResidentMapping& mapping,
                                                    uint64_t address) {
  const uint64_t begin = address & ~(kArenaHeapBytes - 1);
  // Addresses come in order.
  if (heaps_.size() > 0 && heaps_.back().begin == begin) return heaps_.back();
  ArenaHeap heap = {begin, begin, 0};
#if defined(__GLIBC__)
  HeapInfo info = {};
  // A heap begins with its head. What is below this mapping is somebody else's.
  const bool has_head = begin >= mapping.begin && mapping.readable && memory_fd_ >= 0;
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
  heaps_.Free();
  arenas_.Free();
  residency_.Free();
}

}  // namespace memtape
