// SPDX-License-Identifier: MIT
// Threads, rings and the drain thread together, without hooks: the threads do what hooks do, around
// an allocator of addresses that hands each freed one out again at once. Events out of order would
// show as missed or foreign frees. Made for the sanitizers too, under which malloc is not ours.

#include "track/session.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "format/format.h"
#include "track/events.h"

namespace memtape {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kEvents = 20'000;
#else
constexpr int kEvents = 150'000;
#endif
constexpr int kThreads = 8;

// Few addresses, so that most are taken at any time.
class Addresses {
 public:
  // Null when all are taken.
  void* Take(uint64_t start) {
    for (size_t i = 0; i < kCount; i++) {
      const size_t at = (start + i) % kCount;
      if (!taken_[at].exchange(true, std::memory_order_acquire)) return &blocks_[at];
    }
    return nullptr;
  }
  void Give(void* address) {
    const auto at = static_cast<size_t>(static_cast<Block*>(address) - blocks_.data());
    taken_[at].store(false, std::memory_order_release);
  }

 private:
  struct alignas(16) Block {
    char bytes[16];
  };
  static constexpr size_t kCount = 256;
  std::array<std::atomic<bool>, kCount> taken_ = {};
  std::array<Block, kCount> blocks_ = {};
};

struct Totals {
  uint64_t allocations = 0, frees = 0, bytes = 0, live_blocks = 0, live_bytes = 0;
};

struct Held {
  void* address;
  uint64_t size;
};

Regs Here() {
  return {reinterpret_cast<uint64_t>(__builtin_return_address(0)),
          reinterpret_cast<uint64_t>(__builtin_frame_address(0)), 0};
}

// One thread of the program; what it frees may be another's.
class Worker {
 public:
  Worker(Addresses* addresses, std::array<std::atomic<Held*>, 16>* mail, uint64_t seed)
      : addresses_(addresses), mail_(mail), random_(seed) {}

  [[gnu::noinline]] void Run(int events) {
    for (int i = 0; i < events; i++) Step();
  }
  void FreeAll() {
    while (!held_.empty()) Free();
  }

  Totals totals;

 private:
  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return Alloc();
      case 3:
        return Realloc();
      case 4:
        return Swap();
      default:
        return Free();
    }
  }

  void Alloc() {
    const uint64_t size = 1 + random_() % 1000;
    ThreadState* state = Enter();
    void* address = addresses_->Take(random_());
    if (state != nullptr) {
      if (address != nullptr)
        RecordAlloc(state, Allocator::kMalloc, address, size, WalkStack(state, Here()));
      Leave(state);
    }
    if (address != nullptr) Took({address, size}, state != nullptr);
  }

  void Free() {
    if (held_.empty()) return;
    const Held block = held_.back();
    held_.pop_back();
    ThreadState* state = Enter();
    if (state != nullptr) RecordFree(state, block.address);
    addresses_->Give(block.address);
    if (state != nullptr) Leave(state);
    Gave(block, state != nullptr);
  }

  // Moves, or fails when all addresses are taken.
  void Realloc() {
    if (held_.empty()) return Alloc();
    const Held old = held_.back();
    const uint64_t size = 1 + random_() % 1000;
    ThreadState* state = Enter();
    PendingRealloc pending = {};
    if (state != nullptr) pending = BeginRealloc(state, Here());
    void* address = addresses_->Take(random_());
    if (address != nullptr) {
      addresses_->Give(old.address);
      if (state != nullptr) FinishRealloc(state, pending, old.address, address, size);
    }
    if (state != nullptr) Leave(state);
    if (address == nullptr) return;
    held_.pop_back();
    Gave(old, state != nullptr);
    Took({address, size}, state != nullptr);
  }

  // Hands a block to whoever comes next, and takes what was left here.
  void Swap() {
    if (held_.empty()) return;
    Held* const mine = new Held(held_.back());
    held_.pop_back();
    Held* const other = (*mail_)[random_() % mail_->size()].exchange(mine);
    if (other == nullptr) return;
    held_.push_back(*other);
    delete other;
  }

  void Took(const Held& block, bool recorded) {
    held_.push_back(block);
    totals.allocations += recorded;
    totals.bytes += recorded ? block.size : 0;
    totals.live_blocks++;
    totals.live_bytes += block.size;
  }
  void Gave(const Held& block, bool recorded) {
    totals.frees += recorded;
    totals.live_blocks--;
    totals.live_bytes -= block.size;
  }

  Addresses* addresses_;
  std::array<std::atomic<Held*>, 16>* mail_;
  std::mt19937_64 random_;
  std::vector<Held> held_;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() : path_(testing::TempDir() + "session-" + std::to_string(getpid())) {}
  void TearDown() override {
    for (auto& place : mail_) delete place.load();
    unlink(path_.c_str());
    unlink((path_ + ".rings").c_str());
  }

  void Start(bool native, bool rss_always = false) {
    SessionOptions options;
    options.path = path_.c_str();
    options.overwrite = true;
    options.native = native;
    options.rss_always = rss_always;
    if (rss_always) options.interval_ms = 1;
    options.mode = "patch";
    int error = 0;
    const RecursionGuard guard;
    ASSERT_EQ(CurrentSession().Start(options, &error), nullptr) << error;
  }
  SessionSummary Stop() {
    SessionSummary summary;
    EXPECT_TRUE(CurrentSession().Stop("stop", &summary));
    return summary;
  }
  // Runs all threads to their end, each with its own seed.
  Totals RunThreads(int events, uint64_t seed) {
    std::vector<Worker> workers;
    for (int i = 0; i < kThreads; i++) workers.emplace_back(&addresses_, &mail_, seed + i);
    std::vector<std::thread> threads;
    for (Worker& worker : workers) threads.emplace_back([&, events] { worker.Run(events); });
    for (std::thread& thread : threads) thread.join();
    Totals sum;
    for (const Worker& worker : workers) {
      sum.allocations += worker.totals.allocations;
      sum.frees += worker.totals.frees;
      sum.bytes += worker.totals.bytes;
      sum.live_blocks += worker.totals.live_blocks;
      sum.live_bytes += worker.totals.live_bytes;
    }
    return sum;
  }

  void ExpectEqual(const SessionSummary& summary, const Totals& totals) {
    EXPECT_GT(totals.allocations, 0u);
    EXPECT_EQ(summary.allocations, totals.allocations);
    EXPECT_EQ(summary.frees, totals.frees);
    EXPECT_EQ(summary.allocated_bytes, totals.bytes);
    EXPECT_EQ(summary.live_blocks, totals.live_blocks);
    EXPECT_EQ(summary.live_bytes, totals.live_bytes);
    EXPECT_EQ(summary.missed_frees, 0u);
    EXPECT_EQ(summary.foreign_frees, 0u);
    EXPECT_EQ(summary.dropped, 0u);
    EXPECT_EQ(summary.nested, 0u);
    EXPECT_EQ(summary.error_text, nullptr);
  }

  const std::string path_;
  Addresses addresses_;
  std::array<std::atomic<Held*>, 16> mail_ = {};
};

