// SPDX-License-Identifier: MIT
// What the resident pages of the process are: parts that add up to RSS. Drain thread only.
//
// A look is taken in steps of so many pages, between which the rings can be drained: 10 GB are 15
// ms of looking, and rings may be full sooner than that. Pages that come behind a step are not in
// it. Before Linux 6.7 the kernel tells only of whole mappings, and the look is one step.
//
// The allocator is not asked. mallinfo2 and malloc_info walk every free chunk under the lock of its
// arena: 22 ms for 100,000 of them, in which every thread that allocates there waits. Which pages
// are resident and which blocks are live says more, and a reader of the capture knows the blocks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string_view>

#include "base/flat_map.h"
#include "base/own_pages.h"
#include "base/page_array.h"
#include "format/records.h"
#include "os/os.h"
#include "stack/maps_text.h"
#include "stack/module_registry.h"
#include "track/dictionary.h"
#include "track/map_ledger.h"
#include "track/smaps.h"

namespace memtape {

class ResidentParts {
 public:
  struct ThreadStack {
    uint64_t end;     // an address in its last pages, where libc keeps what the thread has of it
    uint32_t thread;  // 0: memtape's own
  };

  // Who else knows of pages.
  struct Owners {
    const MapLedger* ledger = nullptr;
    const Module* modules = nullptr;
    std::span<const ThreadStack> stacks;
    std::string_view rings_name;  // of the file with the rings, without folders
    uint32_t main_thread = 0;
  };

  // Begins a look, and forgets one that is not over. False where the kernel does not tell. What
  // `owners` points to must stay until it is over, but may change.
  bool Begin(const Owners& owners, Dictionary* dictionary);
  // Looks at so many resident pages more, and a few. True when the look is over.
  static constexpr size_t kAllPages = SIZE_MAX >> 1;
  bool Step(size_t pages);
  // The same in one.
  bool Look(const Owners& owners, Dictionary* dictionary);
  // For tests: the way of older kernels.
  void UseSmaps() { by_range_ = false; }
  // As of the latest look, valid until the next.
  RssRecord record() const { return {rss_, {parts_.data(), parts_.size()}}; }
  // The resident pages of the parts that hold malloc's memory, by address.
  std::span<const RssRun> runs() const { return {runs_.data(), runs_.size()}; }
  // Forgets all of this recording.
  void Clear();

 private:
  // Up to where pages belong to one part.
  struct Claim {
    RssPart part;
    uint32_t detail;
    uint64_t end;
  };
  struct Segment {
    uint32_t part;  // index
    uint64_t bytes;
  };
  // 64 MiB of an arena of glibc's.
  struct ArenaHeap {
    uint64_t begin;
    uint64_t end;    // begin: no heap is there
    uint32_t arena;  // number
  };

  void CloseFiles();
  // Forgets what the look has seen so far.
  bool Restart();
  bool StepByRange(size_t pages);
  void AddRange(const os::ResidentRange& range);
  void AddAllOfSmaps();
  void AddWithResidency(const ResidentMapping& mapping);
  void SettleDifference(const ResidentMapping& mapping, uint64_t counted);
  // The next one becomes the mapping at hand. False at the end.
  bool NextMapping();
  void Enter(const ResidentMapping& mapping);
  void EnterFile();
  // Resident pages of the mapping at hand, in order of address.
  void AddResident(uint64_t begin, uint64_t end);
  // What begins here in the mapping at hand, at most up to its end.
  Claim ClaimAt(uint64_t address);
  Claim ClaimOf(uint64_t address);
  // The first of memtape's own ranges that ends behind the address, or null.
  const OwnRange* OwnRangeBehind(uint64_t address) const;
  ArenaHeap ArenaHeapAt(uint64_t address);
  uint32_t ArenaNumber(uint64_t arena);
  // The index of a part, which is new or known.
  uint32_t Part(RssPart part, uint32_t detail);
  void AddRun(uint32_t part, uint64_t begin, uint64_t end);

  Owners owners_;
  Dictionary* dictionary_ = nullptr;
  SmapsReader smaps_;
  bool by_range_ = true;
  PageArray<char> maps_;  // the text, as of the look's begin
  const char* next_line_ = nullptr;
  ResidentMapping mapping_;  // the one at hand
  bool whole_ = false;       // all of it is one part's, which `claim_` names
  Claim claim_ = {};         // the latest
  uint64_t looked_to_ = 0;   // by range
  int memory_fd_ = -1;       // during a step
  uint64_t rss_ = 0;
  uint64_t guard_end_ = 0;    // of the latest mapping that can be the guard below a stack
  uint64_t file_end_ = 0;     // of the latest mapped file,
  uint32_t file_detail_ = 0;  // and which it was
  PageArray<RssPartBytes> parts_;
  FlatMap part_index_;  // kind and detail → index + 1
  PageArray<RssRun> runs_;
  PageArray<OwnRange> own_;       // memtape's pages, by address
  PageArray<Segment> segments_;   // of the mapping at hand, without ranges
  PageArray<ArenaHeap> heaps_;    // that were looked for in this look
  PageArray<uint64_t> arenas_;    // number − 2 → arena; 1 is the main one
  PageArray<uint8_t> residency_;  // a byte a page, of the mapping at hand, without ranges
};

}  // namespace memtape
