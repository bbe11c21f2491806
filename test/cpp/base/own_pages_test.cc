// SPDX-License-Identifier: MIT
#include "base/own_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/page_array.h"
#include "os/os.h"

namespace memtape {
namespace {

std::vector<OwnRange> All() {
  std::vector<OwnRange> ranges(kMaxOwnRanges);
  ranges.resize(CopyOwnPages(ranges.data()));
  return ranges;
}

bool IsOwn(const void* address) {
  const auto at = reinterpret_cast<uint64_t>(address);
  const std::vector<OwnRange> all = All();
  return std::any_of(all.begin(), all.end(),
                     [=](const OwnRange& range) { return at >= range.begin && at < range.end; });
}

TEST(OwnPagesTest, FollowsWhatIsMappedGrownAndGivenBack) {
  char* pages = static_cast<char*>(os::MapPages(10'000));
  EXPECT_TRUE(IsOwn(pages));
  EXPECT_TRUE(IsOwn(pages + 12'287)) << "whole pages";
  pages = static_cast<char*>(os::GrowPages(pages, 10'000, 50 << 20));
  EXPECT_TRUE(IsOwn(pages + (50 << 20) - 1));
  os::UnmapPages(pages, 50 << 20);
  EXPECT_FALSE(IsOwn(pages));
  PageArray<int> array;
  array.Resize(1);
  const int* const small = array.data();
  EXPECT_TRUE(IsOwn(small));
  array.Resize(10'000'000);
  EXPECT_TRUE(IsOwn(&array.back()));
  const int* const large = array.data();
  array.Free();
  EXPECT_FALSE(IsOwn(large));
}

TEST(OwnPagesTest, ManyThreadsAtOnce) {
  const size_t before = All().size();
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (uint64_t t = 1; t <= 4; t++) {
    threads.emplace_back([=] {
      for (uint64_t i = 0; i < 20'000; i++) {
        void* const address = reinterpret_cast<void*>(t << 40 | (i % 7) << 20);
        OwnPagesCome(address, (t << 12) + 1);
        OwnPagesGo(address);
      }
      OwnPagesCome(reinterpret_cast<void*>(t << 40), 4096);
    });
  }
  std::thread reader([&] {
    while (!done.load()) {
      for (const OwnRange& range : All()) ASSERT_LT(range.begin, range.end);
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  reader.join();
  EXPECT_EQ(All().size(), before + 4);
  for (uint64_t t = 1; t <= 4; t++) OwnPagesGo(reinterpret_cast<void*>(t << 40));
  EXPECT_EQ(All().size(), before);
}

TEST(OwnPagesTest, WhatFindsNoRoomIsLeftOut) {
  const auto address = [](uint64_t i) { return reinterpret_cast<void*>((i + 1) << 32); };
  for (uint64_t i = 0; i <= kMaxOwnRanges; i++) OwnPagesCome(address(i), 1);
  EXPECT_EQ(All().size(), kMaxOwnRanges);
  for (uint64_t i = 0; i <= kMaxOwnRanges; i++) OwnPagesGo(address(i));
  EXPECT_LT(All().size(), 100u);
}

}  // namespace
}  // namespace memtape
