// SPDX-License-Identifier: MIT
#include "stack/instruction.h"

#include <gtest/gtest.h>
#include <string.h>

#include <vector>

namespace memtape {
namespace {

using Kind = Instruction::Kind;

struct Case {
  const char* text;
  std::vector<uint8_t> bytes;
  Kind kind;
  int64_t value;
};

const Case kCases[] = {
    {"pop %rsp", {0x5c}, Kind::kLoseSp, 0},
    {"pop %r12", {0x41, 0x5c}, Kind::kMoveSp, 8},
    {"pop %r13", {0x41, 0x5d}, Kind::kMoveSp, 8},
    {"pop %rbp", {0x5d}, Kind::kPopFp, 0},
    {"push %rbp", {0x55}, Kind::kPushFp, -8},
    {"push %r13", {0x41, 0x55}, Kind::kMoveSp, -8},
    {"pushq 8(%rax)", {0xff, 0x70, 0x08}, Kind::kMoveSp, -8},
    {"push $1", {0x6a, 0x01}, Kind::kMoveSp, -8},
    {"push %fs", {0x0f, 0xa0}, Kind::kMoveSp, -8},
    {"pop %fs", {0x0f, 0xa1}, Kind::kMoveSp, 8},
    {"popq (%rax)", {0x8f, 0x00}, Kind::kMoveSp, 8},
    {"pop %rsp, long", {0x8f, 0xc4}, Kind::kLoseSp, 0},
    {"sub $0x18, %rsp", {0x48, 0x83, 0xec, 0x18}, Kind::kMoveSp, -0x18},
    {"add $0x118, %rsp", {0x48, 0x81, 0xc4, 0x18, 0x01, 0x00, 0x00}, Kind::kMoveSp, 0x118},
    {"and $-32, %rsp", {0x48, 0x83, 0xe4, 0xe0}, Kind::kLoseSp, 0},
    {"cmp $8, %rsp", {0x48, 0x83, 0xfc, 0x08}, Kind::kOther, 0},
    {"add %rax, %rsp", {0x48, 0x01, 0xc4}, Kind::kLoseSp, 0},
    {"cmp %rax, %rsp", {0x48, 0x39, 0xc4}, Kind::kOther, 0},
    {"cmove %rax, %rsp", {0x48, 0x0f, 0x44, 0xe0}, Kind::kLoseSp, 0},
    {"xchg %rsp, %rbx", {0x48, 0x87, 0xe3}, Kind::kLoseSp, 0},
    {"mov %rbp, %rsp", {0x48, 0x89, 0xec}, Kind::kSpFromFp, 0},
    {"mov %rax, %rsp", {0x48, 0x89, 0xc4}, Kind::kLoseSp, 0},
    {"mov %rsp, %rbp", {0x48, 0x89, 0xe5}, Kind::kChangeFp, 0},
    {"mov %rbp, 8(%rsp)", {0x48, 0x89, 0x6c, 0x24, 0x08}, Kind::kStoreFp, 8},
    {"mov 8(%rsp), %rbp", {0x48, 0x8b, 0x6c, 0x24, 0x08}, Kind::kLoadFp, 8},
    {"lea -8(%rbp), %rsp", {0x48, 0x8d, 0x65, 0xf8}, Kind::kSpFromFp, -8},
    {"lea 8(%rsp,%rax), %rsp", {0x48, 0x8d, 0x64, 0x04, 0x08}, Kind::kLoseSp, 0},
    {"call *%rax", {0xff, 0xd0}, Kind::kCall, 0},
    {"jmp *%rax", {0xff, 0xe0}, Kind::kJumpAway, 0},
    {"jmp *8(%rip)", {0xff, 0x25, 0x08, 0x00, 0x00, 0x00}, Kind::kReturn, 0},
    {"je .+0x102", {0x0f, 0x84, 0xfc, 0x00, 0x00, 0x00}, Kind::kBranch, 0xfc},
    {"jmp .-2", {0xeb, 0xfc}, Kind::kJump, -4},
    {"leave", {0xc9}, Kind::kLeave, 0},
    {"ret", {0xc3}, Kind::kReturn, 0},
    {"ret $16", {0xc2, 0x10, 0x00}, Kind::kReturn, 0},
    {"ud2", {0x0f, 0x0b}, Kind::kEndOfCode, 0},
};

TEST(Instruction, DoesToTheStackWhatTheManualSays) {
  for (const Case& wanted : kCases) {
    uint8_t bytes[kMaxInstructionBytes] = {};
    memcpy(bytes, wanted.bytes.data(), wanted.bytes.size());
    const Instruction got = DecodeInstruction(bytes);
    EXPECT_EQ(got.kind, wanted.kind) << wanted.text;
    EXPECT_EQ(got.length, wanted.bytes.size()) << wanted.text;
    EXPECT_EQ(got.value, wanted.value) << wanted.text;
  }
}

}  // namespace
}  // namespace memtape
