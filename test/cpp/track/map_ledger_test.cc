// SPDX-License-Identifier: MIT

#include "track/map_ledger.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace memtape {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr uint64_t kReadWrite = PROT_READ | PROT_WRITE;

// (class, stack) → (bytes, ranges).
using Deltas = std::map<std::pair<MemoryClass, uint32_t>, std::pair<int64_t, int64_t>>;

class MapLedgerTest : public testing::Test {
 protected:
  void TearDown() override { ledger_.Clear(); }

  // Addresses and lengths in pages.
  Deltas Mmap(uint64_t at, uint64_t pages, uint64_t prot, uint64_t flags, uint32_t stack) {
    return Apply({MapOp::kMmap, at * kPage, pages * kPage, prot, flags, stack, {}});
  }
  Deltas Munmap(uint64_t at, uint64_t pages) {
    return Apply({MapOp::kMunmap, at * kPage, pages * kPage, 0, 0, 99, {}});
  }
  Deltas Mprotect(uint64_t at, uint64_t pages, uint64_t prot, uint32_t stack, uint64_t flags = 0) {
    return Apply({MapOp::kMprotect, at * kPage, pages * kPage, prot, flags, stack, {}});
  }
  Deltas Mremap(uint64_t at, uint64_t pages, uint64_t to, uint64_t to_pages, uint32_t stack) {
    return Apply(
        {MapOp::kMremap, at * kPage, pages * kPage, to * kPage, to_pages * kPage, stack, {}});
  }
  Deltas Apply(const MapRecord& record) {
    Deltas deltas;
    for (const MapDelta& delta : ledger_.Apply(record)) {
      const auto added = deltas.insert(
          {{delta.memory_class, delta.stack}, {delta.bytes / int64_t{kPage}, delta.ranges}});
      EXPECT_TRUE(added.second) << "two deltas for one owner";
    }
    return deltas;
  }
  uint64_t Committed() const { return ledger_.bytes(MemoryClass::kCommitted) / kPage; }
  uint64_t Reserved() const { return ledger_.bytes(MemoryClass::kReserved) / kPage; }
  uint64_t File() const { return ledger_.bytes(MemoryClass::kFile) / kPage; }

  static constexpr MemoryClass kC = MemoryClass::kCommitted;
  static constexpr MemoryClass kR = MemoryClass::kReserved;
  static constexpr MemoryClass kF = MemoryClass::kFile;
  MapLedger ledger_;
};

TEST_F(MapLedgerTest, LengthsAreWholePages) {
  EXPECT_EQ(Apply({MapOp::kMmap, 16 * kPage, 1, kReadWrite, kAnonymous, 1, {}}),
            (Deltas{{{kC, 1}, {1, 1}}}));
  EXPECT_EQ(Apply({MapOp::kMunmap, 16 * kPage, 1, 0, 0, 2, {}}), (Deltas{{{kC, 1}, {-1, -1}}}));
}

TEST_F(MapLedgerTest, AMappingOverAnotherTakesItsPlace) {
  Mmap(10, 10, kReadWrite, kAnonymous, 1);
  // Out of the middle: what is left of the old one is two ranges.
  EXPECT_EQ(Mmap(13, 2, PROT_NONE, kAnonymous, 2), (Deltas{{{kC, 1}, {-2, 1}}, {{kR, 2}, {2, 1}}}));
  EXPECT_EQ(Mmap(5, 30, kReadWrite, MAP_PRIVATE, 3),
            (Deltas{{{kC, 1}, {-8, -2}}, {{kR, 2}, {-2, -1}}, {{kF, 3}, {30, 1}}}));
  EXPECT_EQ(File(), 30u);
  EXPECT_EQ(Committed() + Reserved(), 0u);
}

