// SPDX-License-Identifier: MIT
// One step of a walk, inline. A pure function of the frame, its rule, the bounds and the stack
// words that it reads: walk_memo.h relies on that.
#pragma once

#include <stdint.h>

#include "stack/unwinder.h"

namespace memtape {

// Which stack words led to the caller, so that a later walk can see whether they still do.
struct StepTrace {
  enum Shape : uint8_t {
    kRa,      // the return address, in the word below the caller's stack pointer
    kRaFp,    // and the frame pointer, in the word below that
    kWord,    // the return address, at ra_words
    kWords,   // and the frame pointer, at fp_words
    kReplay,  // other words count too, or the pc does: step again instead
  };

  int32_t ra_words = 0;  // from sp, in words
  int32_t fp_words = 0;
  Shape shape = kReplay;
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

// No code lies in the first page or on the stack: where a frame pointer led astray, the walk ends
// before it tells of such a frame.
inline bool IsPlausiblePc(uint64_t pc, const StackBounds& bounds) {
  constexpr uint64_t kLowestPc = 4096;
  return pc >= kLowestPc && pc - bounds.lo >= bounds.hi - bounds.lo;
}

// A return address of zero is how thread entry code without CFI marks the outermost frame.
inline WalkEnd EndAt(uint64_t pc) {
  return pc == 0 ? WalkEnd::kRoot : WalkEnd::kLost;
}

// What makes a rule fit for the short way of StepByRule: it reads the return address and perhaps
// the frame pointer from the frame itself, and nothing else.
constexpr bool IsShort(const CfiRule& rule) {
  return (rule.cfa == CfaKind::kSp || rule.cfa == CfaKind::kFp) &&
         (rule.flags & CfiRule::kSignalFrame) == 0 && rule.ra == SlotKind::kCfa &&
         rule.ra_offset < 0 && rule.ra_offset % 8 == 0 &&
         (rule.fp == SlotKind::kSame ||
          (rule.fp == SlotKind::kCfa && rule.fp_offset < 0 && rule.fp_offset % 8 == 0));
}

constexpr StepTrace::Shape ShapeOf(const CfiRule& rule) {
  const bool at_the_top = rule.ra_offset == -8;
  if (rule.fp == SlotKind::kSame) return at_the_top ? StepTrace::kRa : StepTrace::kWord;
  return at_the_top && rule.fp_offset == -16 ? StepTrace::kRaFp : StepTrace::kWords;
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
[[gnu::noinline]] inline WalkEnd StepByAnyRule(const CfiRule& rule, Regs* regs,
                                               const StackBounds& bounds, StepTrace* trace) {
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
  if (IsSlot(rule.fp)) {
    const uint64_t fp_at = SlotAddress(rule.fp, rule.fp_offset, cfa, *regs);
    if (!range.MayRead(fp_at)) return WalkEnd::kLost;
    caller.fp = LoadWord(fp_at);
  } else if (rule.fp != SlotKind::kSame) {
    caller.fp = 0;
  }
  trace->shape = StepTrace::kReplay;
  if (!IsPlausiblePc(caller.pc, bounds)) return EndAt(caller.pc);
  if ((rule.flags & CfiRule::kSignalFrame) != 0) caller.pc++;
  *regs = caller;
  return WalkEnd::kNone;
}

// The same, short for the rules that nearly all frames have; whatever is unusual goes the long way.
// (An alternate stack inside the thread's own is not told apart from it here.)
[[gnu::always_inline]] inline WalkEnd StepByRule(const CfiRule& rule, Regs* regs,
                                                 const StackBounds& bounds, StepTrace* trace) {
  const uint64_t sp = regs->sp;
  const uint64_t base = rule.cfa == CfaKind::kSp ? sp : regs->fp;
  const uint64_t cfa = base + static_cast<uint64_t>(int64_t{rule.cfa_offset});
  const uint64_t frame_bytes = cfa - sp;
  // Where in the frame the two words are. (Offsets from the CFA; negative, in short rules.)
  const uint64_t ra_from_sp = frame_bytes + static_cast<uint64_t>(int64_t{rule.ra_offset});
  const uint64_t fp_from_sp = frame_bytes + static_cast<uint64_t>(int64_t{rule.fp_offset});
  const bool loads_fp = rule.fp == SlotKind::kCfa;
  // lo <= sp < cfa <= hi, all aligned, and both words between sp and cfa.
  if (__builtin_expect((rule.flags & CfiRule::kShort) == 0 || ((sp | cfa) & 7) != 0 ||
                           sp < bounds.lo || cfa <= sp || cfa > bounds.hi ||
                           ra_from_sp >= frame_bytes || (loads_fp && fp_from_sp >= frame_bytes),
                       0)) {
    // On copies: a variable whose address goes to a function lives in memory, in every iteration.
    Regs frame = *regs;
    StepTrace words;
    const WalkEnd end = StepByAnyRule(rule, &frame, bounds, &words);
    *regs = frame;
    *trace = words;
    return end;
  }
  const uint64_t pc = StripPc(LoadWord(cfa + static_cast<uint64_t>(int64_t{rule.ra_offset})));
  if (__builtin_expect(!IsPlausiblePc(pc, bounds), 0)) return EndAt(pc);
  regs->pc = pc;
  regs->sp = cfa;
  if (loads_fp) regs->fp = LoadWord(sp + fp_from_sp);
  trace->ra_words = static_cast<int32_t>(ra_from_sp / 8);
  trace->fp_words = static_cast<int32_t>(fp_from_sp / 8);
  trace->shape = static_cast<StepTrace::Shape>(rule.flags >> CfiRule::kShapeShift);
  return WalkEnd::kNone;
}

}  // namespace memtape
