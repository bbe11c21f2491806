// SPDX-License-Identifier: MIT
#include "track/stack_path.h"

#include <gtest/gtest.h>

#include <vector>

namespace memtape {
namespace {

class StackPathTest : public ::testing::Test {
 protected:
  ~StackPathTest() override { path_.Free(); }

  // `inner`: leaf first.
  void Change(size_t kept, const std::vector<uint64_t>& inner, uint64_t epoch = 1) {
    path_.Change(kept, inner, epoch);
  }
  // Gives every frame a node, as the drain thread does.
  void Know() {
    for (StackPath::Step& step : path_.steps()) step.node = static_cast<uint32_t>(step.key) + 1000;
    path_.SetKnown(path_.steps().size());
  }
  std::vector<uint64_t> Keys() {
    std::vector<uint64_t> keys;
    for (const StackPath::Step& step : path_.steps()) keys.push_back(step.key);
    return keys;
  }

  StackPath path_;
};

TEST_F(StackPathTest, StepsAreOutermostFirst) {
  Change(0, {3, 2, 1});
  EXPECT_EQ(Keys(), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(path_.known(), 0U);
}

TEST_F(StackPathTest, KeepsTheOutermostFramesAndTheirNodes) {
  Change(0, {3, 2, 1});
  Know();
  Change(2, {5, 4});
  EXPECT_EQ(Keys(), (std::vector<uint64_t>{1, 2, 4, 5}));
  EXPECT_EQ(path_.known(), 2U);
  EXPECT_EQ(path_.steps()[1].node, 1002U);
}

TEST_F(StackPathTest, AStackMayBeTheOuterPartOfTheOneBefore) {
  Change(0, {3, 2, 1});
  Know();
  Change(2, {});
  EXPECT_EQ(Keys(), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(path_.known(), 2U);
}

TEST_F(StackPathTest, KeysOutliveAnEpochAndNodesDoNot) {
  Change(0, {3, 2, 1});
  Know();
  Change(2, {4}, 2);
  EXPECT_EQ(Keys(), (std::vector<uint64_t>{1, 2, 4}));
  EXPECT_EQ(path_.known(), 0U);
}

TEST_F(StackPathTest, KnowsNoMoreThanItWasTold) {
  Change(0, {3, 2, 1});
  path_.SetKnown(1);
  Change(3, {4});
  EXPECT_EQ(path_.known(), 1U);
}

TEST_F(StackPathTest, KeepsNoMoreThanThereIs) {
  Change(0, {1});
  Change(7, {2});
  EXPECT_EQ(Keys(), (std::vector<uint64_t>{1, 2}));
}

}  // namespace
}  // namespace memtape
