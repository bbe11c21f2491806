// SPDX-License-Identifier: MIT

#include "track/live_blocks.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <vector>

namespace memtape {
namespace {

class LiveBlocksTest : public testing::Test {
 protected:
  void TearDown() override { blocks_.Clear(); }
  LiveBlocks blocks_;
};

TEST_F(LiveBlocksTest, AnAddressKeepsItsId) {
  EXPECT_EQ(blocks_.Alloc(0x1000, 10).id, 1u);
  EXPECT_EQ(blocks_.Alloc(0x2000, 20).id, 2u);
  EXPECT_EQ(blocks_.Free(0x1000).id, 1u);
  EXPECT_EQ(blocks_.Alloc(0x3000, 30).id, 3u);
  EXPECT_EQ(blocks_.Alloc(0x1000, 40).id, 1u);
  EXPECT_EQ(blocks_.live_bytes(), 90u);
  EXPECT_EQ(blocks_.live_blocks(), 3u);
}

TEST_F(LiveBlocksTest, KnowsNothingOfForeignFrees) {
  EXPECT_EQ(blocks_.Free(0x1000).id, 0u);
  blocks_.Alloc(0x1000, 10);
  EXPECT_EQ(blocks_.Free(0x1008).id, 0u) << "an address inside a block is another address";
  EXPECT_EQ(blocks_.Free(0x1000).old_size, 10u);
  EXPECT_EQ(blocks_.Free(0x1000).id, 0u) << "freed twice";
  EXPECT_EQ(blocks_.live_bytes(), 0u);
  EXPECT_EQ(blocks_.live_blocks(), 0u);
}

TEST_F(LiveBlocksTest, AnAllocEndsABlockWhoseFreeWasMissed) {
  EXPECT_FALSE(blocks_.Alloc(0x1000, 10).was_live);
  const LiveBlocks::Block again = blocks_.Alloc(0x1000, 25);
  EXPECT_TRUE(again.was_live);
  EXPECT_EQ(again.old_size, 10u);
  EXPECT_EQ(blocks_.live_bytes(), 25u);
  EXPECT_EQ(blocks_.live_blocks(), 1u);
}

TEST_F(LiveBlocksTest, SizesOfAnyLength) {
  constexpr uint64_t kHuge = (uint64_t{1} << 53) - 1;  // the format's limit
  blocks_.Alloc(0x1000, 0);
  EXPECT_TRUE(blocks_.IsLive(0x1000)) << "malloc(0) is a block too";
  blocks_.Alloc(0x2000, kHuge);
  EXPECT_EQ(blocks_.live_bytes(), kHuge);
  EXPECT_EQ(blocks_.Free(0x2000).old_size, kHuge);
  EXPECT_EQ(blocks_.Free(0x1000).id, 1u);
  EXPECT_EQ(blocks_.live_blocks(), 0u);
}

TEST_F(LiveBlocksTest, EqualsAModel) {
  struct Live {
    uint64_t size;
    bool live;
    uint32_t id;
  };
  std::unordered_map<uint64_t, Live> model;
  std::mt19937_64 random(1);
  uint64_t bytes = 0, count = 0;
  for (int i = 0; i < 500'000; i++) {
    const uint64_t address = 16 * (1 + random() % 20'000);
    Live& known = model[address];
    ASSERT_EQ(blocks_.IsLive(address), known.live);
    if (random() % 2 == 0) {
      const uint64_t size = random() % 1000;
      const LiveBlocks::Block block = blocks_.Alloc(address, size);
      ASSERT_EQ(block.was_live, known.live);
      if (known.id == 0) known.id = block.id;
      ASSERT_EQ(block.id, known.id);
      bytes += size - (known.live ? known.size : 0);
      count += known.live ? 0 : 1;
      known.size = size;
      known.live = true;
    } else {
      const LiveBlocks::Block block = blocks_.Free(address);
      ASSERT_EQ(block.id, known.live ? known.id : 0u);
      if (!known.live) continue;
      ASSERT_EQ(block.old_size, known.size);
      bytes -= known.size;
      count--;
      known.live = false;
    }
    ASSERT_EQ(blocks_.live_bytes(), bytes);
    ASSERT_EQ(blocks_.live_blocks(), count);
  }
}

TEST_F(LiveBlocksTest, ClearForgetsEverything) {
  blocks_.Alloc(0x1000, 10);
  blocks_.state(1).alloc_slot = 3;
  blocks_.Clear();
  EXPECT_EQ(blocks_.live_bytes(), 0u);
  EXPECT_EQ(blocks_.Free(0x1000).id, 0u);
  EXPECT_EQ(blocks_.Alloc(0x2000, 1).id, 1u);
  EXPECT_EQ(blocks_.state(1).alloc_slot, 0u);
}

}  // namespace
}  // namespace memtape
