// SPDX-License-Identifier: MIT
#include "stack/rule_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace memtape {
namespace {

const int kTables[2] = {};

CfiRule RuleOf(uint64_t pc, int table) {
  CfiRule rule;
  rule.cfa = CfaKind::kSp;
  rule.cfa_offset = static_cast<int32_t>(pc % 1'000'003);
  rule.fp_offset = table;
  rule.aux = static_cast<int16_t>(pc % 101);
  return rule;
}

TEST(RuleStore, KeepsRulesByAddressAndTable) {
  const auto store = std::make_unique<RuleStore>();
  CfiRule rule;
  EXPECT_FALSE(store->Find(0x1000, &kTables[0], &rule));
  store->Add(0x1000, &kTables[0], RuleOf(0x1000, 0));
  EXPECT_FALSE(store->Find(0x1000, &kTables[1], &rule)) << "another module was there";
  EXPECT_TRUE(rule == CfiRule{}) << "as it was";
  store->Add(0x1000, &kTables[1], RuleOf(0x1000, 1));
  for (int table = 0; table < 2; table++) {
    ASSERT_TRUE(store->Find(0x1000, &kTables[table], &rule));
    EXPECT_TRUE(rule == RuleOf(0x1000, table));
  }
}

TEST(RuleStore, IsSharedByThreadsAndGetsFull) {
  const auto store = std::make_unique<RuleStore>();
  constexpr uint64_t kAddresses = 60'000;  // more than there is room for
  std::atomic<int> wrong = 0, found = 0;
  const auto use = [&](int table) {
    for (uint64_t i = 0; i < 2 * kAddresses; i++) {
      const uint64_t pc = 0x7f00'0000'0000 + i % kAddresses * 7;
      CfiRule rule;
      if (store->Find(pc, &kTables[table], &rule)) {
        found++;
        wrong += !(rule == RuleOf(pc, table));
      } else {
        store->Add(pc, &kTables[table], RuleOf(pc, table));
      }
    }
  };
  std::vector<std::thread> threads;
  for (const int table : {0, 1, 0, 1}) threads.emplace_back(use, table);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 10'000);
}

}  // namespace
}  // namespace memtape
