// SPDX-License-Identifier: MIT
// Walks that start in, or go through, code that a signal interrupted: any instruction at all.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "stack/unwind_fixture.h"

// Single steps need x86's trap flag; sanitizers would step through their own run time.
#if defined(__x86_64__) && !defined(MEMTAPE_SANITIZED)

namespace memtape {
namespace {

UnwindCache* g_cache = nullptr;
StackBounds g_bounds;
uint64_t g_root_pc = 0;  // of the outermost frame

struct Stepping {
  volatile bool on = false;
  int steps = 0;
  int in_plt = 0;
  int in_vdso = 0;
  int reference_gave_up = 0;  // libgcc stops, or goes astray, where CFI is not exact
  int unsupported = 0;        // we stop where the CFA hangs on a register that we do not carry
  int lost = 0;
  int wrong = 0;
  char first_wrong[256] = {};
};
Stepping g_stepping;

const char* PathOf(uint64_t pc) {
  const ModuleRange* range = g_cache->map()->Find(pc - 1);
  for (const Module* m = TestRegistry().modules(); range != nullptr && m != nullptr; m = m->next) {
    if (m->id == range->module_id) return m->path;
  }
  return "?";
}

bool SamePcs(const uint64_t* a, const uint64_t* b, size_t count) {
  return memcmp(a, b, count * sizeof *a) == 0;
}

// `ours` must be `reference` from `first` on.
void Compare(const PcList& ours, size_t our_first, const PcList& reference, size_t first,
             const char* what) {
  const size_t our_count = ours.count - our_first;
  const size_t count = reference.count - first;
  // A few instructions of libgcc itself, which switch to a landing pad, are beyond libgcc too.
  if (reference.pcs[reference.count - 1] != g_root_pc) {
    g_stepping.reference_gave_up++;
    return;
  }
  const size_t common = std::min(count, our_count);
  const bool same = SamePcs(ours.pcs + our_first, reference.pcs + first, common);
  if (ours.end != WalkEnd::kRoot) {
    const bool unsupported = g_cache->Find(ours.pcs[ours.count - 1]).cfa == CfaKind::kInvalid;
    (unsupported ? g_stepping.unsupported : g_stepping.lost)++;
    if (same && unsupported) return;
  } else if (same && our_count == count) {
    return;
  }
  if (g_stepping.wrong++ > 0) return;
  const uint64_t pc = ours.pcs[our_first];
  snprintf(g_stepping.first_wrong, sizeof g_stepping.first_wrong,
           "%s at %llx in %s: %zu frames, libgcc %zu", what,
           static_cast<unsigned long long>(pc - 1), PathOf(pc), our_count, count);
}

void OnTrap(int, siginfo_t*, void* context) {
  static PcList ours;
  static PcList through_handler;
  static PcList reference;
  greg_t* flags = &static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
  constexpr greg_t kTrapFlag = 0x100;
  if (!g_stepping.on) {
    *flags &= ~kTrapFlag;
    return;
  }
  *flags |= kTrapFlag;
  g_stepping.steps++;
  const Regs start = RegsOfSignal(context);
  ReferenceWalk(&reference);
  OurWalk(start, g_cache, g_bounds, &ours);
  OurWalk(CaptureRegs(), g_cache, g_bounds, &through_handler);
  if (g_cache->Find(start.pc).cfa == CfaKind::kPlt) g_stepping.in_plt++;
  if (strcmp(PathOf(start.pc), "[vdso]") == 0) g_stepping.in_vdso++;
  size_t first = 0;
  while (first < reference.count && reference.pcs[first] != start.pc) first++;
  Compare(ours, 0, reference, first, "from context");
  Compare(through_handler, 1, reference, 1, "through handler");
}

void SetHandler(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  ASSERT_EQ(sigaction(signal, &action, nullptr), 0);
}

class SignalFramesTest : public testing::Test {
 protected:
  void SetUp() override {
    g_cache = NewCache();
    g_bounds = ThisThreadsBounds();
    g_stepping = Stepping{};
    PcList here;
    ReferenceWalk(&here);
    g_root_pc = here.pcs[here.count - 1];
  }

