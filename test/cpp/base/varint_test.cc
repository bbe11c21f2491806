// SPDX-License-Identifier: MIT

#include "base/varint.h"

#include <gtest/gtest.h>

#include <vector>

namespace memtape {
namespace {

std::vector<uint64_t> Interesting() {
  std::vector<uint64_t> values = {0, UINT64_MAX};
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    values.insert(values.end(), {power - 1, power, power + 1});
  }
  return values;
}

TEST(VarintTest, RoundTripsAndUsesTheLengthItAnnounces) {
  for (const uint64_t value : Interesting()) {
    uint8_t buffer[kMaxVarintBytes];
    const uint8_t* end = WriteVarint(buffer, value);
    EXPECT_EQ(static_cast<size_t>(end - buffer), VarintBytes(value)) << value;
    uint64_t read = ~value;
    EXPECT_EQ(ReadVarint(buffer, end, &read), end);
    EXPECT_EQ(read, value);
  }
}

TEST(VarintTest, CutOffIsRefused) {
  for (const uint64_t value : Interesting()) {
    uint8_t buffer[kMaxVarintBytes];
    const uint8_t* end = WriteVarint(buffer, value);
    uint64_t read = 0;
    EXPECT_EQ(ReadVarint(buffer, end - 1, &read), nullptr) << value;
  }
}

TEST(VarintTest, MoreThanSixtyFourBitsAreRefused) {
  uint64_t value = 0;
  const uint8_t two_in_the_tenth[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2};
  EXPECT_EQ(ReadVarint(two_in_the_tenth, two_in_the_tenth + 10, &value), nullptr);
  const uint8_t eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0};
  EXPECT_EQ(ReadVarint(eleven, eleven + 11, &value), nullptr);
}

TEST(VarintTest, ZigZagPutsSmallNumbersFirst) {
  EXPECT_EQ(ZigZag(0), 0U);
  EXPECT_EQ(ZigZag(-1), 1U);
  EXPECT_EQ(ZigZag(1), 2U);
  EXPECT_EQ(ZigZag(INT64_MIN), UINT64_MAX);
  for (const uint64_t value : Interesting()) {
    EXPECT_EQ(ZigZag(UnZigZag(value)), value);
  }
}

}  // namespace
}  // namespace memtape
