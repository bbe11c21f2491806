// SPDX-License-Identifier: MIT
#include "stack/return_path.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "stack/instruction.h"

#if defined(__x86_64__)

// What compilers write with -Os -fomit-frame-pointer -fno-asynchronous-unwind-tables. Labels that
// begin with after_ are return addresses.
asm(R"(
  .pushsection .text
memtape_path_begin:
  nopl 0(%rax)
  push %rbx
  call memtape_path_begin
after_pushed:
  test %eax, %eax
  jne 1f
  call memtape_path_begin
  pop %rbx
  add $0x48, %rsp   # what follows a call that never returns may be anything
  ret
1:
  mov %rbx, %rax
  pop %rbx
  ret

  call memtape_path_begin
after_branches:      # of three ways the one without a call is found last
  jne 3f
  call memtape_path_begin
  add $0x48, %rsp
  ret
3:
  js 4f
  call memtape_path_begin
  add $0x58, %rsp
  ret
4:
  add $0x8, %rsp
  ret

  call memtape_path_begin
after_given_back:    # the frame pointer is the caller's by then
  pop %rbp
  lea -0x8(%rbp), %rsp
  add $0x10, %rsp
  ret

  call memtape_path_begin
after_saved_fp:
  movups %xmm0, 0x8(%rsp)
  vmovaps %ymm8, 0x20(%rsp,%rax,2)
  movabs $0x1122334455667788, %rax
  cs nopw 0x0(%rax,%rax,1)
  add $0x68, %rsp
  pop %rbx
  pop %rbp
  pop %r12
  pop %r13
  pop %r14
  pop %r15
  jmp memtape_path_tail

memtape_path_tail:  # stores the frame pointer that was given back, and loads it again
  push %rbp
  mov %rsp, %rbp
  push %rbx
  sub $0x18, %rsp
  lea -0x8(%rbp), %rsp
  add $0x8, %rsp
  pop %rbp
  ret

  call memtape_path_begin
after_scratch_fp:
  mov 0x20(%rsp), %rbp
  add $0x28, %rsp
  jmp memtape_path_scratch
memtape_path_scratch:
  push %r15
  push %rbp
  push %rbx
  call memtape_path_begin
  pop %rbx
  pop %rbp
  pop %r15
  ret

  call memtape_path_begin
after_framed:
  cmp $1, %eax
  je 2f
  jmp *%rax          # a switch: sp is as it was at the call
2:
  leave
  ret

  call memtape_path_begin
after_saved_in_frame:
  lea -0x28(%rbp), %rsp
  pop %rbx
  pop %r12
  pop %r13
  pop %r14
  pop %r15
  pop %rbp
  ret

  call *%rax
after_tail_call:
  mov 0x28(%rax), %rax
  pop %rbx
  jmp *%rax

  call *0x10(%r12)
after_loop:
  push %rdi
  pop %rsi
  dec %ecx
  jne after_loop
  add $0x8, %rsp
  jmp *memtape_path_begin(%rip)

  call memtape_path_begin
after_nothing:
  call memtape_path_begin
  ud2

  call memtape_path_begin
after_realigned:
  and $-64, %rsp
  add $0x8, %rsp
  ret

  nop
after_no_call:
  add $0x8, %rsp
  ret
memtape_path_end:
  .popsection
)");

extern "C" const char memtape_path_begin[], memtape_path_end[], after_pushed[], after_branches[],
    after_given_back[], after_saved_fp[], after_scratch_fp[], after_framed[],
    after_saved_in_frame[], after_tail_call[], after_loop[], after_nothing[], after_realigned[],
    after_no_call[];

