// SPDX-License-Identifier: MIT

#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

namespace memtape {
namespace {

// Vectors of RFC 3720, appendix B.4.
TEST(Crc32cTest, StandardVectors) {
  std::vector<uint8_t> data(32, 0);
  EXPECT_EQ(Crc32c(0, data.data(), data.size()), 0x8A9136AAU);
  EXPECT_EQ(Crc32cPortable(0, data.data(), data.size()), 0x8A9136AAU);
  data.assign(32, 0xFF);
  EXPECT_EQ(Crc32c(0, data.data(), data.size()), 0x62A8AB43U);
  EXPECT_EQ(Crc32cPortable(0, data.data(), data.size()), 0x62A8AB43U);
  std::iota(data.begin(), data.end(), 0);
  EXPECT_EQ(Crc32c(0, data.data(), data.size()), 0x46DD794EU);
  EXPECT_EQ(Crc32cPortable(0, data.data(), data.size()), 0x46DD794EU);
  EXPECT_EQ(Crc32c(0, "123456789", 9), 0xE3069283U);
  EXPECT_EQ(Crc32c(0, nullptr, 0), 0U);
}

TEST(Crc32cTest, VariantsAgreeAtEveryLengthAndAlignment) {
  std::vector<uint8_t> data(200);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i * i + 7);
  for (size_t start = 0; start < 9; ++start) {
    for (size_t size = 0; size + start <= data.size(); ++size) {
      ASSERT_EQ(Crc32c(5, &data[start], size), Crc32cPortable(5, &data[start], size));
    }
  }
}

TEST(Crc32cTest, PartsMakeTheWhole) {
  const char text[] = "a free is stamped before the real free";
  const uint32_t whole = Crc32c(0, text, sizeof text);
  for (size_t cut = 0; cut <= sizeof text; ++cut) {
    EXPECT_EQ(Crc32c(Crc32c(0, text, cut), text + cut, sizeof text - cut), whole);
  }
}

}  // namespace
}  // namespace memtape
