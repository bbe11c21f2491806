// SPDX-License-Identifier: MIT
#include "hooks/handover.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <set>
#include <thread>
#include <vector>

namespace memtape {
namespace {

const void* Key(uint64_t number) {
  return reinterpret_cast<const void*>(number << 5);
}

TEST(Handover, IsFoundByItsKeyUntilForgotten) {
  Handover* const one = TakeHandover();
  Handover* const two = TakeHandover();
  ASSERT_NE(one, two);
  EXPECT_TRUE(KeepHandover(Key(100), one));
  EXPECT_TRUE(KeepHandover(Key(101), two));
  EXPECT_EQ(FindHandover(Key(100)), one);
  EXPECT_EQ(ForgetHandover(Key(101)), two);
  EXPECT_EQ(FindHandover(Key(101)), nullptr);
  EXPECT_EQ(ForgetHandover(Key(101)), nullptr);
  EXPECT_EQ(ForgetHandover(Key(100)), one);
  GiveBack(one);
  GiveBack(two);
}

TEST(Handover, IsUsedAgain) {
  Handover* const one = TakeHandover();
  GiveBack(one);
  EXPECT_EQ(TakeHandover(), one);
  GiveBack(one);
}

TEST(Handover, OfAnObjectThatWentUnseenMakesPlace) {
  Handover* const old = TakeHandover();
  Handover* const fresh = TakeHandover();
  ASSERT_TRUE(KeepHandover(Key(7), old));
  ASSERT_TRUE(KeepHandover(Key(7), fresh));
  EXPECT_EQ(ForgetHandover(Key(7)), fresh);
  EXPECT_EQ(FindHandover(Key(7)), nullptr);
  EXPECT_EQ(TakeHandover(), old);  // given back
  GiveBack(old);
  GiveBack(fresh);
}

TEST(Handover, FindsKeysThatShareTheirFirstPlace) {
  constexpr uint64_t kSame = uint64_t{1} << 32;  // a multiple of the number of places
  std::vector<Handover*> kept;
  for (uint64_t i = 0; i < 32; i++) {
    kept.push_back(TakeHandover());
    ASSERT_TRUE(KeepHandover(Key(5 + i * kSame), kept.back())) << i;
  }
  Handover* const one_more = TakeHandover();
  EXPECT_FALSE(KeepHandover(Key(5 + 32 * kSame), one_more));
  // The first ones go, and those behind them are found all the same.
  for (uint64_t i = 0; i < 16; i++) EXPECT_EQ(ForgetHandover(Key(5 + i * kSame)), kept[i]);
  for (uint64_t i = 16; i < 32; i++) EXPECT_EQ(FindHandover(Key(5 + i * kSame)), kept[i]);
  EXPECT_TRUE(KeepHandover(Key(5 + 32 * kSame), one_more));
  EXPECT_EQ(ForgetHandover(Key(5 + 32 * kSame)), one_more);
  for (uint64_t i = 16; i < 32; i++) ForgetHandover(Key(5 + i * kSame));
  for (Handover* handover : kept) GiveBack(handover);
  GiveBack(one_more);
}

TEST(Handover, RunsOutAndRecovers) {
  std::vector<Handover*> all;
  while (Handover* handover = TakeHandover()) all.push_back(handover);
  EXPECT_GE(all.size(), 60'000u);
  EXPECT_EQ(std::set<Handover*>(all.begin(), all.end()).size(), all.size());
  GiveBack(all.back());
  EXPECT_EQ(TakeHandover(), all.back());
  for (Handover* handover : all) GiveBack(handover);
}

// Each thread finds in its own what it wrote there, whatever the others do.
TEST(Handover, BelongsToOneAtATime) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  std::vector<std::thread> threads;
  std::vector<int> wrong(kThreads, 0);
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([t, &wrong] {
      const uint64_t base = 1000 + static_cast<uint64_t>(t) * 3;
      for (int i = 0; i < kRounds; i++) {
        Handover* const handover = TakeHandover();
        if (handover == nullptr) {
          wrong[t]++;
          continue;
        }
        handover->data = &wrong[t];
        const void* const key = Key(base + static_cast<uint64_t>(i) % 3);
        wrong[t] += !KeepHandover(key, handover);
        wrong[t] += FindHandover(key) != handover;
        wrong[t] += ForgetHandover(key) != handover;
        wrong[t] += handover->data != &wrong[t];
        GiveBack(handover);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(kThreads, 0));
}

}  // namespace
}  // namespace memtape
