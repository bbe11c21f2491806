// SPDX-License-Identifier: MIT
#include "base/id_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/flat_map.h"

namespace memtape {
namespace {

// Things are numbers, of which many have the same hash.
class IdTableTest : public testing::Test {
 protected:
  struct HashOf {
    const std::vector<uint64_t>* things;
    uint64_t operator()(uint32_t id) const { return (*things)[id] % 2'003; }
  };
  void TearDown() override { table_.Clear(); }

  uint32_t IdOf(uint64_t thing) {
    things_.push_back(thing);
    const auto candidate = static_cast<uint32_t>(things_.size() - 1);
    const uint32_t id = table_.FindOrInsert(thing % 2'003, candidate,
                                            [&](uint32_t at) { return things_[at] == thing; });
    if (id != candidate) things_.pop_back();
    return id;
  }

  std::vector<uint64_t> things_ = {0};
  IdTable<HashOf> table_{HashOf{&things_}};
};

TEST_F(IdTableTest, FindsWhatItHasThroughGrowthAndCollisions) {
  constexpr uint32_t kThings = 5'000;
  for (uint32_t i = 1; i <= kThings; i++) EXPECT_EQ(IdOf(i * 7), i);
  EXPECT_EQ(table_.size(), kThings);
  for (uint32_t i = 1; i <= kThings; i++) EXPECT_EQ(IdOf(i * 7), i);
  EXPECT_EQ(table_.size(), kThings);
  const auto find = [&](uint64_t thing) {
    return table_.Find(thing % 2'003, [&](uint32_t at) { return things_[at] == thing; });
  };
  EXPECT_EQ(find(7 * kThings), kThings);
  EXPECT_EQ(find(7 * kThings + 1), 0u);
  table_.Clear();
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(find(7), 0u);
  EXPECT_EQ(IdOf(7), kThings + 1) << "forgotten";
}

struct MixedHashOf {
  uint64_t operator()(uint32_t id) const { return MixHash(id); }
};

TEST(IdTable, HardlyEverAsksWhatOthersAre) {
  IdTable<MixedHashOf> table{MixedHashOf{}};
  uint64_t asked = 0, others = 0;
  const auto is = [&](uint32_t thing) {
    return [&, thing](uint32_t id) {
      asked++;
      others += id != thing;
      return id == thing;
    };
  };
  // Not all numbers are in the table, so identifiers outgrow it, and their bits the tags' room.
  std::vector<uint32_t> things;
  for (uint32_t id = 1; id <= 3'000'000; id += id < 300'000 ? 1 : 97) things.push_back(id);
  for (const uint32_t id : things) ASSERT_EQ(table.FindOrInsert(MixHash(id), id, is(id)), id);
  EXPECT_EQ(asked, others) << "none of them was there";
  EXPECT_LT(others, things.size() / 20);
  asked = others = 0;
  for (const uint32_t id : things) ASSERT_EQ(table.Find(MixHash(id), is(id)), id);
  EXPECT_EQ(asked - others, things.size());
  EXPECT_LT(others, things.size() / 20);
  for (uint32_t id = 400'001; id < 500'000; id += 97) {
    ASSERT_EQ(table.Find(MixHash(id + 1), is(id + 1)), 0u);
  }
  // Up to the highest identifier, which leaves no tag.
  ASSERT_EQ(table.FindOrInsert(MixHash(UINT32_MAX), UINT32_MAX, is(UINT32_MAX)), UINT32_MAX);
  for (const uint32_t id : things) ASSERT_EQ(table.Find(MixHash(id), is(id)), id);
  EXPECT_EQ(table.Find(MixHash(UINT32_MAX), is(UINT32_MAX)), UINT32_MAX);
  table.Clear();
}

}  // namespace
}  // namespace memtape
