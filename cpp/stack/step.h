// SPDX-License-Identifier: MIT
// One step of a walk, inline. A pure function of the frame, its rule, the bounds and the stack
// words that it reads: walk_memo.h relies on that.
#pragma once

#include <stdint.h>

#include "stack/unwinder.h"

namespace memtape {

// Which stack words led to the caller, so that a later walk can see whether they still do.
struct StepTrace {
  int32_t ra_words = 0;  // from sp, in words
  int32_t fp_words = 0;
  bool loads_fp = false;
  // The rule reads more than these two words, or the pc takes part: step again instead.
  bool replay = false;
};

// Stack words of other frames: sanitizers see no variable there.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) inline uint64_t LoadWord(
    uint64_t address) {
  return *reinterpret_cast<const uint64_t*>(address);
}

// Return addresses on arm64 may be signed in their upper bits.
inline uint64_t StripPc(uint64_t pc) {
#if defined(__aarch64__)
  return pc & 0x0000'ffff'ffff'ffff;
#else
  return pc;
#endif
}

struct StackRange {
  uint64_t lo;
  uint64_t hi;

  bool Contains(uint64_t address) const { return address - lo < hi - lo; }
  bool MayRead(uint64_t address) const {
    return (address & 7) == 0 && address >= lo && address < hi && hi - address >= 8;
  }
};

namespace step_internal {

// The words a frame may use: from its red zone to the end of its stack.
inline StackRange Readable(const Regs& regs, const StackBounds& bounds) {
  StackRange range = {bounds.lo, bounds.hi};
  if (StackRange{bounds.alt_lo, bounds.alt_hi}.Contains(regs.sp)) {
    range = {bounds.alt_lo, bounds.alt_hi};
  }
  if (!range.Contains(regs.sp)) return {0, 0};
  if (regs.sp - range.lo > kRedZoneBytes) range.lo = regs.sp - kRedZoneBytes;
  return range;
}

inline bool ComputeCfa(const CfiRule& rule, const Regs& regs, const StackRange& range,
                       uint64_t* cfa) {
  const uint64_t offset = static_cast<uint64_t>(int64_t{rule.cfa_offset});
  const uint64_t aux = static_cast<uint64_t>(int64_t{rule.aux});
  switch (rule.cfa) {
    case CfaKind::kSp:
      *cfa = regs.sp + offset;
      return true;
    case CfaKind::kFp:
      *cfa = regs.fp + offset;
      return true;
    case CfaKind::kDerefSp:
    case CfaKind::kDerefFp: {
      const uint64_t at = (rule.cfa == CfaKind::kDerefSp ? regs.sp : regs.fp) + aux;
      if (!range.MayRead(at)) return false;
      *cfa = LoadWord(at) + offset;
      return true;
    }
    case CfaKind::kPlt:
      *cfa = regs.sp + offset + (((regs.pc - 1) & 15) >= aux ? 8 : 0);
      return true;
    case CfaKind::kInvalid:
      return false;
  }
  return false;
}

inline uint64_t SlotAddress(SlotKind kind, int64_t offset, uint64_t cfa, const Regs& regs) {
  const uint64_t base = kind == SlotKind::kCfa ? cfa : kind == SlotKind::kSp ? regs.sp : regs.fp;
  return base + static_cast<uint64_t>(offset);
}

inline bool IsSlot(SlotKind kind) {
  return kind == SlotKind::kCfa || kind == SlotKind::kSp || kind == SlotKind::kFp;
}

// Whether `cfa` can be the caller's stack pointer.
inline bool CfaIsSane(const CfiRule& rule, uint64_t cfa, const Regs& regs, const StackRange& range,
                      const StackBounds& bounds) {
  if ((cfa & 7) != 0) return false;
  if (cfa > regs.sp && cfa <= range.hi) return true;
#if defined(__aarch64__)
  // A leaf function's caller has the same sp; it can only follow a signal frame.
  if (cfa == regs.sp && rule.ra == SlotKind::kSame) return true;
#endif
  // The handler ran on the alternate stack; what it interrupted did not.
  return (rule.flags & CfiRule::kSignalFrame) != 0 && range.hi == bounds.alt_hi &&
         StackRange{bounds.lo, bounds.hi}.Contains(cfa);
}

}  // namespace step_internal

// kNone: *regs is the caller's frame now. Otherwise the end of the walk; *regs is unchanged.
inline WalkEnd StepByRule(const CfiRule& rule, Regs* regs, const StackBounds& bounds,
                          StepTrace* trace) {
  using namespace step_internal;  // NOLINT(google-build-using-namespace)
  if (rule.ra == SlotKind::kUndefined) return WalkEnd::kRoot;
  const StackRange range = Readable(*regs, bounds);
  uint64_t cfa;
  if (!ComputeCfa(rule, *regs, range, &cfa)) return WalkEnd::kLost;
  if (!IsSlot(rule.ra)) return WalkEnd::kLost;
  // Thread entry code without FDE leaves a zero frame pointer behind.
  if ((rule.flags & CfiRule::kNoRow) != 0 && regs->fp == 0) return WalkEnd::kRoot;
  if (!CfaIsSane(rule, cfa, *regs, range, bounds)) return WalkEnd::kLost;
  const uint64_t ra_at = SlotAddress(rule.ra, rule.ra_offset, cfa, *regs);
  if (!range.MayRead(ra_at)) return WalkEnd::kLost;

  Regs caller = {StripPc(LoadWord(ra_at)), cfa, regs->fp};
  trace->ra_words = static_cast<int32_t>(static_cast<int64_t>(ra_at - regs->sp) / 8);
  trace->loads_fp = IsSlot(rule.fp);
  trace->replay = rule.cfa == CfaKind::kDerefSp || rule.cfa == CfaKind::kDerefFp ||
                  rule.cfa == CfaKind::kPlt || (rule.flags & CfiRule::kSignalFrame) != 0;
  if (trace->loads_fp) {
    const uint64_t fp_at = SlotAddress(rule.fp, rule.fp_offset, cfa, *regs);
    if (!range.MayRead(fp_at)) return WalkEnd::kLost;
    caller.fp = LoadWord(fp_at);
    trace->fp_words = static_cast<int32_t>(static_cast<int64_t>(fp_at - regs->sp) / 8);
  } else if (rule.fp != SlotKind::kSame) {
    caller.fp = 0;
    trace->replay = true;
  }
  if (caller.pc == 0) return WalkEnd::kRoot;
  if ((rule.flags & CfiRule::kSignalFrame) != 0) caller.pc++;
  *regs = caller;
  return WalkEnd::kNone;
}

}  // namespace memtape
