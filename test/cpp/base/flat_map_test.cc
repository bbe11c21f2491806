// SPDX-License-Identifier: MIT

#include "base/flat_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <unordered_map>

namespace memtape {
namespace {

TEST(FlatMapTest, KnowsNothingAtFirst) {
  FlatMap map;
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.Find(1), 0u);
  map.Clear();
}

TEST(FlatMapTest, EqualsUnorderedMap) {
  FlatMap map;
  std::unordered_map<uint64_t, uint32_t> model;
  std::mt19937_64 random(2);
  // Keys of the three kinds that are used: hashes, addresses, small numbers.
  for (uint32_t i = 1; i < 200'000; i++) {
    const uint64_t bits = random();
    const uint64_t key = i % 3 == 0   ? bits | 1
                         : i % 3 == 1 ? 0x7F00'0000'0000 + (bits & 0xFFFFF) * 16
                                      : 1 + bits % 1000;
    uint32_t* const value = map.FindOrInsert(key);
    ASSERT_EQ(*value, model.contains(key) ? model[key] : 0) << key;
    *value = model[key] = i;
  }
  ASSERT_EQ(map.size(), model.size());
  for (const auto& [key, value] : model) ASSERT_EQ(map.Find(key), value) << key;
  for (int i = 0; i < 100'000; i++) {
    const uint64_t key = random() | uint64_t{1} << 63;
    ASSERT_EQ(map.Find(key), model.contains(key) ? model[key] : 0);
  }
  map.Clear();
  EXPECT_EQ(map.size(), 0u);
  for (const auto& [key, value] : model) ASSERT_EQ(map.Find(key), 0u) << key;
}

TEST(FlatMapTest, HoldsTheExtremeKeys) {
  FlatMap map;
  *map.FindOrInsert(UINT64_MAX) = 1;
  *map.FindOrInsert(1) = 2;
  *map.FindOrInsert(uint64_t{1} << 63) = UINT32_MAX;
  EXPECT_EQ(map.Find(UINT64_MAX), 1u);
  EXPECT_EQ(map.Find(1), 2u);
  EXPECT_EQ(map.Find(uint64_t{1} << 63), UINT32_MAX);
  map.Clear();
}

// Addresses differ in few bits; a weak mix would put them all in one row and look-ups would take
// the square of this time.
TEST(FlatMapTest, SpreadsAddressesOut) {
  for (const uint64_t step : {uint64_t{16}, uint64_t{4096}, uint64_t{1} << 21, uint64_t{1} << 32}) {
    constexpr size_t kBuckets = 1 << 16;
    std::unordered_map<uint64_t, int> buckets;
    int fullest = 0;
    for (uint64_t i = 0; i < kBuckets / 2; i++) {
      const uint64_t bucket = MixHash(0x5555'0000'0000 + i * step) & (kBuckets - 1);
      fullest = std::max(fullest, ++buckets[bucket]);
    }
    EXPECT_LE(fullest, 16) << "step " << step;
  }
}

}  // namespace
}  // namespace memtape
