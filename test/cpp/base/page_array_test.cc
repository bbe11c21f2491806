// SPDX-License-Identifier: MIT

#include "base/page_array.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace memtape {
namespace {

std::vector<uint32_t> Contents(const PageArray<uint32_t>& array) {
  return {array.data(), array.data() + array.size()};
}

TEST(PageArrayTest, StartsEmptyAndNeedsNoMemory) {
  PageArray<uint32_t> array;
  EXPECT_EQ(array.size(), 0u);
  EXPECT_EQ(array.data(), nullptr);
  array.Reserve(0);
  EXPECT_EQ(array.data(), nullptr);
  array.Free();  // of nothing
}

TEST(PageArrayTest, KeepsItsElementsOverGrowth) {
  PageArray<uint32_t> array;
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 300'000; i++) {
    array.push_back(i * 7);
    expected.push_back(i * 7);
  }
  EXPECT_EQ(Contents(array), expected);
  EXPECT_EQ(array.back(), expected.back());
  array.Free();
  EXPECT_EQ(array.size(), 0u);
}

TEST(PageArrayTest, NewElementsAreZero) {
  PageArray<uint64_t> array;
  array.Resize(100'000);
  for (size_t i = 0; i < array.size(); i++) ASSERT_EQ(array[i], 0u) << i;
  array.At(200'000) = 5;
  EXPECT_EQ(array.size(), 200'001u);
  for (size_t i = 100'000; i < 200'000; i++) ASSERT_EQ(array[i], 0u) << i;
  EXPECT_EQ(array[200'000], 5u);
  // Inside: At does not change the size.
  array.At(7) = 8;
  EXPECT_EQ(array.size(), 200'001u);
  array.Free();
}

TEST(PageArrayTest, AppendsAtPageEnds) {
  PageArray<char> array;
  // The first mapping has 16 KiB: end exactly there, then one further.
  const std::vector<char> page(16 << 10, 'a');
  array.Append(page.data(), page.size());
  array.Append("bc", 2);
  array.Append(nullptr, 0);
  ASSERT_EQ(array.size(), page.size() + 2);
  EXPECT_EQ(array[page.size() - 1], 'a');
  EXPECT_EQ(array[page.size()], 'b');
  EXPECT_EQ(array.back(), 'c');
  array.Free();
}

TEST(PageArrayTest, InsertsAndErasesAsAVectorDoes) {
  PageArray<uint32_t> array;
  std::vector<uint32_t> model;
  std::mt19937 random(1);
  for (uint32_t step = 0; step < 20'000; step++) {
    const size_t at = random() % (model.size() + 1);
    if (random() % 3 != 0 || model.empty()) {
      array.Insert(at, step);
      model.insert(model.begin() + static_cast<ptrdiff_t>(at), step);
    } else {
      const size_t to = at + random() % (model.size() - at + 1);
      if (to - at > 10) continue;
      array.Erase(at, to);
      model.erase(model.begin() + static_cast<ptrdiff_t>(at),
                  model.begin() + static_cast<ptrdiff_t>(to));
    }
  }
  EXPECT_EQ(Contents(array), model);
  array.Free();
}

TEST(PageArrayTest, CanBeUsedAgainAfterClearAndFree) {
  PageArray<uint32_t> array;
  for (int round = 0; round < 3; round++) {
    array.push_back(1);
    array.Clear();
    EXPECT_EQ(array.size(), 0u);
    array.push_back(2);
    EXPECT_EQ(array[0], 2u);
    array.Free();
    array.push_back(3);
    EXPECT_EQ(Contents(array), std::vector<uint32_t>{3});
    array.Free();
  }
}

}  // namespace
}  // namespace memtape