  // Runs `run`, with two walks and libgcc's after every single instruction.
  template <typename Run>
  void StepThrough(Run&& run) {
    SetHandler(SIGTRAP, OnTrap, 0);
    g_stepping.on = true;
    raise(SIGTRAP);
    run();
    g_stepping.on = false;
    asm volatile("nop; nop");
    signal(SIGTRAP, SIG_DFL);
    EXPECT_EQ(g_stepping.wrong, 0) << g_stepping.first_wrong;
    EXPECT_EQ(g_stepping.lost, 0);
    EXPECT_LE(g_stepping.reference_gave_up, 16);
    RecordProperty("steps", g_stepping.steps);
    RecordProperty("libgcc_gave_up", g_stepping.reference_gave_up);
    if (getenv("MEMTAPE_TEST_VERBOSE") != nullptr) {
      printf("%d steps, %d in plt, %d in vdso, libgcc gave up %d, unsupported %d, lost %d\n",
             g_stepping.steps, g_stepping.in_plt, g_stepping.in_vdso, g_stepping.reference_gave_up,
             g_stepping.unsupported, g_stepping.lost);
    }
  }
};

int CompareInts(const void* a, const void* b) {
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

TEST_F(SignalFramesTest, EveryInstructionOfQsort) {
  StepThrough([] {
    int values[] = {5, 3, 9, 1, 7};
    qsort(values, 5, sizeof values[0], CompareInts);
  });
  EXPECT_GT(g_stepping.steps, 200);
}

TEST_F(SignalFramesTest, EveryInstructionOfPltStubs) {
  // Fresh functions: their first call goes through the loader's lazy binding, if the linker
  // left that on.
  StepThrough([] {
    volatile long x = labs(-5) + atoi("7") + strtol("8", nullptr, 10);
    x = x + static_cast<long>(strspn("aab", "a"));
  });
  EXPECT_GT(g_stepping.in_plt, 0);
}

TEST_F(SignalFramesTest, EveryInstructionOfTheVdso) {
  StepThrough([] {
    timespec t;
    for (int i = 0; i < 3; i++) clock_gettime(CLOCK_MONOTONIC, &t);
  });
  EXPECT_GT(g_stepping.in_vdso, 0);
}

TEST_F(SignalFramesTest, EveryInstructionOfTheStandardLibrary) {
  StepThrough([] {
    std::map<std::string, std::unique_ptr<int>> map;
    for (int i = 0; i < 3; i++) map[std::to_string(i) + " and more than fits inline"] = nullptr;
    char text[64];
    snprintf(text, sizeof text, "%s %d %.3f", "x", 17, 3.25);
    std::function<int(int)> f = [&f](int n) { return n == 0 ? 0 : f(n - 1) + 1; };
    f(4);
  });
  EXPECT_GT(g_stepping.steps, 1000);
}

[[gnu::noinline]] void ThrowFrom(int depth) {
  const std::string local(40, 'x');
  if (depth == 0) throw 42;
  ThrowFrom(depth - 1);
}

TEST_F(SignalFramesTest, EveryInstructionOfAnException) {
  StepThrough([] {
    try {
      ThrowFrom(2);
    } catch (int) {
    }
  });
  EXPECT_GT(g_stepping.steps, 1000);
}

// --- handlers ---

PcList g_ours;
PcList g_reference;

void OnSignal(int, siginfo_t*, void*) {
  ReferenceWalk(&g_reference);
  OurWalk(CaptureRegs(), g_cache, g_bounds, &g_ours);
}

TEST_F(SignalFramesTest, HandlerOnTheThreadsOwnStack) {
  SetHandler(SIGUSR1, OnSignal, 0);
  raise(SIGUSR1);
  EXPECT_EQ(g_ours.From(1), g_reference.From(1));
  EXPECT_EQ(g_ours.end, WalkEnd::kRoot);
}

class AlternateStackTest : public SignalFramesTest {
 protected:
  void RaiseOn(char* stack, size_t bytes) {
    stack_t alternate = {};
    stack_t before = {};
    alternate.ss_sp = stack;
    alternate.ss_size = bytes;
    ASSERT_EQ(sigaltstack(&alternate, &before), 0);
    SetHandler(SIGUSR1, OnSignal, SA_ONSTACK);
    raise(SIGUSR1);
    ASSERT_EQ(sigaltstack(&before, nullptr), 0);
  }
};

TEST_F(AlternateStackTest, BelowTheThreadsStack) {
  constexpr size_t kBytes = 65536;
  char* stack = static_cast<char*>(os::MapPages(kBytes));
  g_bounds.alt_lo = reinterpret_cast<uint64_t>(stack);
  g_bounds.alt_hi = g_bounds.alt_lo + kBytes;
  ASSERT_LT(g_bounds.alt_hi, g_bounds.lo);
  RaiseOn(stack, kBytes);
  EXPECT_EQ(g_ours.From(1), g_reference.From(1));
  EXPECT_EQ(g_ours.end, WalkEnd::kRoot);
}

TEST_F(AlternateStackTest, InsideTheThreadsStack) {
  alignas(16) char stack[65536];
  g_bounds.alt_lo = reinterpret_cast<uint64_t>(stack);
  g_bounds.alt_hi = g_bounds.alt_lo + sizeof stack;
  RaiseOn(stack, sizeof stack);
  EXPECT_EQ(g_ours.From(1), g_reference.From(1));
  EXPECT_EQ(g_ours.end, WalkEnd::kRoot);
}

TEST_F(AlternateStackTest, UnknownToTheWalkEndsIt) {
  constexpr size_t kBytes = 65536;
  RaiseOn(static_cast<char*>(os::MapPages(kBytes)), kBytes);
  EXPECT_EQ(g_ours.count, 1u);
  EXPECT_EQ(g_ours.end, WalkEnd::kLost);
}

}  // namespace
}  // namespace memtape

#endif
