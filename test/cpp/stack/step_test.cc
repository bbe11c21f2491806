// SPDX-License-Identifier: MIT
// One rule, one made-up stack: what a step takes, and what it refuses.
#include "stack/step.h"

#include <gtest/gtest.h>

namespace memtape {
namespace {

constexpr uint64_t kPc = 0x401000;

class StepTest : public testing::Test {
 protected:
  StepTest() {
    for (size_t i = 0; i < kWords; i++) words_[i] = 0x700000 + i;
  }

  uint64_t At(size_t word) const { return reinterpret_cast<uint64_t>(&words_[word]); }
  StackBounds Bounds() const { return {At(0), At(kWords)}; }

  // As the row cache hands it out; the long way must give the same.
  WalkEnd Step(CfiRule rule) {
    Regs long_way = regs_;
    StepTrace ignored;
    const WalkEnd expected = StepByAnyRule(rule, &long_way, bounds_, &ignored);
    if (IsShort(rule)) {
      rule.flags |= static_cast<uint8_t>(CfiRule::kShort | static_cast<unsigned>(ShapeOf(rule))
                                                               << CfiRule::kShapeShift);
    }
    const WalkEnd end = StepByRule(rule, &regs_, bounds_, &trace_);
    EXPECT_EQ(end, expected);
    EXPECT_EQ(regs_, long_way);
    return end;
  }

  static constexpr size_t kWords = 64;