TEST_F(MapLedgerTest, MunmapOverHolesAndEdges) {
  Mmap(10, 4, kReadWrite, kAnonymous, 1);
  Mmap(20, 4, kReadWrite, kAnonymous, 2);
  Mmap(30, 4, kReadWrite, kAnonymous, 3);
  EXPECT_EQ(Munmap(0, 10), Deltas{});
  EXPECT_EQ(Munmap(12, 20), (Deltas{{{kC, 1}, {-2, 0}}, {{kC, 2}, {-4, -1}}, {{kC, 3}, {-2, 0}}}));
  EXPECT_EQ(Munmap(14, 16), Deltas{});
  EXPECT_EQ(Committed(), 4u);
}

TEST_F(MapLedgerTest, MprotectOfAPart) {
  Mmap(10, 10, PROT_NONE, kAnonymous, 1);
  // Who makes pages usable owns them; who closes them keeps the reservation.
  EXPECT_EQ(Mprotect(12, 3, kReadWrite, 2), (Deltas{{{kR, 1}, {-3, 1}}, {{kC, 2}, {3, 1}}}));
  EXPECT_EQ(Mprotect(13, 1, PROT_NONE, 3), (Deltas{{{kC, 2}, {-1, 1}}, {{kR, 2}, {1, 1}}}));
  // Read-only is still memory.
  EXPECT_EQ(Mprotect(12, 1, PROT_READ, 4), Deltas{});
  EXPECT_EQ(Committed(), 2u);
  EXPECT_EQ(Reserved(), 8u);
}

TEST_F(MapLedgerTest, MprotectOverAHoleGoesUpToIt) {
  Mmap(10, 4, PROT_NONE, kAnonymous, 1);
  Mmap(14, 2, PROT_NONE, kAnonymous, 2);  // no hole between neighbours
  Mmap(20, 4, PROT_NONE, kAnonymous, 3);
  EXPECT_EQ(Mprotect(12, 12, kReadWrite, 5, kUpToHole),
            (Deltas{{{kR, 1}, {-2, 0}}, {{kR, 2}, {-2, -1}}, {{kC, 5}, {4, 2}}}));
  EXPECT_EQ(Committed(), 4u);
  // One that begins in a hole changes nothing.
  EXPECT_EQ(Mprotect(16, 8, kReadWrite, 6, kUpToHole), Deltas{});
  EXPECT_EQ(Committed(), 4u);
  // Without a hole the flag makes no difference.
  EXPECT_EQ(Mprotect(20, 4, kReadWrite, 7, kUpToHole),
            (Deltas{{{kR, 3}, {-4, -1}}, {{kC, 7}, {4, 1}}}));
}

TEST_F(MapLedgerTest, MprotectLeavesFilesFiles) {
  Mmap(10, 4, kReadWrite, MAP_SHARED, 1);
  EXPECT_EQ(Mprotect(10, 4, PROT_NONE, 2), Deltas{});
  EXPECT_EQ(File(), 4u);
}

