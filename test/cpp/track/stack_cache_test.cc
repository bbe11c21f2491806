// SPDX-License-Identifier: MIT

#include "track/stack_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/frame_hash.h"

namespace memtape {
namespace {

uint64_t HashOf(uint64_t key) {
  FrameHash hash;
  hash.Add(key);
  return hash.value();
}

class StackCacheTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(cache_.Init()); }
  StackCache cache_;
};

TEST_F(StackCacheTest, FindsWhatWasInserted) {
  EXPECT_EQ(cache_.Find(0x1234'5678'9ABC'DEF1), 0u);
  std::mt19937_64 random(1);
  std::vector<uint64_t> hashes;
  // Over several growths, looked up while it grows.
  for (uint32_t number = 1; number <= 100'000; number++) {
    const uint64_t hash = random() | 1;
    ASSERT_EQ(cache_.Find(hash), 0u);
    cache_.Insert(hash, number);
    hashes.push_back(hash);
    const size_t some = random() % hashes.size();
    ASSERT_EQ(cache_.Find(hashes[some]), some + 1);
  }
  for (size_t i = 0; i < hashes.size(); i++) ASSERT_EQ(cache_.Find(hashes[i]), i + 1);
  EXPECT_EQ(cache_.size(), hashes.size());
}

TEST_F(StackCacheTest, HashesThatShareTheirPlace) {
  // The place is in the upper bits: all of these go to the last one, and wrap around.
  for (uint32_t i = 0; i < 100; i++) cache_.Insert(UINT64_MAX - 2 * i, i + 1);
  for (uint32_t i = 0; i < 100; i++) EXPECT_EQ(cache_.Find(UINT64_MAX - 2 * i), i + 1);
  EXPECT_EQ(cache_.Find(UINT64_MAX - 200), 0u);
}

TEST_F(StackCacheTest, ClearForgetsEverything) {
  for (uint32_t i = 1; i <= 1000; i++) cache_.Insert(HashOf(i), i);
  cache_.Clear();
  EXPECT_EQ(cache_.size(), 0u);
  for (uint64_t i = 1; i <= 1000; i++) EXPECT_EQ(cache_.Find(HashOf(i)), 0u);
  ASSERT_TRUE(cache_.Init());  // as for the next recording
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(StackCacheTest, ForgetsRatherThanGrowWithoutEnd) {
  // More distinct stacks than it may hold: it must neither loop for ever nor answer wrongly.
  std::mt19937_64 random(2);
  constexpr uint32_t kMany = 3'000'000;
  size_t most = 0;
  uint64_t last = 0;
  for (uint32_t number = 1; number <= kMany; number++) {
    last = random() | 1;
    cache_.Insert(last, number);
    most = std::max(most, cache_.size());
  }
  EXPECT_EQ(cache_.Find(last), kMany);
  EXPECT_GT(most, 500'000u);
  EXPECT_LE(most, size_t{1} << 21);
}

}  // namespace
}  // namespace memtape
