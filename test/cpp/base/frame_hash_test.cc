// SPDX-License-Identifier: MIT
#include "base/frame_hash.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_set>
#include <vector>

namespace memtape {
namespace {

uint64_t HashOf(const std::vector<uint64_t>& keys) {
  FrameHash hash;
  hash.Add(keys.data(), keys.size());
  return hash.value();
}

TEST(FrameHashTest, TellsStacksApart) {
  // Return addresses as they are: close together, in any order, one stack the start of another.
  std::unordered_set<uint64_t> hashes;
  size_t stacks = 0;
  for (uint64_t a = 0; a < 100; a++) {
    for (uint64_t b = 0; b < 100; b++) {
      for (size_t depth = 1; depth <= 30; depth++) {
        std::vector<uint64_t> keys(depth, 0x7F00'0000'1000 + 4 * a);
        keys.back() = 0x7F00'0000'1000 + b;
        const uint64_t hash = HashOf(keys);
        ASSERT_NE(hash, 0u);
        hashes.insert(hash);
        // A stack of one frame is b alone.
        stacks += depth > 1 || a == 0 ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(hashes.size(), stacks);
}

TEST(FrameHashTest, EveryBitOfEveryFrameCounts) {
  std::mt19937_64 random(3);
  std::vector<uint64_t> keys(64);
  for (uint64_t& key : keys) key = random();
  std::unordered_set<uint64_t> hashes = {HashOf(keys)};
  for (uint64_t& key : keys) {
    for (int bit = 0; bit < 64; bit++) {
      key ^= uint64_t{1} << bit;
      hashes.insert(HashOf(keys));
      key ^= uint64_t{1} << bit;
    }
  }
  EXPECT_EQ(hashes.size(), 1 + 64u * 64u);
}

}  // namespace
}  // namespace memtape