TEST_F(MapLedgerTest, ACodeArenaIsReservedUntilPartsOfItAreUsed) {
  constexpr uint64_t kArena = (64 << 20) / kPage;
  constexpr uint64_t kAll = PROT_READ | PROT_WRITE | PROT_EXEC;
  Mmap(1000, kArena, PROT_NONE, kAnonymous, 1);
  EXPECT_EQ(Mprotect(1000, kArena, kAll, 2), Deltas{});
  EXPECT_EQ(Mprotect(1000, 8, kAll, 3), (Deltas{{{kR, 1}, {-8, 0}}, {{kC, 3}, {8, 1}}}));
  // One page less than an arena is memory like any other.
  Mmap(100'000, kArena - 1, kAll, kAnonymous, 4);
  EXPECT_EQ(Committed(), 8 + kArena - 1);
  EXPECT_EQ(Mmap(200'000, kArena, kAll, kAnonymous, 5), (Deltas{{{kR, 5}, {kArena, 1}}}));
  // Executable alone is no arena: that is how a large module's text looks.
  EXPECT_EQ(Mmap(300'000, kArena, PROT_READ | PROT_EXEC, kAnonymous, 6),
            (Deltas{{{kC, 6}, {kArena, 1}}}));
}

TEST_F(MapLedgerTest, MremapGrowsAndShrinksInPlace) {
  Mmap(10, 4, kReadWrite, kAnonymous, 1);
  EXPECT_EQ(Mremap(10, 4, 10, 6, 2), (Deltas{{{kC, 2}, {2, 1}}}));
  EXPECT_EQ(Mremap(10, 6, 10, 1, 3), (Deltas{{{kC, 1}, {-3, 0}}, {{kC, 2}, {-2, -1}}}));
  EXPECT_EQ(Committed(), 1u);
}

TEST_F(MapLedgerTest, MremapMovesOverWhatIsThere) {
  Mmap(10, 4, PROT_NONE, kAnonymous, 1);
  Mmap(20, 4, kReadWrite, kAnonymous, 2);
  Mmap(26, 4, kReadWrite, MAP_PRIVATE, 3);
  // MREMAP_FIXED: the last page of one mapping and the first two of another go; the class stays.
  EXPECT_EQ(Mremap(10, 4, 23, 5, 4),
            (Deltas{{{kC, 2}, {-1, 0}}, {{kF, 3}, {-2, 0}}, {{kR, 4}, {1, 1}}}));
  EXPECT_EQ(Committed(), 3u);
  EXPECT_EQ(Reserved(), 5u);
  EXPECT_EQ(File(), 2u);
  EXPECT_EQ(Munmap(10, 4), Deltas{}) << "nothing stays where it was";
}

TEST_F(MapLedgerTest, MremapOfAPartLeavesTheRest) {
  Mmap(10, 10, kReadWrite, kAnonymous, 1);
  EXPECT_EQ(Mremap(13, 2, 50, 2, 2), (Deltas{{{kC, 1}, {0, 2}}}));
  EXPECT_EQ(Munmap(50, 2), (Deltas{{{kC, 1}, {-2, -1}}}));
  EXPECT_EQ(Munmap(10, 10), (Deltas{{{kC, 1}, {-8, -2}}}));
}

TEST_F(MapLedgerTest, MremapOfNothingCopiesASharedMapping) {
  // An old length of 0 makes a second mapping of the same pages.
  Mmap(10, 4, kReadWrite, MAP_SHARED, 1);
  EXPECT_EQ(Mremap(10, 0, 50, 4, 2), (Deltas{{{kF, 2}, {4, 1}}}));
  EXPECT_EQ(File(), 8u);
}

TEST_F(MapLedgerTest, MremapDontUnmapIsASecondMapping) {
  // The hook records it as an mmap of the new range: the old one stays, as empty memory.
  Mmap(10, 4, kReadWrite, kAnonymous, 1);
  EXPECT_EQ(Mmap(50, 4, kReadWrite, kAnonymous, 2), (Deltas{{{kC, 2}, {4, 1}}}));
  EXPECT_EQ(Committed(), 8u);
  EXPECT_EQ(Munmap(10, 4), (Deltas{{{kC, 1}, {-4, -1}}}));
}

TEST_F(MapLedgerTest, MadviseChangesNothing) {
  Mmap(10, 4, kReadWrite, kAnonymous, 1);
  EXPECT_EQ(Apply({MapOp::kMadvise, 10 * kPage, 4 * kPage, 0, MADV_DONTNEED, 2, {}}), Deltas{});
  EXPECT_EQ(Committed(), 4u);
}

TEST_F(MapLedgerTest, AlikeNeighboursAreOneRange) {
  EXPECT_EQ(Mmap(10, 2, kReadWrite, kAnonymous, 1), (Deltas{{{kC, 1}, {2, 1}}}));
  EXPECT_EQ(Mmap(12, 2, kReadWrite, kAnonymous, 1), (Deltas{{{kC, 1}, {2, 0}}}));
  EXPECT_EQ(Mmap(14, 2, kReadWrite, kAnonymous, 2), (Deltas{{{kC, 2}, {2, 1}}}));
  EXPECT_EQ(Mmap(16, 2, PROT_NONE, kAnonymous, 2), (Deltas{{{kR, 2}, {2, 1}}}));
}

TEST_F(MapLedgerTest, WhatWasThereBeforeBelongsToNobody) {
  const std::string maps =
      "0000a000-0000e000 rw-p 00000000 00:00 0 \n"
      "00010000-00014000 ---p 00000000 00:00 0                          [guard]\n"
      "00020000-00024000 r-xp 00001000 fe:02 1234                       /usr/lib/a b.so\n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]";
  ledger_.Snapshot(maps.data(), maps.size());
  EXPECT_EQ(Committed() + Reserved() + File(), 0u);
  EXPECT_EQ(Munmap(10, 2), Deltas{});
  // But who takes of it owns what was taken: a reservation, and no file.
  EXPECT_EQ(Mprotect(16, 2, kReadWrite, 1), (Deltas{{{kC, 1}, {2, 1}}}));
  EXPECT_EQ(Mprotect(12, 2, PROT_NONE, 2), Deltas{});
  EXPECT_EQ(Mprotect(32, 4, kReadWrite, 3), Deltas{});
  EXPECT_EQ(Mremap(12, 1, 60, 3, 4), (Deltas{{{kR, 4}, {2, 1}}}));
  EXPECT_EQ(Committed(), 2u);
}

// Page by page, with nothing clever: what format.md F-21 says.
class PageModel {
 public:
  struct Page {
    bool mapped, file;
    MemoryClass memory_class;
    uint32_t stack;
    bool operator==(const Page&) const = default;
  };
  static constexpr size_t kPages = 128;

  void Apply(const MapRecord& record) {
    const size_t at = record.address / kPage;
    const size_t pages = (record.length + kPage - 1) / kPage;
    switch (record.op) {
      case MapOp::kMmap: {
        const bool file = (record.flags & MAP_ANONYMOUS) == 0;
        for (size_t i = at; i < at + pages; i++) {
          pages_[i] = {true, file, ClassOf(file, record.prot), record.stack};
        }
        break;
      }
      case MapOp::kMunmap:
        for (size_t i = at; i < at + pages; i++) pages_[i] = {};
        break;
      case MapOp::kMprotect:
        for (size_t i = at; i < at + pages; i++) {
          Page& page = pages_[i];
          if (!page.mapped && record.flags == kUpToHole) break;
          const MemoryClass after = ClassOf(page.file, record.prot);
          if (!page.mapped || after == page.memory_class) continue;
          if (after == MemoryClass::kCommitted) page.stack = record.stack;
          page.memory_class = after;
        }
        break;
      case MapOp::kMremap: {
        const size_t to = record.prot / kPage;
        const size_t to_pages = (record.flags + kPage - 1) / kPage;
        const Page first = pages_[at];
        for (size_t i = at; i < at + pages; i++) pages_[i] = {};
        for (size_t i = 0; i < to_pages; i++) {
          pages_[to + i] = first;
          if (i >= pages) pages_[to + i].stack = record.stack;
        }
        break;
      }
      case MapOp::kMadvise:
        break;
    }
  }

  // Whether a real mremap of this range could be: one mapping, all of it.
  bool IsOneMapping(size_t at, size_t pages) const {
    for (size_t i = at; i < at + pages; i++) {
      if (!pages_[i].mapped || pages_[i] != pages_[at]) return false;
    }
    return true;
  }

  // (class, stack) → (pages, ranges), of what has an owner.
  Deltas Totals() const {
    Deltas totals;
    for (size_t i = 0; i < kPages; i++) {
      const Page& page = pages_[i];
      if (!page.mapped || page.stack == 0) continue;
      totals[{page.memory_class, page.stack}].first++;
    }
    return totals;
  }

 private:
  static MemoryClass ClassOf(bool file, uint64_t prot) {
    if (file) return MemoryClass::kFile;
    return prot == PROT_NONE ? MemoryClass::kReserved : MemoryClass::kCommitted;
  }

  std::array<Page, kPages> pages_ = {};
};

TEST_F(MapLedgerTest, EqualsAModelOfPages) {
  constexpr uint64_t kProts[] = {PROT_NONE, PROT_NONE, PROT_READ, kReadWrite};
  constexpr uint64_t kFlags[] = {kAnonymous, kAnonymous, MAP_PRIVATE};
  for (uint32_t seed = 1; seed <= 40; seed++) {
    std::mt19937 random(seed);
    PageModel model;
    ledger_.Clear();
    Deltas sums;
    for (int call = 0; call < 2000; call++) {
      MapRecord record;
      record.op = MapOp{static_cast<uint8_t>(random() % 5)};
      const size_t at = 8 + random() % 80;
      size_t pages = 1 + random() % 12;
      record.address = at * kPage;
      record.stack = random() % 4;
      record.prot = kProts[random() % 4];
      record.flags = record.op == MapOp::kMmap ? kFlags[random() % 3] : 0;
      if (record.op == MapOp::kMprotect && random() % 2 == 0) record.flags = kUpToHole;
      if (record.op == MapOp::kMremap) {
        while (pages > 1 && !model.IsOneMapping(at, pages)) pages--;
        const size_t to_pages = 1 + random() % 12;
        const size_t to = random() % 3 == 0 ? at : 8 + random() % 80;
        const bool overlap = to != at && to < at + pages && at < to + to_pages;
        if (!model.IsOneMapping(at, pages) || overlap) continue;  // the kernel refuses
        record.prot = to * kPage;
        record.flags = to_pages * kPage - random() % kPage;
      }
      record.length = pages * kPage - random() % kPage;
      model.Apply(record);
      for (const auto& [owner, change] : Apply(record)) {
        auto& sum = sums[owner];
        sum.first += change.first;
        sum.second += change.second;
        EXPECT_GE(sum.first, sum.second) << "more ranges than pages";
        EXPECT_GE(sum.second, sum.first > 0 ? 1 : 0);
        if (sum.first == 0) sums.erase(owner);
      }
      Deltas pages_of;
      std::array<uint64_t, 3> by_class = {};
      for (const auto& [owner, sum] : sums) {
        pages_of[owner].first = sum.first;
        by_class[static_cast<size_t>(owner.first)] += static_cast<uint64_t>(sum.first);
      }
      ASSERT_EQ(pages_of, model.Totals()) << "seed " << seed << " call " << call;
      ASSERT_EQ((std::array<uint64_t, 3>{Committed(), Reserved(), File()}), by_class);
    }
  }
}

TEST_F(MapLedgerTest, KnowsWhoseAPageIs) {
  const std::string maps = "1000-3000 rw-p 00000000 00:00 0 \n";
  ledger_.Snapshot(maps.data(), maps.size());
  Mmap(3, 2, kReadWrite, kAnonymous, 7);
  Mmap(8, 1, PROT_NONE, kAnonymous, 9);
  const auto owner = [&](uint64_t page) {
    const MapLedger::Owner found = ledger_.OwnerOf(page * kPage);
    return std::array<uint64_t, 3>{found.stack, found.known, found.end / kPage};
  };
  using Is = std::array<uint64_t, 3>;
  EXPECT_EQ(owner(0), (Is{0, false, 1}));
  EXPECT_EQ(owner(2), (Is{0, true, 3}));
  EXPECT_EQ(owner(3), (Is{7, true, 5}));
  EXPECT_EQ(owner(4), (Is{7, true, 5}));
  EXPECT_EQ(owner(5), (Is{0, false, 8}));
  EXPECT_EQ(owner(8), (Is{9, true, 9}));
  EXPECT_EQ(owner(9), (Is{0, false, UINT64_MAX / kPage}));
}

}  // namespace
}  // namespace memtape