  alignas(16) uint64_t words_[kWords];
  StackBounds bounds_ = Bounds();
  Regs regs_ = {kPc, At(8), At(20)};
  StepTrace trace_;
};

// sp + 32, with the frame pointer saved below the return address.
constexpr CfiRule kSpRule = {.cfa = CfaKind::kSp,
                             .fp = SlotKind::kCfa,
                             .ra = SlotKind::kCfa,
                             .cfa_offset = 32,
                             .fp_offset = -16,
                             .ra_offset = -8};

TEST_F(StepTest, FollowsTheStackPointer) {
  EXPECT_EQ(Step(kSpRule), WalkEnd::kNone);
  EXPECT_EQ(regs_, (Regs{0x700000 + 11, At(12), 0x700000 + 10}));
  EXPECT_EQ(trace_.ra_words, 3);
  EXPECT_EQ(trace_.fp_words, 2);
  EXPECT_EQ(trace_.shape, StepTrace::kRaFp);
}

TEST_F(StepTest, FollowsTheFramePointer) {
  EXPECT_EQ(Step(kFramePointerRule), WalkEnd::kNone);
  EXPECT_EQ(regs_, (Regs{0x700000 + 21, At(22), 0x700000 + 20}));
  EXPECT_EQ(trace_.ra_words, 13);
}

TEST_F(StepTest, TellsWhichWordsItRead) {
  CfiRule rule = kSpRule;
  rule.fp_offset = -24;
  EXPECT_EQ(Step(rule), WalkEnd::kNone);
  EXPECT_EQ(trace_.shape, StepTrace::kWords);
  EXPECT_EQ(trace_.fp_words, 1);
  regs_ = {kPc, At(8), At(20)};
  rule.fp = SlotKind::kSame;
  rule.ra_offset = -32;
  EXPECT_EQ(Step(rule), WalkEnd::kNone);
  EXPECT_EQ(trace_.shape, StepTrace::kWord);
  EXPECT_EQ(trace_.ra_words, 0);
}

TEST_F(StepTest, KeepsTheFramePointerThatIsNotSaved) {
  CfiRule rule = kSpRule;
  rule.fp = SlotKind::kSame;
  EXPECT_EQ(Step(rule), WalkEnd::kNone);
  EXPECT_EQ(regs_.fp, At(20));
  EXPECT_EQ(trace_.shape, StepTrace::kRa);
}

TEST_F(StepTest, DropsTheFramePointerThatIsGone) {
  for (SlotKind kind : {SlotKind::kUndefined, SlotKind::kUnknown}) {
    CfiRule rule = kSpRule;
    rule.fp = kind;
    regs_ = {kPc, At(8), At(20)};
    EXPECT_EQ(Step(rule), WalkEnd::kNone);
    EXPECT_EQ(regs_.fp, 0u);
    EXPECT_EQ(trace_.shape, StepTrace::kReplay);
  }
}

TEST_F(StepTest, FollowsExpressions) {
  words_[24] = At(40);
  CfiRule rule = kSpRule;
  rule.cfa = CfaKind::kDerefFp;
  rule.aux = 32;
  rule.cfa_offset = 8;
  rule.fp = SlotKind::kFp;
  rule.fp_offset = 0;
  EXPECT_EQ(Step(rule), WalkEnd::kNone);
  EXPECT_EQ(regs_, (Regs{0x700000 + 40, At(41), 0x700000 + 20}));
  EXPECT_EQ(trace_.shape, StepTrace::kReplay);
}

TEST_F(StepTest, PltFramesGrowInTheMiddleOfTheStub) {
  CfiRule rule = kSpRule;
  rule.cfa = CfaKind::kPlt;
  rule.cfa_offset = 8;
  rule.fp = SlotKind::kSame;
  rule.aux = 11;
  for (uint64_t offset = 0; offset < 16; offset++) {
    regs_ = {kPc + offset + 1, At(8), At(20)};  // interrupted at kPc + offset
    EXPECT_EQ(Step(rule), WalkEnd::kNone);
    EXPECT_EQ(regs_.sp, At(offset >= 11 ? 10 : 9)) << offset;
  }
}

TEST_F(StepTest, PointsPastTheInstructionThatASignalInterrupted) {
  CfiRule rule = kSpRule;
  rule.flags = CfiRule::kSignalFrame;
  EXPECT_EQ(Step(rule), WalkEnd::kNone);
  EXPECT_EQ(regs_.pc, 0x700000u + 11 + 1);
  EXPECT_EQ(trace_.shape, StepTrace::kReplay);
}

TEST_F(StepTest, EndsAtTheRoot) {
  const Regs before = regs_;
  EXPECT_EQ(Step(kRootRule), WalkEnd::kRoot);
  words_[11] = 0;  // a return address of zero
  EXPECT_EQ(Step(kSpRule), WalkEnd::kRoot);
  EXPECT_EQ(regs_, before);
  regs_.fp = 0;
  EXPECT_EQ(Step(kFramePointerRule), WalkEnd::kRoot);
}

TEST_F(StepTest, RefusesReturnAddressesWhereNoCodeIs) {
  for (uint64_t pc : {uint64_t{1}, uint64_t{4095}, At(0), At(30), At(kWords) - 1}) {
    words_[11] = pc;
    EXPECT_EQ(Step(kSpRule), WalkEnd::kLost) << std::hex << pc;
    CfiRule expression = kSpRule;
    expression.cfa = CfaKind::kDerefSp;
    expression.aux = 0;
    expression.cfa_offset = 0;
    words_[8] = At(12);
    EXPECT_EQ(Step(expression), WalkEnd::kLost) << std::hex << pc;
  }
  words_[11] = 4096;
  EXPECT_EQ(Step(kSpRule), WalkEnd::kNone);
}

TEST_F(StepTest, RefusesWhatItCannotFollow) {
  EXPECT_EQ(Step(kInvalidRule), WalkEnd::kLost);
  CfiRule rule = kSpRule;
  rule.ra = SlotKind::kUnknown;
  EXPECT_EQ(Step(rule), WalkEnd::kLost);
#if defined(__x86_64__)
  rule.ra = SlotKind::kSame;  // there is no link register
  EXPECT_EQ(Step(rule), WalkEnd::kLost);
#endif
}

TEST_F(StepTest, RefusesFramesThatDoNotRise) {
  for (int32_t offset : {0, -8, -64}) {
    CfiRule rule = kSpRule;
    rule.cfa_offset = offset;
    EXPECT_EQ(Step(rule), WalkEnd::kLost) << offset;
  }
  regs_.fp = At(4);
  EXPECT_EQ(Step(kFramePointerRule), WalkEnd::kLost);
}

TEST_F(StepTest, RefusesFramesBeyondTheBounds) {
  CfiRule rule = kSpRule;
  rule.cfa_offset = 8 * (kWords - 8);
  Regs saved = regs_;
  EXPECT_EQ(Step(rule), WalkEnd::kNone) << "up to the last word";
  rule.cfa_offset += 8;
  regs_ = saved;
  EXPECT_EQ(Step(rule), WalkEnd::kLost);
  regs_.sp = bounds_.hi;
  EXPECT_EQ(Step(kSpRule), WalkEnd::kLost);
  regs_.sp = bounds_.lo - 8;
  EXPECT_EQ(Step(kSpRule), WalkEnd::kLost);
  regs_ = saved;
  regs_.fp = UINT64_MAX - 7;
  EXPECT_EQ(Step(kFramePointerRule), WalkEnd::kLost);
}

TEST_F(StepTest, RefusesFramesThatAreNotAligned) {
  regs_.fp = At(20) + 4;
  EXPECT_EQ(Step(kFramePointerRule), WalkEnd::kLost);
  regs_ = {kPc, At(8), At(20)};
  CfiRule rule = kSpRule;
  rule.ra_offset = -12;
  EXPECT_EQ(Step(rule), WalkEnd::kLost);
  rule = kSpRule;
  rule.cfa_offset = 36;
  rule.fp = SlotKind::kSame;
  rule.ra = SlotKind::kSp;
  rule.ra_offset = 16;
  EXPECT_EQ(Step(rule), WalkEnd::kLost);
}

TEST_F(StepTest, RefusesSlotsOutsideTheFrame) {
  const int32_t too_high = 8 * (kWords - 8);
  const int32_t too_low = -static_cast<int32_t>(kRedZoneBytes) - 8;
  for (int32_t offset : {too_high, too_low}) {
    CfiRule rule = kSpRule;
    rule.fp = SlotKind::kSp;
    rule.fp_offset = offset;
    bounds_.lo = At(0) - 4096;  // as if there was more stack below
    EXPECT_EQ(Step(rule), WalkEnd::kLost) << offset;
    rule = kSpRule;
    rule.ra = SlotKind::kSp;
    rule.ra_offset = static_cast<int16_t>(offset);
    EXPECT_EQ(Step(rule), WalkEnd::kLost) << offset;
    rule = kSpRule;
    rule.ra_offset = static_cast<int16_t>(offset - rule.cfa_offset);
    EXPECT_EQ(Step(rule), WalkEnd::kLost) << offset;
    rule = kSpRule;
    rule.fp_offset = offset - rule.cfa_offset;
    EXPECT_EQ(Step(rule), WalkEnd::kLost) << offset;
    rule = kSpRule;
    rule.cfa = CfaKind::kDerefSp;
    rule.aux = static_cast<int16_t>(offset);
    EXPECT_EQ(Step(rule), WalkEnd::kLost) << offset;
  }
}

TEST_F(StepTest, ReadsWholeWordsOnly) {
  bounds_.hi = At(12) - 4;
  CfiRule rule = kSpRule;
  rule.cfa_offset = 24;
  rule.fp = SlotKind::kSame;
  rule.ra_offset = 0;  // the word that hi cuts
  EXPECT_EQ(Step(rule), WalkEnd::kLost);
}

TEST_F(StepTest, ReadsTheRedZone) {
  CfiRule rule = kSpRule;
  rule.fp = SlotKind::kSp;
  rule.fp_offset = -static_cast<int32_t>(kRedZoneBytes);
  regs_.sp = At(24);
  EXPECT_EQ(Step(rule), WalkEnd::kNone);
  EXPECT_EQ(regs_.fp, 0x700000 + 24 - kRedZoneBytes / 8);
}

class AlternateStackStepTest : public StepTest {
 protected:
  AlternateStackStepTest() {
    // The upper half of the words is the alternate stack, the lower half the thread's.
    bounds_ = {At(0), At(32), At(32), At(64)};
    regs_ = {kPc, At(40), At(50)};
    words_[44] = At(16);
    rule_.cfa = CfaKind::kDerefSp;
    rule_.aux = 32;
    rule_.ra = SlotKind::kSp;
    rule_.ra_offset = 40;
    rule_.flags = CfiRule::kSignalFrame;
  }

  CfiRule rule_;
};

TEST_F(AlternateStackStepTest, IsLeftThroughASignalFrame) {
  EXPECT_EQ(Step(rule_), WalkEnd::kNone);
  EXPECT_EQ(regs_.sp, At(16));
  EXPECT_EQ(regs_.pc, 0x700000u + 45 + 1);
}

TEST_F(AlternateStackStepTest, IsNotLeftOtherwise) {
  rule_.flags = 0;
  EXPECT_EQ(Step(rule_), WalkEnd::kLost);
  rule_.flags = CfiRule::kSignalFrame;
  words_[44] = 0x1000;  // in neither stack
  EXPECT_EQ(Step(rule_), WalkEnd::kLost);
}

TEST_F(AlternateStackStepTest, IsNotEntered) {
  // From the thread's stack, a signal frame that points to a place below.
  regs_ = {kPc, At(20), At(20)};
  words_[24] = At(4);
  EXPECT_EQ(Step(rule_), WalkEnd::kLost);
}

}  // namespace
}  // namespace memtape
