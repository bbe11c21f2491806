// SPDX-License-Identifier: MIT
// Memory of every kind whose resident pages this test knows, among those of a whole process.

#include "track/resident_parts.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "log/log_fixture.h"
#include "os/os.h"
#include "os/proc.h"

namespace memtape {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kReadWrite = PROT_READ | PROT_WRITE;

// With ranges of pages, and as on kernels that do not tell of these.
class ResidentPartsTest : public LogTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    dictionary_.Start(&writer_);
    const std::span<const char> maps = os::ReadMaps();
    ledger_.Snapshot(maps.data(), maps.size());
    owners_.ledger = &ledger_;
    owners_.rings_name = "test.rings";
    if (GetParam()) parts_.UseSmaps();
  }
  void TearDown() override {
    parts_.Clear();
    ledger_.Clear();
    dictionary_.Clear();
    LogTest::TearDown();
  }

  // Looks, and expects what always holds.
  void Look() {
    ASSERT_TRUE(parts_.Look(owners_, &dictionary_));
    const RssRecord record = parts_.record();
    uint64_t sum = 0;
    std::map<std::pair<RssPart, uint32_t>, int> seen;
    for (const RssPartBytes& part : record.parts) {
      sum += part.bytes;
      EXPECT_EQ((seen[{part.part, part.detail}]++), 0);
    }
    EXPECT_EQ(sum, record.rss);
    uint64_t end = 0;
    for (const RssRun& run : parts_.runs()) {
      ASSERT_LT(run.part, record.parts.size());
      EXPECT_GE(run.page, end);
      EXPECT_GT(run.pages, 0u);
      end = run.page + run.pages;
    }
  }
  uint64_t BytesOf(RssPart part, uint32_t detail) const {
    for (const RssPartBytes& entry : parts_.record().parts) {
      if (entry.part == part && entry.detail == detail) return entry.bytes;
    }
    return 0;
  }
  // In runs of that part, between two addresses.
  uint64_t RunBytes(RssPart part, const void* begin, uint64_t bytes) const {
    const uint64_t from = reinterpret_cast<uint64_t>(begin) / kPage;
    uint64_t found = 0;
    for (const RssRun& run : parts_.runs()) {
      if (parts_.record().parts[run.part].part != part) continue;
      const uint64_t first = std::max(run.page, from);
      const uint64_t last = std::min(run.page + run.pages, from + bytes / kPage);
      if (last > first) found += (last - first) * kPage;
    }
    return found;
  }

  // Pages of which every `step`-th one is written to. Unknown to the ledger.
  char* Map(size_t pages, size_t step, int prot = PROT_READ | PROT_WRITE, int fd = -1) {
    const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void* address = mmap(nullptr, pages * kPage, prot, flags, fd, 0);
    EXPECT_NE(address, MAP_FAILED);
    for (size_t i = 0; i < pages; i += step) static_cast<char*>(address)[i * kPage] = 1;
    return static_cast<char*>(address);
  }
  void Own(const char* address, size_t pages, uint32_t stack) {
    ledger_.Apply({MapOp::kMmap,
                   reinterpret_cast<uint64_t>(address),
                   pages * kPage,
                   kReadWrite,
                   MAP_PRIVATE | MAP_ANONYMOUS,
                   stack,
                   {}});
  }

  // An address between pages that nobody else uses, at a multiple of the size of an arena's heap.
  static char* HeapBoundary() {
    constexpr uint64_t kHeap = uint64_t{64} << 20;
    void* room = mmap(nullptr, 3 * kHeap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(room, MAP_FAILED);
    return reinterpret_cast<char*>((reinterpret_cast<uint64_t>(room) / kHeap + 2) * kHeap);
  }
  // Pages at this address, all written to. Of a file in memory if it has a name.
  static void MapAt(char* address, size_t pages, const char* name = nullptr) {
    int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (name != nullptr) {
      fd = memfd_create(name, MFD_CLOEXEC);
      EXPECT_EQ(ftruncate(fd, static_cast<off_t>(pages * kPage)), 0);
      flags = MAP_PRIVATE;
    }
    EXPECT_EQ(mmap(address, pages * kPage, kReadWrite, flags | MAP_FIXED, fd, 0), address);
    memset(address, 0, pages * kPage);
    if (fd >= 0) close(fd);
  }

  Dictionary dictionary_;
  MapLedger ledger_;
  ResidentParts::Owners owners_;
  ResidentParts parts_;
};

TEST_P(ResidentPartsTest, AddsUpToWhatTheKernelCounts) {
  Look();  // its tables are there from now on: megabytes among AddressSanitizer's ranges of pages
  Look();
  const std::span<const char> read = os::ReadWholeFile("/proc/self/smaps_rollup");
  const std::string text{read.begin(), read.end()};
  const size_t rss = text.find("Rss:");
  ASSERT_NE(rss, std::string::npos);
  const uint64_t kernel = std::stoull(text.substr(rss + 4)) * 1024;
  // The look itself and the text need some pages.
  EXPECT_NEAR(static_cast<double>(parts_.record().rss), static_cast<double>(kernel), 400e3);
}

