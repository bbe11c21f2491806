// SPDX-License-Identifier: MIT

#include "v8/call_sites.h"

#include <gtest/gtest.h>

#include <vector>

#include "v8/safepoint_table.h"

namespace memtape::v8 {
namespace {

using Frames = std::vector<SiteFrame>;

TEST(CallSitesTest, ReadsWhatWasWritten) {
  const std::vector<std::pair<int64_t, Frames>> sites = {
      {100, {{0, 5}}},
      {120, {{0, 5}, {1, 3}, {2, -1}}},
      {90, {{0, 5}, {1, 3}, {2, 8}}},
      {4000, {}},
      {5000, {{0, 6}}},
      {UINT32_MAX, {{0, 6}, {7, 1 << 20}}},
  };
  uint8_t bytes[1024];
  CallSiteWriter writer(bytes);
  for (const auto& [offset, frames] : sites) ASSERT_TRUE(writer.Add(offset, frames));
  CallSiteReader reader({bytes, writer.size()});
  for (const auto& [offset, frames] : sites) {
    ASSERT_TRUE(reader.Next());
    EXPECT_EQ(reader.return_offset(), offset);
    EXPECT_EQ(Frames(reader.frames().begin(), reader.frames().end()), frames);
  }
  EXPECT_FALSE(reader.Next());
}

TEST(CallSitesTest, StopsWhenThereIsNoRoom) {
  std::vector<uint8_t> bytes(200);
  CallSiteWriter writer(bytes);
  const Frames frames(kMaxSiteFrames, SiteFrame{1, 1});
  EXPECT_FALSE(writer.Add(1, frames));
  size_t added = 0;
  while (writer.Add(static_cast<int64_t>(added), {})) added++;
  EXPECT_GT(added, 10u);
  EXPECT_LE(writer.size(), bytes.size());
  const Frames too_many(kMaxSiteFrames + 1, SiteFrame{1, 1});
  std::vector<uint8_t> large(10000);
  EXPECT_FALSE(CallSiteWriter(large).Add(1, too_many));
}

TEST(CallSitesTest, RefusesTornBytes) {
  uint8_t bytes[1024];
  CallSiteWriter writer(bytes);
  const SiteFrame frames[] = {{0, 5}, {300, 1000}};
  ASSERT_TRUE(writer.Add(100, frames));
  for (size_t size = 0; size < writer.size(); size++) {
    EXPECT_FALSE(CallSiteReader({bytes, size}).Next()) << size;
  }
  const uint8_t shares_what_is_not_there[] = {2, 1, 0};
  EXPECT_FALSE(CallSiteReader(shares_what_is_not_there).Next());
  const uint8_t too_deep[] = {2, 0, 100, 1, 1};
  EXPECT_FALSE(CallSiteReader(too_deep).Next());
}

// The header and entries as V8 14 writes them; the second entry has no exit.
const uint8_t kSafepoints[] = {
    11,   0,    0, 0,    3,    0, 0,    0,
    0xA3, 0,    0, 0,    0,    0, 0,    0,  // 1 register, 2 address, 1 exit byte
    0x1C, 0x00, 2, 0xA1, 0x00, 0, 0xFF,     //
    0x7E, 0x00, 0, 0x00, 0x00, 9, 0xFF,     //
    0x0A, 0x01, 3, 0xA5, 0x00, 0, 0xFF,
};

TEST(SafepointTest, ReadsEntriesWithAnExit) {
  SafepointReader reader(reinterpret_cast<uintptr_t>(kSafepoints), 1000);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.return_offset(), 0x1Cu);
  EXPECT_EQ(reader.exit(), 1u);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.return_offset(), 0x10Au);
  EXPECT_EQ(reader.exit(), 2u);
  EXPECT_FALSE(reader.Next());
}

TEST(SafepointTest, RefusesTablesThatCannotBe) {
  std::vector<uint8_t> bytes(std::begin(kSafepoints), std::end(kSafepoints));
  const auto reads = [&](size_t code_bytes) {
    return SafepointReader(reinterpret_cast<uintptr_t>(bytes.data()), code_bytes).Next();
  };
  EXPECT_TRUE(reads(3));
  EXPECT_FALSE(reads(2)) << "more entries than code";
  bytes[8] = 0xA2;
  EXPECT_FALSE(reads(1000)) << "no exits";
  bytes[8] = 0xF3;
  EXPECT_FALSE(reads(1000)) << "addresses of seven bytes";
}

}  // namespace
}  // namespace memtape::v8
