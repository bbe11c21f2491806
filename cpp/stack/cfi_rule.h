// SPDX-License-Identifier: MIT
// How to get from a frame to its caller: what one row of call frame information boils down to.
#pragma once

#include <stdint.h>

#include <bit>
#include <type_traits>

namespace memtape {

// DWARF's numbers of the three registers that a walk carries.
#if defined(__x86_64__)
constexpr uint64_t kDwarfFp = 6;
constexpr uint64_t kDwarfSp = 7;
constexpr uint64_t kDwarfRa = 16;
// The ABI lets a function keep data this far below its stack pointer.
constexpr uint64_t kRedZoneBytes = 128;
#elif defined(__aarch64__)
constexpr uint64_t kDwarfFp = 29;
constexpr uint64_t kDwarfSp = 31;
constexpr uint64_t kDwarfRa = 30;
constexpr uint64_t kRedZoneBytes = 0;
#else
#error "unknown architecture"
#endif

// CFA: the caller's stack pointer. Registers are this frame's.
enum class CfaKind : uint8_t {
  kInvalid,  // Needs a register that we do not carry, or an expression that nobody uses.
  kSp,       // sp + cfa_offset
  kFp,       // fp + cfa_offset
  kDerefSp,  // *(sp + aux) + cfa_offset: signal frames, hand-written assembly
  kDerefFp,  // *(fp + aux) + cfa_offset: functions that realign their stack
  kPlt,      // sp + cfa_offset, and 8 more once pc is `aux` or more bytes into its 16-byte stub
};

// Where the caller's value of a register is.
enum class SlotKind : uint8_t {
  kSame,       // still in the register
  kCfa,        // at CFA + offset
  kSp,         // at this frame's sp + offset
  kFp,         // at this frame's fp + offset
  kUndefined,  // gone; for the return address: there is no caller
  kUnknown,    // somewhere we cannot follow
};

struct CfiRule {
  enum Flags : uint8_t {
    // The frame that a signal interrupted comes next: its pc is exact, not a return address.
    kSignalFrame = 1,
    // No FDE covers this pc; this is the frame pointer convention.
    kNoRow = 2,
    // The pc lies in a module of allocator wrappers (set by the row cache, never in tables).
    kWrapper = 4,
    // The short way to step will do; the upper bits are then a StepTrace::Shape (likewise).
    kShort = 8,
    kShapeShift = 4,
  };

  CfaKind cfa = CfaKind::kInvalid;
  SlotKind fp = SlotKind::kSame;
  SlotKind ra = SlotKind::kSame;
  uint8_t flags = 0;
  int32_t cfa_offset = 0;
  int32_t fp_offset = 0;
  int16_t ra_offset = 0;
  int16_t aux = 0;

  struct Words {
    uint64_t low;
    uint64_t high;
  };
  // All 16 bytes at once: tables are built from a million comparisons.
  constexpr Words AsWords() const { return std::bit_cast<Words>(*this); }
  constexpr bool operator==(const CfiRule& other) const {
    const Words a = AsWords();
    const Words b = other.AsWords();
    return a.low == b.low && a.high == b.high;
  }
};
static_assert(sizeof(CfiRule) == 16 && std::has_unique_object_representations_v<CfiRule>);

// Both architectures, and V8's frames on both, keep {caller's fp, return address} at fp.
constexpr CfiRule kFramePointerRule = {
    .cfa = CfaKind::kFp,
    .fp = SlotKind::kCfa,
    .ra = SlotKind::kCfa,
    .flags = CfiRule::kNoRow,
    .cfa_offset = 16,
    .fp_offset = -16,
    .ra_offset = -8,
};

constexpr CfiRule kInvalidRule = {.ra = SlotKind::kUnknown};
// `clone`, `_start`: the frame says itself that it is the outermost one.
constexpr CfiRule kRootRule = {.ra = SlotKind::kUndefined};

}  // namespace memtape
