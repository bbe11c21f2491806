// SPDX-License-Identifier: MIT

#include "track/event_order.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace memtape {
namespace {

struct Event {
  uint64_t stamp;
  bool is_free;
  uint64_t address;
};

struct Log {
  std::vector<Event> events;
  size_t at = 0;

  bool empty() const { return at == events.size(); }
  uint64_t stamp() const { return events[at].stamp; }
};

// What Drain::Merge does, over logs of events.
struct Merged {
  std::vector<const Event*> order;
  std::set<uint64_t> live;
  int missed = 0;   // allocs of live addresses
  int foreign = 0;  // frees of others

  void Take(std::vector<Log>* logs, uint64_t horizon = UINT64_MAX - 1) {
    const auto fits = [this](const Log& log) {
      const Event& event = log.events[log.at];
      return live.contains(event.address) == event.is_free;
    };
    uint64_t run_end;
    while (Log* log = FirstSource(logs->data(), logs->size(), horizon, &run_end, fits)) {
      do {
        const Event& event = log->events[log->at++];
        order.push_back(&event);
        if (event.is_free) {
          foreign += live.erase(event.address) == 0;
        } else {
          missed += !live.insert(event.address).second;
        }
      } while (!log->empty() && log->stamp() < run_end);
    }
  }
};

TEST(EventOrderTest, NothingToTake) {
  uint64_t run_end = 0;
  const auto fits = [](const Log&) { return true; };
  std::vector<Log> logs(3);
  EXPECT_EQ(FirstSource(logs.data(), 0, 100, &run_end, fits), nullptr);
  EXPECT_EQ(FirstSource(logs.data(), logs.size(), 100, &run_end, fits), nullptr);
  logs[1].events = {{101, false, 1}};
  EXPECT_EQ(FirstSource(logs.data(), logs.size(), 100, &run_end, fits), nullptr);
  EXPECT_EQ(FirstSource(logs.data(), logs.size(), 101, &run_end, fits), &logs[1]);
  EXPECT_EQ(run_end, 102u);
}

TEST(EventOrderTest, TakesByStampUpToTheHorizon) {
  std::vector<Log> logs(3);
  logs[0].events = {{10, false, 1}, {40, true, 1}, {41, false, 2}};
  logs[1].events = {{20, false, 3}, {30, true, 3}};
  logs[2].events = {{39, false, 4}, {90, false, 5}};
  Merged merged;
  merged.Take(&logs, 40);
  std::vector<uint64_t> stamps;
  for (const Event* event : merged.order) stamps.push_back(event->stamp);
  EXPECT_EQ(stamps, (std::vector<uint64_t>{10, 20, 30, 39, 40}));
  merged.Take(&logs, 89);
  EXPECT_EQ(merged.order.back()->stamp, 41u);
  merged.Take(&logs);
  EXPECT_EQ(merged.order.back()->stamp, 90u);
}

TEST(EventOrderTest, ARunEndsWhereAnotherSourceComesFirst) {
  std::vector<Log> logs(2);
  logs[0].events = {{10, false, 1}, {19, false, 2}, {20, false, 3}};
  logs[1].events = {{20, false, 4}};
  uint64_t run_end = 0;
  const auto fits = [](const Log&) { return true; };
  EXPECT_EQ(FirstSource(logs.data(), 2, 1000, &run_end, fits), &logs[0]);
  EXPECT_EQ(run_end, 20u);
  EXPECT_EQ(FirstSource(logs.data(), 2, 15, &run_end, fits), &logs[0]);
  EXPECT_EQ(run_end, 16u);
}

TEST(EventOrderTest, AtEqualStampsABlockIsFreedBeforeItIsAllocatedAgain) {
  for (const bool swapped : {false, true}) {
    std::vector<Log> logs(2);
    // One thread gets the block that the other gives back, which first did something else.
    logs[swapped].events = {{100, false, 7}};
    logs[!swapped].events = {{50, false, 7}, {100, false, 8}, {100, true, 7}};
    Merged merged;
    merged.Take(&logs);
    EXPECT_EQ(merged.missed, 0) << swapped;
    EXPECT_EQ(merged.order.size(), 4u);
  }
}

TEST(EventOrderTest, AtEqualStampsABlockIsAllocatedBeforeAnotherThreadFreesIt) {
  for (const bool swapped : {false, true}) {
    std::vector<Log> logs(2);
    logs[swapped].events = {{100, false, 7}};
    logs[!swapped].events = {{100, true, 7}};
    Merged merged;
    merged.Take(&logs);
    EXPECT_EQ(merged.foreign, 0) << swapped;
  }
}

TEST(EventOrderTest, GoesOnWhenNothingFits) {
  std::vector<Log> logs(2);
  logs[0].events = {{100, true, 1}};  // of blocks from before recording
  logs[1].events = {{100, true, 2}};
  Merged merged;
  merged.Take(&logs);
  EXPECT_EQ(merged.foreign, 2);
}

// Threads that hand blocks to each other, under clocks of several rates. The history is made
// one event at a time, so a merge that gets it wrong shows as a free or an alloc that cannot be.
TEST(EventOrderTest, RestoresRandomHistories) {
  for (uint32_t seed = 0; seed < 60; seed++) {
    std::mt19937 random(seed);
    const uint64_t coarseness = uint64_t{1} << seed % 4;  // up to 8 events a tick
    const size_t threads = 2 + seed % 7;
    std::vector<Log> logs(threads);
    std::set<uint64_t> live;
    for (uint64_t now = 0; now < 20'000; now++) {
      Log& log = logs[random() % threads];
      const uint64_t address = random() % 64;
      const bool is_free = live.contains(address);
      if (is_free) {
        live.erase(address);
      } else {
        live.insert(address);
      }
      log.events.push_back({now / coarseness, is_free, address});
    }
    Merged merged;
    for (uint64_t horizon = 0; horizon < 20'000 / coarseness; horizon += 1 + random() % 500) {
      merged.Take(&logs, horizon);
    }
    merged.Take(&logs);
    EXPECT_EQ(merged.order.size(), 20'000u);
    EXPECT_EQ(merged.live, live) << "seed " << seed;
    for (size_t i = 1; i < merged.order.size(); i++) {
      ASSERT_LE(merged.order[i - 1]->stamp, merged.order[i]->stamp);
    }
    // With more than two events a tick, on so few addresses, some orders cannot be told apart.
    EXPECT_LE(merged.missed, coarseness <= 2 ? 0 : 20) << "seed " << seed;
    EXPECT_EQ(merged.missed, merged.foreign) << "seed " << seed;
  }
}

}  // namespace
}  // namespace memtape
