// SPDX-License-Identifier: MIT
// Lengths of x86-64 instructions, and what each does to the stack pointer and the frame pointer.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape {

struct Instruction {
  enum Kind : uint8_t {
    kInvalid,    // not an instruction that compilers write
    kOther,      // goes on behind itself, with sp and fp as they were
    kMoveSp,     // sp += value: push, pop, add, sub, lea
    kPushFp,     // sp -= 8, and fp is stored there
    kStoreFp,    // fp is stored at sp + value
    kPopFp,      // fp is loaded from sp, and sp += 8
    kLoadFp,     // fp is loaded from sp + value
    kChangeFp,   // fp = sp + value
    kSpFromFp,   // sp = fp + value
    kLeave,      // sp = fp, then as kPopFp
    kLoseSp,     // sp becomes what cannot be followed
    kCall,       // comes back, unless the callee never does
    kJump,       // to the end of the instruction + value
    kBranch,     // there or behind itself
    kReturn,     // to what sp points at; jumps through the table of a PLT do so in the end
    kJumpAway,   // to where data say: a switch, or another function that returns for this one
    kEndOfCode,  // never goes on
  };

  Kind kind = kInvalid;
  uint8_t length = 0;
  int64_t value = 0;
};

constexpr size_t kMaxInstructionBytes = 15;

// `code` has kMaxInstructionBytes bytes; those behind the instruction do not matter.
Instruction DecodeInstruction(const uint8_t* code);

}  // namespace memtape