TEST_P(ResidentPartsTest, NamesTheOwnersOfNeighbours) {
  // To the kernel this is one mapping.
  char* const pages = Map(300, 1);
  Own(pages, 100, 71);
  Own(pages + 200 * kPage, 50, 72);
  madvise(pages, 40 * kPage, MADV_DONTNEED);
  madvise(pages + 120 * kPage, 30 * kPage, MADV_DONTNEED);
  Look();
  EXPECT_EQ(BytesOf(RssPart::kMapping, 71), 60 * kPage);
  EXPECT_EQ(BytesOf(RssPart::kMapping, 72), 50 * kPage);
  EXPECT_EQ(RunBytes(RssPart::kAnonymous, pages, 300 * kPage), (70 + 50) * kPage);
  munmap(pages, 300 * kPage);
}

TEST_P(ResidentPartsTest, PagesOfZeroesThatWereOnlyReadAreNotInRss) {
  char* const pages = Map(1000, 1000);
  madvise(pages, 1000 * kPage, MADV_NOHUGEPAGE);
  Own(pages, 1000, 73);
  volatile char sink = 0;
  for (size_t i = 0; i < 1000; i++) sink = sink + pages[i * kPage];
  Look();
  EXPECT_LE(BytesOf(RssPart::kMapping, 73), 2 * kPage);
  munmap(pages, 1000 * kPage);
}

TEST_P(ResidentPartsTest, KnowsItsOwnMemory) {
  for (int i = 0; i < 2; i++) Look();  // the tables of a look grow in the first ones
  const uint64_t before = BytesOf(RssPart::kMemtape, 0);
  PageArray<char> table;
  table.Resize(64 * kPage);
  memset(table.data(), 1, 64 * kPage);
  auto* pages = static_cast<char*>(os::MapPages(32 * kPage));
  memset(pages, 1, 32 * kPage);
  const std::string path = testing::TempDir() + "test.rings";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_EQ(ftruncate(fd, 16 * kPage), 0);
  char* const ring = Map(16, 1, PROT_READ | PROT_WRITE, fd);
  Look();
  const double grown = static_cast<double>(BytesOf(RssPart::kMemtape, 0) - before);
  EXPECT_NEAR(grown, (64 + 32 + 16) * kPage, 8 * kPage);
  munmap(ring, 16 * kPage);
  close(fd);
  unlink(path.c_str());
  os::UnmapPages(pages, 32 * kPage);
  table.Free();
}

