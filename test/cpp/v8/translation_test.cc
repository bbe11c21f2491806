// SPDX-License-Identifier: MIT

#include "v8/translation.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

#include "base/varint.h"

namespace memtape::v8 {
namespace {

constexpr std::pair<int, int> kVersions[] = {{11, 3}, {12, 4}, {13, 6}, {14, 6}};

uint64_t SignedOperand(int64_t value) {
  return value < 0 ? (static_cast<uint64_t>(-value) << 1 | 1) : static_cast<uint64_t>(value) << 1;
}

// Writes translations as V8 does.
class Builder {
 public:
  explicit Builder(const TranslationOpcodes& opcodes) : opcodes_(opcodes) {}

  size_t Begin(uint64_t basis_distance, int frames) {
    const size_t at = bytes.size();
    Op(opcodes_.begin, {basis_distance, SignedOperand(frames), SignedOperand(frames)});
    return at;
  }
  void Frame(int kind, int64_t offset, int64_t function) {
    Op(static_cast<uint8_t>(opcodes_.js_frame + kind),
       {SignedOperand(offset), SignedOperand(function)});
  }
  // An opcode that says nothing about frames, with the operands that it needs.
  void Value(uint8_t opcode) { Op(opcode, {}); }
  void Repeat(uint64_t count) {
    if (opcodes_.count + count <= 255) {
      bytes.push_back(static_cast<uint8_t>(opcodes_.count + count));
    } else {
      Op(static_cast<uint8_t>(opcodes_.count - 1), {count});
    }
  }

  std::vector<uint8_t> bytes;

 private:
  void Op(uint8_t opcode, std::vector<uint64_t> operands) {
    operands.resize(static_cast<size_t>(opcodes_.operand_counts[opcode] - '0'), 1000);
    bytes.push_back(opcode);
    for (const uint64_t operand : operands) {
      uint8_t buffer[kMaxVarintBytes];
      bytes.insert(bytes.end(), buffer, WriteVarint(buffer, operand));
    }
  }

  const TranslationOpcodes& opcodes_;
};

class TranslationTest : public testing::TestWithParam<std::pair<int, int>> {
 protected:
  const TranslationOpcodes& opcodes_ = *FindTranslationOpcodes(GetParam().first, GetParam().second);
  // An opcode between frames: some value with one operand.
  uint8_t value_ = static_cast<uint8_t>(opcodes_.begin + 2);
  TranslatedFrame frames_[8];
};

TEST_P(TranslationTest, TablesAreWhole) {
  EXPECT_EQ(std::string_view(opcodes_.operand_counts).size(), opcodes_.count);
  EXPECT_EQ(opcodes_.operand_counts[opcodes_.begin], '3');
  EXPECT_EQ(opcodes_.operand_counts[opcodes_.count - 1], '1');
}

TEST_P(TranslationTest, ReadsFramesOutermostFirst) {
  Builder builder(opcodes_);
  builder.Value(value_);  // something before
  const size_t at = builder.Begin(0, 3);
  builder.Frame(1, 300, 5);
  for (int i = 0; i < 10; i++) builder.Value(value_);
  builder.Frame(2, 77, 6);
  builder.Frame(0, -1, 7);
  ASSERT_EQ(ReadTranslation(builder.bytes, at, opcodes_, frames_), 3u);
  EXPECT_EQ(frames_[0].bytecode_offset, 300);
  EXPECT_EQ(frames_[0].function, 5);
  EXPECT_FALSE(frames_[0].builtin);
  EXPECT_TRUE(frames_[1].builtin);
  EXPECT_EQ(frames_[2].bytecode_offset, -1);
  EXPECT_EQ(frames_[2].function, 7);
}

TEST_P(TranslationTest, RepeatsInstructionsOfItsBasis) {
  for (const size_t values : {3, 400}) {
    Builder builder(opcodes_);
    const size_t basis = builder.Begin(0, 2);
    builder.Frame(1, 10, 1);
    for (size_t i = 0; i < values; i++) builder.Value(value_);
    builder.Frame(1, 20, 2);
    builder.Value(value_);
    const size_t at = builder.Begin(builder.bytes.size() - basis, 2);
    builder.Frame(1, 11, 1);  // differs
    builder.Repeat(values);   // the values
    builder.Frame(1, 21, 3);  // differs
    builder.Repeat(1);
    const size_t all = builder.Begin(builder.bytes.size() - basis, 2);
    builder.Repeat(values + 3);
    ASSERT_EQ(ReadTranslation(builder.bytes, at, opcodes_, frames_), 2u);
    EXPECT_EQ(frames_[0].bytecode_offset, 11);
    EXPECT_EQ(frames_[1].bytecode_offset, 21);
    EXPECT_EQ(frames_[1].function, 3);
    ASSERT_EQ(ReadTranslation(builder.bytes, all, opcodes_, frames_), 2u);
    EXPECT_EQ(frames_[0].bytecode_offset, 10);
    EXPECT_EQ(frames_[1].bytecode_offset, 20);
  }
}

TEST_P(TranslationTest, RefusesWhatIsNoTranslation) {
  Builder builder(opcodes_);
  const size_t at = builder.Begin(0, 2);
  builder.Frame(1, 10, 1);
  const size_t next = builder.Begin(0, 1);
  builder.Frame(1, 10, 1);
  EXPECT_EQ(ReadTranslation(builder.bytes, at, opcodes_, frames_), 0u) << "a frame is missing";
  EXPECT_EQ(ReadTranslation(builder.bytes, at + 1, opcodes_, frames_), 0u) << "no BEGIN";
  EXPECT_EQ(ReadTranslation(builder.bytes, builder.bytes.size(), opcodes_, frames_), 0u);
  EXPECT_EQ(ReadTranslation(builder.bytes, next, opcodes_, {frames_, 0}), 0u) << "no room";
  EXPECT_EQ(ReadTranslation(builder.bytes, next, opcodes_, frames_), 1u);
}

TEST_P(TranslationTest, StaysInsideTheTableWhateverIsInIt) {
  Builder builder(opcodes_);
  const size_t basis = builder.Begin(0, 2);
  builder.Frame(1, 10, 1);
  for (int i = 0; i < 20; i++) builder.Value(value_);
  builder.Frame(1, 20, 2);
  const size_t at = builder.Begin(builder.bytes.size() - basis, 2);
  builder.Frame(0, 10, 1);
  builder.Repeat(20);
  builder.Frame(1, 20, 2);
  std::mt19937 random(1);
  size_t read = 0;
  for (int round = 0; round < 20000; round++) {
    std::vector<uint8_t> bytes = builder.bytes;
    for (int i = 0; i < 3; i++) bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    bytes.resize(1 + random() % bytes.size());
    // An own copy of exactly that size: the sanitizers see a read behind it.
    const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
    read += ReadTranslation(exact, random() % 2 == 0 ? at : random() % (exact.size() + 2), opcodes_,
                            frames_) > 0;
  }
  EXPECT_GT(read, 0u);
}

INSTANTIATE_TEST_SUITE_P(Versions, TranslationTest, testing::ValuesIn(kVersions));

TEST(TranslationOpcodesTest, OtherVersionsAreUnknown) {
  EXPECT_EQ(FindTranslationOpcodes(12, 9), nullptr);
}

}  // namespace
}  // namespace memtape::v8