namespace memtape {
namespace {

uint64_t AddressOf(const char* label) {
  return reinterpret_cast<uint64_t>(label);
}

bool Find(const char* label, CfiRule* rule) {
  static ReturnPath path;
  return path.Find(AddressOf(label), AddressOf(memtape_path_begin), AddressOf(memtape_path_end),
                   rule);
}

CfiRule RuleOf(const char* label) {
  CfiRule rule = kInvalidRule;
  EXPECT_TRUE(Find(label, &rule));
  EXPECT_EQ(rule.ra, SlotKind::kCfa);
  EXPECT_EQ(rule.ra_offset, -8);
  return rule;
}

void ExpectRule(const char* label, CfaKind cfa, int offset, SlotKind fp, int fp_offset) {
  const CfiRule rule = RuleOf(label);
  EXPECT_EQ(rule.cfa, cfa);
  EXPECT_EQ(rule.cfa_offset, offset);
  EXPECT_EQ(rule.fp, fp);
  EXPECT_EQ(rule.fp_offset, fp_offset);
}

TEST(ReturnPath, TakesTheReturnWithFewestCallsBeforeIt) {
  ExpectRule(after_pushed, CfaKind::kSp, 16, SlotKind::kSame, 0);
  ExpectRule(after_branches, CfaKind::kSp, 16, SlotKind::kSame, 0);
}

TEST(ReturnPath, FindsTheFramePointerThatIsGivenBack) {
  ExpectRule(after_saved_fp, CfaKind::kSp, 0x68 + 7 * 8, SlotKind::kCfa, -48);
}

TEST(ReturnPath, KnowsAFramePointerAgainThatItHasStored) {
  ExpectRule(after_scratch_fp, CfaKind::kSp, 0x30, SlotKind::kCfa, -16);
}

TEST(ReturnPath, FollowsFramePointers) {
  ExpectRule(after_framed, CfaKind::kFp, 16, SlotKind::kCfa, -16);
  ExpectRule(after_saved_in_frame, CfaKind::kFp, 16, SlotKind::kCfa, -16);
}

TEST(ReturnPath, TellsTailCallsFromSwitches) {
  ExpectRule(after_tail_call, CfaKind::kSp, 16, SlotKind::kSame, 0);
}

TEST(ReturnPath, EndsInLoopsAndJumpsThroughTheTableOfThePlt) {
  ExpectRule(after_loop, CfaKind::kSp, 16, SlotKind::kSame, 0);
}

TEST(ReturnPath, GivesUpRatherThanGuess) {
  for (const char* label : {after_nothing, after_realigned, after_no_call, after_given_back}) {
    CfiRule rule = kInvalidRule;
    EXPECT_FALSE(Find(label, &rule));
    EXPECT_EQ(rule, kInvalidRule);
  }
}

TEST(ReturnPath, StaysInsideTheModule) {
  static ReturnPath path;
  CfiRule rule;
  const uint64_t pc = AddressOf(after_pushed);
  EXPECT_FALSE(path.Find(pc, AddressOf(memtape_path_begin), pc + 4, &rule));
  EXPECT_FALSE(path.Find(8, 8, 4096, &rule));  // not mapped
}

TEST(Instruction, HasTheLengthThatTheAssemblerGaveIt) {
  const char* at = memtape_path_begin;
  while (at < memtape_path_end) {
    // (The buffer ends behind the last one.)
    uint8_t bytes[kMaxInstructionBytes] = {};
    for (size_t i = 0; i < sizeof bytes && at + i < memtape_path_end; i++) {
      bytes[i] = static_cast<uint8_t>(at[i]);
    }
    const Instruction instruction = DecodeInstruction(bytes);
    ASSERT_NE(instruction.kind, Instruction::kInvalid) << at - memtape_path_begin;
    at += instruction.length;
  }
  EXPECT_EQ(at, memtape_path_end);
}

TEST(Instruction, RefusesWhatIsNone) {
  const uint8_t bytes[kMaxInstructionBytes] = {0x06};
  EXPECT_EQ(DecodeInstruction(bytes).kind, Instruction::kInvalid);
  const uint8_t prefixes[kMaxInstructionBytes] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                                  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};
  EXPECT_EQ(DecodeInstruction(prefixes).kind, Instruction::kInvalid);
}

}  // namespace
}  // namespace memtape

#endif  // defined(__x86_64__)