TEST_F(SessionTest, RecordsWhatEightThreadsDo) {
  Start(/*native=*/false);
  const Totals totals = RunThreads(kEvents, 1);
  ExpectEqual(Stop(), totals);
}

TEST_F(SessionTest, RecordsWhatEightThreadsDoWithNativeStacks) {
  Start(/*native=*/true);
  const Totals totals = RunThreads(kEvents, 100);
  ExpectEqual(Stop(), totals);
}

TEST_F(SessionTest, ThreadsComeAndGo) {
  Start(/*native=*/false);
  Totals sum;
  for (uint64_t round = 0; round < 10; round++) {
    const Totals totals = RunThreads(200, 1000 + 10 * round);
    sum.allocations += totals.allocations;
    sum.frees += totals.frees;
    sum.bytes += totals.bytes;
    sum.live_blocks += totals.live_blocks;
    sum.live_bytes += totals.live_bytes;
  }
  ExpectEqual(Stop(), sum);
}

TEST_F(SessionTest, StartsAndStopsWhileThreadsAllocate) {
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([this, i, &done] {
      Worker worker(&addresses_, &mail_, 5000 + i);
      while (!done.load()) worker.Run(100);
      worker.FreeAll();
    });
  }
  uint64_t allocations = 0;
  for (int session = 0; session < 10; session++) {
    Start(/*native=*/session % 2 == 1);
    // Until it has seen something, however slow this machine is.
    while (CurrentSession().heap_bytes() == 0) std::this_thread::yield();
    const SessionSummary summary = Stop();
    allocations += summary.allocations;
    // Blocks from before are foreign; within the session nothing may be missed.
    EXPECT_EQ(summary.missed_frees, 0u) << session;
    EXPECT_EQ(summary.dropped, 0u) << session;
    EXPECT_EQ(summary.error_text, nullptr) << session;
    EXPECT_EQ(summary.live_blocks, summary.allocations - summary.frees);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(allocations, 0u);
  EXPECT_EQ(Enter(), nullptr) << "nothing is recorded after the last stop";
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
size_t OpenFiles() {
  const auto files = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

// A look at RSS is what asks for memory first, and at the end there shall be none.
TEST_F(SessionTest, EndsTheCaptureWhenALookAtRssFindsNoMemory) {
  const size_t files = OpenFiles();
  Start(/*native=*/false, /*rss_always=*/true);
  // After one look, the next one finds that in the middle.
  const uint32_t exits = CurrentSession().exits_settled();
  RecordMark(kExitMark, strlen(kExitMark));
  while (CurrentSession().exits_settled() == exits) std::this_thread::yield();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit none = {1 << 20, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
  while (!CurrentSession().failed()) std::this_thread::yield();
  const SessionSummary summary = Stop();
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(summary.error, ENOMEM);
  EXPECT_GT(summary.duration_ns, 0u) << "the trailer was not reached";
  EXPECT_EQ(OpenFiles(), files);
}
#endif

// A look takes locks of the kernel's that mmap needs too, and none of the allocator's. Meanwhile
// other threads allocate in arenas of their own, map and unmap.
TEST_F(SessionTest, LooksAtRssWhileThreadsMapAndAllocate) {
  Start(/*native=*/false, /*rss_always=*/true);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([this, i, &done] {
      Worker worker(&addresses_, &mail_, 7000 + i);
      std::vector<std::string> blocks(64);
      for (size_t n = 0; !done.load(); n++) {
        worker.Run(20);
        blocks[n % blocks.size()].assign(1000 + n % 50'000, 'x');
        constexpr size_t kBytes = 1 << 20;
        void* pages =
            mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        static_cast<char*>(pages)[n % kBytes] = 1;
        munmap(pages, kBytes);
      }
      worker.FreeAll();
    });
  }
#if defined(__SANITIZE_THREAD__)
  constexpr uint32_t kRounds = 3;  // of several seconds each
#else
  constexpr uint32_t kRounds = 30;
#endif
  const uint32_t rounds = control->rounds.load();
  while (control->rounds.load() - rounds < kRounds) std::this_thread::yield();
  done = true;
  for (std::thread& thread : threads) thread.join();
  const SessionSummary summary = Stop();
  EXPECT_EQ(summary.missed_frees, 0u);
  EXPECT_EQ(summary.dropped, 0u);
  EXPECT_EQ(summary.error_text, nullptr);
}

template <typename Condition>
void WaitUntil(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// A thread is held up in a realloc, between its stamp and its record, and meanwhile the block that
// it has freed becomes another thread's. The drain thread was held up as well, by a pipe that
// nobody reads: it must not think that the first thread has been away for as long as itself.
TEST_F(SessionTest, KeepsTheOrderWhenItWasHeldUp) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int pipe = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(pipe, 0);
  Start(/*native=*/false);
  char* const block = static_cast<char*>(addresses_.Take(0));
  char* const moved = static_cast<char*>(addresses_.Take(1));
  // One stack for all, so that realloc has none to define: that would be a sign of life.
  const Regs here = Here();
  const auto alloc = [here](void* address) {
    ThreadState* state = Enter();
    ASSERT_NE(state, nullptr);
    RecordAlloc(state, Allocator::kMalloc, address, 8, WalkStack(state, here));
    Leave(state);
  };
  alloc(block);
  std::atomic<bool> stuck{false}, stopped_realloc{false}, go_on{false};
  std::thread other([&] {
    // Fills the pipe, not the ring, then waits for its turn.
    uint64_t fake = 0;
    uint32_t rounds = control->rounds.load() - 1;
    uint64_t since = os::MonotonicNs();
    while (os::MonotonicNs() - since < 300'000'000) {
      if (control->rounds.load() == rounds) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      rounds = control->rounds.load();
      since = os::MonotonicNs();
      for (int i = 0; i < 512; i++) alloc(reinterpret_cast<void*>(++fake << 20));
    }
    stuck = true;
    WaitUntil([&] { return stopped_realloc.load(); });
    alloc(block);
    for (uint64_t fake = 1; !go_on; fake++) alloc(reinterpret_cast<void*>(fake << 20 | 16));
  });
  WaitUntil([&] { return stuck.load(); });
  ThreadState* state = Enter();
  ASSERT_NE(state, nullptr);
  const PendingRealloc pending = BeginRealloc(state, here);
  stopped_realloc = true;
  WaitUntil([&] { return control->waiting.load() > 0; });
  std::atomic<bool> ended{false};
  std::thread reader([&] {
    char buffer[4096];
    while (!ended) {
      if (read(pipe, buffer, sizeof buffer) <= 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  });
  // The drain thread gets on, and the ring is full again.
  for (int i = 0; i < 20; i++) {
    const uint32_t rounds = control->rounds.load();
    WaitUntil([&] { return control->rounds.load() != rounds; });
    WaitUntil([&] { return control->waiting.load() > 0; });
  }
  FinishRealloc(state, pending, block, moved, 8);
  Leave(state);
  go_on = true;
  other.join();
  const SessionSummary summary = Stop();
  ended = true;
  reader.join();
  close(pipe);
  EXPECT_EQ(summary.missed_frees, 0u);
  EXPECT_EQ(summary.foreign_frees, 0u);
  EXPECT_EQ(summary.frees, 1u);
  EXPECT_EQ(summary.live_blocks, summary.allocations - 1);
  EXPECT_EQ(summary.error_text, nullptr);
}

TEST_F(SessionTest, StopIsOnce) {
  SessionSummary summary;
  EXPECT_FALSE(CurrentSession().Stop("stop", &summary));
  Start(/*native=*/false);
  int error = 0;
  SessionOptions options;
  options.path = path_.c_str();
  EXPECT_NE(CurrentSession().Start(options, &error), nullptr);
  EXPECT_EQ(error, EBUSY);
  EXPECT_TRUE(CurrentSession().Stop("stop", &summary));
  EXPECT_FALSE(CurrentSession().Stop("stop", &summary));
  EXPECT_NE(access((path_ + ".rings").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace memtape