TEST_P(ResidentPartsTest, TellsFilesFromTheirCode) {
  const std::string path = testing::TempDir() + "mapped-" + std::to_string(getpid());
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_EQ(ftruncate(fd, 100 * kPage), 0);
  char* const pages = Map(100, 2, PROT_READ | PROT_WRITE, fd);
  madvise(pages, 100 * kPage, MADV_NOHUGEPAGE);
  unlink(path.c_str());
  close(fd);
  Look();
  const uint32_t file = dictionary_.String(path + " (deleted)");
  EXPECT_GE(BytesOf(RssPart::kFile, file), 50 * kPage);
  EXPECT_LE(BytesOf(RssPart::kFile, file), 100 * kPage);
  char own_path[4096];
  const auto length = os::ReadLink("/proc/self/exe", own_path, sizeof own_path);
  const uint32_t own = dictionary_.String({own_path, static_cast<size_t>(length)});
  EXPECT_GT(BytesOf(RssPart::kCode, own), 10 * kPage);
  munmap(pages, 100 * kPage);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_P(ResidentPartsTest, FindsStacksAndArenasOfThreads) {
  std::atomic<bool> ready{false}, done{false};
  char* block = nullptr;
  uint64_t stack_end = 0;
  constexpr size_t kBytes = 3 << 20;
  std::thread thread([&] {
    // Below the threshold from which blocks have mappings of their own.
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    block = static_cast<char*>(malloc(kBytes));
    memset(block, 1, kBytes);
    volatile char deep[256 * 1024];
    for (size_t i = 0; i < sizeof deep; i += kPage) deep[i] = 1;
    stack_end = os::StackEnd(os::Tid());
    ready = true;
    while (!done.load()) std::this_thread::yield();
  });
  while (!ready.load()) std::this_thread::yield();
  const ResidentParts::ThreadStack stacks[] = {{stack_end, 5}};
  owners_.stacks = stacks;
  Look();
  EXPECT_GE(BytesOf(RssPart::kThreadStack, 5), 256u * 1024);
  EXPECT_LE(BytesOf(RssPart::kThreadStack, 5), 300u * 1024);
#if defined(__GLIBC__)
  EXPECT_GE(BytesOf(RssPart::kArena, 2), kBytes);
  EXPECT_LE(BytesOf(RssPart::kArena, 2), kBytes + 64 * kPage);
  EXPECT_GE(RunBytes(RssPart::kArena, block, kBytes), kBytes - kPage);
  // The same arena has the same number next time, whatever else has come.
  Look();
  EXPECT_GE(BytesOf(RssPart::kArena, 2), kBytes);
#endif
  done = true;
  thread.join();
  free(block);
}
#endif

#if defined(__GLIBC__)
TEST_P(ResidentPartsTest, AnArenaBeginsInItsOwnMapping) {
  char* const boundary = HeapBoundary();
  MapAt(boundary, 1, "looks-like-a-heap");
  const uint64_t head[] = {reinterpret_cast<uint64_t>(boundary) + 32, 0, uint64_t{64} << 20};
  memcpy(boundary, head, sizeof head);
  MapAt(boundary + kPage, 30);
  Look();
  EXPECT_EQ(RunBytes(RssPart::kArena, boundary, 31 * kPage), 0u);
  EXPECT_EQ(RunBytes(RssPart::kAnonymous, boundary, 31 * kPage), 30 * kPage);
  // One that has its head is one.
  MapAt(boundary, 31);
  memcpy(boundary, head, sizeof head);
  Look();
  EXPECT_EQ(RunBytes(RssPart::kArena, boundary, 31 * kPage), 31 * kPage);
}
#endif

TEST_P(ResidentPartsTest, VariablesOfALibraryGoOnWhereAnArenaCouldBegin) {
  char* const boundary = HeapBoundary();
  MapAt(boundary - 8 * kPage, 4, "library");
  MapAt(boundary - 4 * kPage, 10);
  Module library;
  library.loaded = true;
  library.image.all = {reinterpret_cast<uint64_t>(boundary) - 8 * kPage,
                       reinterpret_cast<uint64_t>(boundary) + 6 * kPage};
  owners_.modules = &library;
  Look();
  EXPECT_EQ(BytesOf(RssPart::kFile, dictionary_.String("/memfd:library (deleted)")), 14 * kPage);
  munmap(boundary - 8 * kPage, 14 * kPage);
}

TEST_P(ResidentPartsTest, TheProgramsSecretsAreNotMemtapes) {
  Look();  // as above
  Look();
  const uint64_t before = BytesOf(RssPart::kMemtape, 0);
  char* const pages = Map(40, 1);
  ASSERT_EQ(madvise(pages, 40 * kPage, MADV_DONTDUMP), 0);
  Own(pages, 40, 74);
  Look();
  EXPECT_EQ(BytesOf(RssPart::kMapping, 74), 40 * kPage);
  EXPECT_LE(BytesOf(RssPart::kMemtape, 0), before + 20 * kPage);
  munmap(pages, 40 * kPage);
}

TEST_P(ResidentPartsTest, OwnersBeyondTheMostAreNobody) {
  constexpr size_t kOwners = 17'000;
  char* const pages = Map(kOwners + 1, 1);
  for (size_t i = 0; i <= kOwners; i++) {
    Own(pages + i * kPage, 1, 1000 + static_cast<uint32_t>(i % kOwners));
  }
  Look();
  EXPECT_EQ(BytesOf(RssPart::kMapping, 1000), 2 * kPage) << "it had a part when there was room";
  EXPECT_EQ(BytesOf(RssPart::kMapping, 1000 + kOwners - 1), 0u);
  EXPECT_GT(BytesOf(RssPart::kMapping, 0), 500 * kPage);
  EXPECT_LT(parts_.record().parts.size(), 16'384u + 1000);
  munmap(pages, (kOwners + 1) * kPage);
}

TEST_P(ResidentPartsTest, AddsUpWhileMappingsComeAndGo) {
  std::atomic<bool> done{false};
  std::thread threads[3];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      for (size_t n = 1; !done.load(); n++) {
        const size_t bytes = (n % 200 + 1) * kPage;
        void* pages = mmap(nullptr, bytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(pages, 1, bytes / 2);
        munmap(pages, bytes);
      }
    });
  }
  for (int i = 0; i < 50; i++) Look();
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_P(ResidentPartsTest, LooksInSteps) {
  char* const pages = Map(3000, 2);
  Own(pages, 3000, 75);
  ASSERT_TRUE(parts_.Begin(owners_, &dictionary_));
  int steps = 1;
  for (; !parts_.Step(100); steps++) {
    EXPECT_LE(parts_.record().rss, steps * (100u + 256) * kPage);
  }
  EXPECT_GT(steps, GetParam() ? 0 : 1500 / (100 + 256));
  EXPECT_EQ(BytesOf(RssPart::kMapping, 75), 1500 * kPage);
  munmap(pages, 3000 * kPage);
}

INSTANTIATE_TEST_SUITE_P(Kernels, ResidentPartsTest, testing::Bool(), [](const auto& info) {
  return info.param ? "OfWholeMappings" : "OfRanges";
});

}  // namespace
}  // namespace memtape
