// SPDX-License-Identifier: MIT
// Walks this thread's native stack from inside a hook. No malloc, no locks, no system calls, no
// libc; at most 512 bytes of stack; reads nothing but the thread's own live stack and tables.
// One walk at a time per thread: the hook's guard keeps signal handlers out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stack/cfi_rule.h"
#include "stack/module_map.h"
#include "stack/return_path.h"

namespace memtape {

// A frame. `pc` is where its callee returns to. Where a signal interrupted it, pc is the
// interrupted address + 1, so that pc - 1 is inside the instruction that counts for every frame
// alike.
struct Regs {
  uint64_t pc = 0;
  uint64_t sp = 0;  // once the callee has returned
  uint64_t fp = 0;

  bool operator==(const Regs&) const = default;
};

// Where stack words may be read: [lo, hi). What is given must be mapped from the deepest frame up
// to hi. alt: the thread's sigaltstack, if it is known; walks leave it through signal frames only.
struct StackBounds {
  uint64_t lo = 0;
  uint64_t hi = 0;
  uint64_t alt_lo = 0;
  uint64_t alt_hi = 0;

  bool operator==(const StackBounds&) const = default;
};

enum class WalkEnd : uint8_t {
  kNone,  // there may be more frames
  kRoot,  // the outermost frame: _start, clone
  kLost,  // no rule, or what it led to cannot be a frame
  kCut,   // as many frames as were asked for
};

// One thread's front end to the tables: a direct-mapped cache of rules by pc.
// Attach once (ModuleRegistry::Attach(cache->reader())), Init with zeroed memory of its own.
class UnwindCache {
 public:
  static constexpr size_t kDefaultEntries = 4096;
  static constexpr size_t BytesFor(size_t entries) { return entries * sizeof(Entry); }

  // `entries`: a power of two. `memory`: BytesFor(entries), zeroed, the caller's.
  void Init(void* memory, size_t entries);
  MapReader* reader() { return &reader_; }

  // Call before the first Step of a walk: takes over a newer module map, if there is one.
  void Sync() {
    if (__builtin_expect(reader_.Sync(), 0)) Flush();
  }

  const ModuleMap* map() const { return reader_.map(); }

  // The rule for the frame at `pc`, with kWrapper set by the module's flags.
  const CfiRule& Find(uint64_t pc) {
    Entry& entry = entries_[(pc * 0x9E3779B97F4A7C15u) >> shift_];
    if (__builtin_expect(entry.pc != pc, 0)) Fill(&entry, pc);
    return entry.rule;
  }

  uint64_t misses() const { return misses_; }

 private:
  struct Entry {
    uint64_t pc;  // 0: empty
    CfiRule rule;
  };
  static_assert(sizeof(Entry) == 24);

  void Fill(Entry* entry, uint64_t pc);
  // For code that has no row.
  void FindReturnPath(uint64_t pc, const ModuleRange& range, CfiRule* rule);
  void Flush();

  Entry* entries_ = nullptr;
  unsigned shift_ = 0;
  uint64_t misses_ = 0;
  MapReader reader_;
  CfiTable::Scratch scratch_;
  ReturnPath return_path_;
};

// Replaces *regs by its caller's. False at the end, with the reason in *end if that is not null;
// *regs is unchanged then. cache->Sync() comes first, once per walk.
bool Step(Regs* regs, UnwindCache* cache, const StackBounds& bounds, WalkEnd* end = nullptr);

// Writes start.pc and its callers' pcs, leaf first, at most `max`; returns how many.
size_t Unwind(const Regs& start, UnwindCache* cache, const StackBounds& bounds, uint64_t* pcs,
              size_t max, WalkEnd* end = nullptr);

// The innermost frame, `regs` or at most four callers up, that is not in a module of allocator
// wrappers; `regs` itself if there is none. A few nanoseconds when that is `regs`.
Regs SkipWrappers(const Regs& regs, UnwindCache* cache, const StackBounds& bounds);

// The frame of the function that this is inlined into. Any function, any flags; the first Step then
// leaves that function by its own call frame information.
[[gnu::always_inline]] inline Regs CaptureRegs() {
  Regs regs;
#if defined(__x86_64__)
  asm volatile(
      "lea 0(%%rip), %0\n\t"
      "mov %%rsp, %1\n\t"
      "mov %%rbp, %2"
      : "=&r"(regs.pc), "=&r"(regs.sp), "=&r"(regs.fp));
#else
  asm volatile(
      "adr %0, .\n\t"
      "mov %1, sp\n\t"
      "mov %2, x29"
      : "=&r"(regs.pc), "=&r"(regs.sp), "=&r"(regs.fp));
  regs.pc += 4;  // pc - 1 must not be the instruction before
#endif
  return regs;
}

// The caller's frame, without a Step: saves one frame per walk. A macro, as it must be evaluated in
// the function itself; using it gives that function a frame pointer.
#if defined(__x86_64__)
#define MEMTAPE_CALLER_REGS()                                                   \
  (::memtape::Regs{reinterpret_cast<uint64_t>(__builtin_return_address(0)),     \
                   reinterpret_cast<uint64_t>(__builtin_frame_address(0)) + 16, \
                   *static_cast<const uint64_t*>(__builtin_frame_address(0))})
#endif

}  // namespace memtape
