// SPDX-License-Identifier: MIT
// Our walks against libgcc's: same frames, from every kind of code that a compiler makes.
#include "stack/unwinder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "stack/unwind_fixture.h"
#include "stack/walk_memo.h"

namespace memtape {
namespace {

void (*g_probe)() = nullptr;
UnwindCache* g_cache = nullptr;
StackBounds g_bounds;
int g_probes = 0;

namespace unoptimized {
#pragma GCC push_options
#pragma GCC optimize("O0", "no-omit-frame-pointer")
#include "stack/unwind_subjects.inc"
#pragma GCC pop_options
}  // namespace unoptimized

namespace optimized_with_fp {
#pragma GCC push_options
#pragma GCC optimize("O1", "no-omit-frame-pointer")
#include "stack/unwind_subjects.inc"
#pragma GCC pop_options
}  // namespace optimized_with_fp

namespace optimized {
#pragma GCC push_options
#pragma GCC optimize("O2", "omit-frame-pointer")
#include "stack/unwind_subjects.inc"
#pragma GCC pop_options
}  // namespace optimized

namespace most_optimized {
#pragma GCC push_options
#pragma GCC optimize("O3", "omit-frame-pointer", "unroll-loops")
#include "stack/unwind_subjects.inc"
#pragma GCC pop_options
}  // namespace most_optimized

namespace smallest {
#pragma GCC push_options
#pragma GCC optimize("Os", "omit-frame-pointer")
#include "stack/unwind_subjects.inc"
#pragma GCC pop_options
}  // namespace smallest

[[gnu::noinline]] void CompareHere() {
  PcList ours;
  PcList reference;
  ReferenceWalk(&reference);
  OurWalk(CaptureRegs(), g_cache, g_bounds, &ours);
  g_probes++;
  // Frame 0 is this function, at two different calls.
  ASSERT_GT(reference.count, 3u);
  ASSERT_EQ(ours.From(1), reference.From(1));
  ASSERT_EQ(ours.end, WalkEnd::kRoot);
}

class UnwinderTest : public testing::Test {
 protected:
  void SetUp() override {
    g_probe = CompareHere;
    g_cache = NewCache();
    g_bounds = ThisThreadsBounds();
    g_probes = 0;
  }
};

TEST_F(UnwinderTest, SameAsLibgccInUnoptimizedCode) {
  unoptimized::RunAll();
  EXPECT_GT(g_probes, 20);
}

TEST_F(UnwinderTest, SameAsLibgccInOptimizedCode) {
  optimized_with_fp::RunAll();
  optimized::RunAll();
  most_optimized::RunAll();
  smallest::RunAll();
  EXPECT_GT(g_probes, 80);
}

TEST_F(UnwinderTest, SameAsLibgccOnAnotherThread) {
  std::thread([] {
    g_cache = NewCache();
    g_bounds = ThisThreadsBounds();
    optimized::RunAll();
  }).join();
  EXPECT_GT(g_probes, 20);
}

TEST_F(UnwinderTest, SameWithACacheThatAlwaysCollides) {
  g_cache = NewCache(2);
  optimized::RunAll();
  EXPECT_GT(g_cache->misses(), static_cast<uint64_t>(g_probes) * 5);
}

TEST_F(UnwinderTest, CacheAnswersRepeatedWalks) {
  optimized::Recurse(40);
  const uint64_t misses = g_cache->misses();
  const auto again = [] { optimized::Recurse(40); };
  again();
  // Only frames of this test itself are new.
  EXPECT_LT(g_cache->misses() - misses, 4u);
}

TEST_F(UnwinderTest, SameWhileTheMainProgramsRowsAreNotBuilt) {
  static PageArena arena(os::MapPages);
  static ModuleRegistry registry(&arena, ModuleRegistry::Tables::kMainLater);
  registry.RefreshFromLoader();
  ASSERT_TRUE(registry.modules()->cfi->direct());
  g_cache = new UnwindCache;
  g_cache->Init(os::MapPages(UnwindCache::BytesFor(64)), 64);
  registry.Attach(g_cache->reader());
  optimized::RunAll();
  EXPECT_GT(g_probes, 20);
  ASSERT_TRUE(registry.BuildMainRows());
  ASSERT_FALSE(registry.modules()->cfi->direct());
  optimized::RunAll();
  EXPECT_FALSE(registry.BuildMainRows());
}

#if defined(__x86_64__)
TEST_F(UnwinderTest, CallerRegsIsTheCallerOfCaptureRegs) {
  struct Subject {
    [[gnu::noinline]] static void Both(PcList* a, PcList* b) {
      OurWalk(MEMTAPE_CALLER_REGS(), g_cache, g_bounds, a);
      OurWalk(CaptureRegs(), g_cache, g_bounds, b);
    }
  };
  PcList caller;
  PcList here;
  Subject::Both(&caller, &here);
  EXPECT_EQ(caller.From(0), here.From(1));
  EXPECT_EQ(caller.end, WalkEnd::kRoot);
}

// --- code without call frame information ---

asm(R"(
  .text
  .type memtape_test_no_cfi, @function
memtape_test_no_cfi:
  push %rbp
  mov %rsp, %rbp
  sub $48, %rsp
  call *%rdi
  leave
  ret
  .size memtape_test_no_cfi, . - memtape_test_no_cfi
)");
extern "C" void memtape_test_no_cfi(void (*callee)());

TEST_F(UnwinderTest, FollowsTheFramePointerWhereThereIsNoFde) {
  static uint64_t expected;
  static PcList ours;
  static PcList reference;
  struct Subject {
    [[gnu::noinline]] static void Callee() {
      ReferenceWalk(&reference);
      OurWalk(CaptureRegs(), g_cache, g_bounds, &ours);
      asm volatile("");  // no tail calls
    }
    [[gnu::noinline]] static void Caller() {
      memtape_test_no_cfi(Callee);
      uint64_t pc;  // at once, also where nothing is optimized
      asm volatile("lea 0(%%rip), %0" : "=r"(pc));
      expected = pc;
    }
  };
  Subject::Caller();
  const uint64_t no_cfi = reinterpret_cast<uint64_t>(&memtape_test_no_cfi);
  ASSERT_GT(ours.count, 4u);
  EXPECT_EQ(ours.end, WalkEnd::kRoot);
  EXPECT_GE(ours.pcs[1], no_cfi);
  EXPECT_LT(ours.pcs[1], no_cfi + 16);
  EXPECT_LT(expected - ours.pcs[2], 128u);
  EXPECT_EQ(reference.count, 2u) << "libgcc stops there";
}

// A call that is the last instruction of its function: the return address is in the next function,
// whose frames look different.
asm(R"(
  .text
  .type memtape_test_last_call, @function
memtape_test_last_call:
  .cfi_startproc
  sub $40, %rsp
  .cfi_def_cfa_offset 48
  call *%rdi
  .cfi_endproc
  .size memtape_test_last_call, . - memtape_test_last_call
  .type memtape_test_next_function, @function
memtape_test_next_function:
  .cfi_startproc
  ret
  .cfi_endproc
  .size memtape_test_next_function, . - memtape_test_next_function
)");
extern "C" [[noreturn]] void memtape_test_last_call(void (*callee)());

TEST_F(UnwinderTest, LooksUpTheCallNotWhatFollowsIt) {
  static jmp_buf back;
  struct Subject {
    [[noreturn]] static void Callee() {
      CompareHere();
      longjmp(back, 1);
    }
  };
  if (setjmp(back) == 0) memtape_test_last_call(Subject::Callee);
  EXPECT_EQ(g_probes, 1);
}

// memtape_test_no_cfi in anonymous memory, as a JIT compiler leaves it.
TEST_F(UnwinderTest, FollowsTheFramePointerInAnonymousMemory) {
  void* code = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(code, MAP_FAILED);
  memcpy(code, reinterpret_cast<void*>(&memtape_test_no_cfi), 16);
  ASSERT_EQ(mprotect(code, 4096, PROT_READ | PROT_EXEC), 0);
  static PcList ours;
  struct Subject {
    [[gnu::noinline]] static void Callee() { OurWalk(CaptureRegs(), g_cache, g_bounds, &ours); }
  };
  reinterpret_cast<void (*)(void (*)())>(code)(Subject::Callee);
  EXPECT_EQ(ours.pcs[1] & ~uint64_t{4095}, reinterpret_cast<uint64_t>(code));
  EXPECT_EQ(ours.end, WalkEnd::kRoot);
  munmap(code, 4096);
}
#endif

// --- wrappers ---

#if defined(__x86_64__)
// This test is linked with the unwinder, so its own module counts as a wrapper too. Code in
// anonymous memory does not: it is what all these frames lead to.
TEST_F(UnwinderTest, SkipWrappersGoesFourFramesUpAtMost) {
  void* code = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(code, MAP_FAILED);
  memcpy(code, reinterpret_cast<void*>(&memtape_test_no_cfi), 16);
  ASSERT_EQ(mprotect(code, 4096, PROT_READ | PROT_EXEC), 0);
  static size_t skipped_most;
  static int too_far;
  skipped_most = 0;
  too_far = 0;
  struct Subject {
    static bool IsWrapper(uint64_t pc) {
      const ModuleRange* range = g_cache->map()->Find(pc - 1);
      return range != nullptr && (range->flags & ModuleRange::kWrapper) != 0;
    }
    [[gnu::noinline]] static int Compare(const void*, const void*) {
      std::vector<Regs> frames;
      g_cache->Sync();
      Regs regs = CaptureRegs();
      do {
        frames.push_back(regs);
      } while (Step(&regs, g_cache, g_bounds));
      for (size_t i = 0; i < frames.size(); i++) {
        size_t expected = i;
        while (expected < frames.size() && IsWrapper(frames[expected].pc)) expected++;
        if (expected == frames.size() || expected - i > 4) {
          expected = i;
          too_far++;
        }
        skipped_most = std::max(skipped_most, expected - i);
        EXPECT_EQ(SkipWrappers(frames[i], g_cache, g_bounds), frames[expected]) << i;
      }
      return 0;
    }
    [[gnu::noinline]] static void Sort() {
      int values[] = {2, 1};
      qsort(values, 2, sizeof values[0], Compare);
      asm volatile("");  // no tail call
    }
    [[gnu::noinline]] static void Outer() {
      Sort();
      asm volatile("");
    }
  };
  reinterpret_cast<void (*)(void (*)())>(code)(Subject::Outer);
#if !defined(MEMTAPE_SANITIZED)
  // Compare, libc twice, Sort and Outer come before the interesting frame. (Sanitizers bring a
  // qsort of their own.)
  EXPECT_EQ(skipped_most, 4u);
#endif
  EXPECT_GT(too_far, 1);
  munmap(code, 4096);
}
#endif

// --- walks that must end without a fault ---

TEST_F(UnwinderTest, EndsWhereFramesLeaveTheBounds) {
  const Regs here = CaptureRegs();
  uint64_t pcs[64];
  WalkEnd end;
  for (uint64_t hi = here.sp - 16; hi < here.sp + 4096; hi += 8) {
    Unwind(here, g_cache, {g_bounds.lo, hi}, pcs, 64, &end);
    EXPECT_NE(end, WalkEnd::kCut);
  }
  EXPECT_EQ(Unwind(here, g_cache, {g_bounds.hi, g_bounds.lo}, pcs, 64, &end), 1u);
  EXPECT_EQ(end, WalkEnd::kLost);
  EXPECT_EQ(Unwind(here, g_cache, {0, 0}, pcs, 64, &end), 1u);
  EXPECT_EQ(end, WalkEnd::kLost);
  EXPECT_EQ(Unwind(here, g_cache, g_bounds, pcs, 2, &end), 2u);
  EXPECT_EQ(end, WalkEnd::kCut);
  EXPECT_EQ(Unwind(here, g_cache, g_bounds, pcs, 0, &end), 0u);
}

// Registers and stack contents are random, bounds are right: any fault is ours.
TEST_F(UnwinderTest, SurvivesGarbage) {
  constexpr size_t kWords = 4096;
  uint64_t* fake = static_cast<uint64_t*>(
      mmap(nullptr, kWords * 8 + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  fake += 512;  // pages without access on both sides
  ASSERT_EQ(mprotect(fake, kWords * 8, PROT_READ | PROT_WRITE), 0);
  const uint64_t lo = reinterpret_cast<uint64_t>(fake);
  const uint64_t hi = lo + kWords * 8;
  g_cache->Sync();
  const ModuleMap* map = g_cache->map();
  std::mt19937_64 random(7);
  const auto any_pc = [&] {
    const ModuleRange& range = map->range(static_cast<uint32_t>(random() % map->count()));
    return range.begin + random() % (range.end - range.begin);
  };
  const auto any_word = [&]() -> uint64_t {
    switch (random() % 4) {
      case 0:
        return lo - 64 + random() % (kWords * 8 + 128);
      case 1:
        return (lo + random() % (kWords * 8)) & ~uint64_t{7};
      case 2:
        return any_pc();
      default:
        return random();
    }
  };
  uint64_t pcs[128];
  size_t frames = 0;
  for (int round = 0; round < 200; round++) {
    for (size_t i = 0; i < kWords; i++) fake[i] = any_word();
    for (int walk = 0; walk < 500; walk++) {
      const Regs start = {any_pc(), any_word(), any_word()};
      frames += Unwind(start, g_cache, {lo, hi}, pcs, 128);
      frames += Unwind(start, g_cache, {0, 1, lo, hi}, pcs, 128);
    }
  }
  EXPECT_GT(frames, 210'000u) << "some walks must have got further than their first frame";
  munmap(fake - 512, kWords * 8 + 8192);
}

#if defined(__x86_64__) && !defined(MEMTAPE_SANITIZED)
// The deepest path: a cache miss whose rule must be interpreted.
TEST_F(UnwinderTest, UsesLittleStack) {
  static PageArena arena(os::MapPages);
  static ModuleRegistry registry(&arena, ModuleRegistry::Tables::kMainLater);
  registry.RefreshFromLoader();
  static UnwindCache* cache = new UnwindCache;
  cache->Init(os::MapPages(UnwindCache::BytesFor(64)), 64);
  registry.Attach(cache->reader());
  cache->Sync();
  static Regs start;
  static StackBounds bounds;
  static uint64_t pcs[64];
  start = CaptureRegs();
  bounds = g_bounds;
  static constexpr size_t kBytes = 65536;
  static constexpr uint64_t kPaint = 0x5A5A5A5A5A5A5A5A;
  static uint64_t stack[kBytes / 8];
  const auto deepest_use = [](void (*run)()) {
    std::fill(std::begin(stack), std::end(stack), kPaint);
    ucontext_t back;
    ucontext_t there;
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = kBytes;
    there.uc_link = &back;
    makecontext(&there, run, 0);
    swapcontext(&back, &there);
    size_t i = 0;
    while (stack[i] == kPaint) i++;
    return kBytes - i * 8;
  };
  static WalkMemo memo;
  memo.Init(os::MapPages(WalkMemo::BytesFor(64)), 64);
#ifdef NDEBUG
  constexpr size_t kLimit = 512;
#else
  constexpr size_t kLimit = 1024;  // what ships is optimized
#endif
  const size_t nothing = deepest_use([] {});
  // A cache that is empty again: each walk takes the deepest path, to the FDE programs.
  const auto forget = [] { cache->Init(os::MapPages(UnwindCache::BytesFor(64)), 64); };
  const size_t plain = deepest_use([] { Unwind(start, cache, bounds, pcs, 64); });
  EXPECT_GT(cache->misses(), 0u);
  forget();
  const size_t with_memo = deepest_use([] { memo.Walk(start, cache, bounds); });
  forget();
  const size_t skipping = deepest_use([] { SkipWrappers(start, cache, bounds); });
  EXPECT_LE(plain - nothing, kLimit);
  EXPECT_LE(with_memo - nothing, kLimit);
  EXPECT_LE(skipping - nothing, kLimit);
  RecordProperty("bytes", static_cast<int>(std::max(plain, with_memo) - nothing));
}
#endif

}  // namespace
}  // namespace memtape
