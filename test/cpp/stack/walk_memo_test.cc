// SPDX-License-Identifier: MIT
// A walk with memo must equal the walk without, whatever the program did in between.
#include "stack/walk_memo.h"

#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "stack/stack_finder.h"
#include "stack/unwind_fixture.h"

#if defined(__x86_64__)

// Frames without call frame information, as JIT code has them. The word at fp - 8 is theirs to
// change: it stands for an interpreter's bytecode offset.
asm(R"(
  .text
  .type memtape_test_interpreter, @function
memtape_test_interpreter:
  push %rbp
  mov %rsp, %rbp
  sub $32, %rsp
  mov %rsi, -8(%rbp)
  lea -8(%rbp), %rsi
  call *%rdi
  leave
  ret
memtape_test_interpreter_end:
  .size memtape_test_interpreter, . - memtape_test_interpreter
)");
extern "C" void memtape_test_interpreter(void (*body)(void*, uint64_t* offset), uint64_t offset);
extern "C" char memtape_test_interpreter_end;

namespace memtape {
namespace {

bool IsInterpreter(uint64_t pc) {
  const uint64_t begin = reinterpret_cast<uint64_t>(&memtape_test_interpreter);
  return pc > begin && pc < reinterpret_cast<uint64_t>(&memtape_test_interpreter_end);
}

struct InterpreterKey {
  FrameKey operator()(const Regs& regs) const {
    if (!IsInterpreter(regs.pc)) return {regs.pc, false};
    return {LoadWord(regs.fp - 8), true};
  }
};

// A program that moves around at random and looks at its stack all the time.
class Stress {
 public:
  Stress(uint64_t seed, uint64_t probes) : random_(seed), probes_left_(probes), cache_(NewCache()) {
    finder_.Start(ThisThreadsBounds().hi);
    Init(&deep_, kDeep);
    Init(&shallow_, kShallow);
    Init(&keyed_, kDeep);
  }

  void Run() {
    current = this;
    const stack_t stack = {signal_stack_, 0, kStackBytes};
    stack_t old;
    sigaltstack(&stack, &old);
    struct sigaction action = {};
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    action.sa_handler = Handle;
    sigaction(SIGUSR2, &action, nullptr);
    while (probes_left_ > 0) {
      fibers_in_use_ = 0;
      handling_ = false;
      Catch(0);
    }
    sigaltstack(&old, nullptr);
  }

  struct Counts {
    uint64_t failures = 0;
    uint64_t walks = 0;
    uint64_t frames = 0;
    uint64_t reused = 0;
    uint64_t cut = 0;
    uint64_t thrown = 0;
    uint64_t jumps = 0;
    uint64_t key_changes = 0;
    uint64_t fibers = 0;   // walks on stacks that the thread has switched to
    uint64_t signals = 0;  // walks in signal handlers
    uint64_t lost = 0;
  };
  Counts counts;

 private:
  static constexpr uint32_t kDeep = 256;
  static constexpr uint32_t kShallow = 24;  // often too few: these walks are cut
  static constexpr int kMaxDepth = 36;

  static void Init(WalkMemo* memo, uint32_t frames) {
    memo->Init(os::MapPages(WalkMemo::BytesFor(frames)), frames);
  }

  uint64_t Below(uint64_t n) { return random_() % n; }

  [[gnu::noinline]] void Probe() {
    if (probes_left_ == 0) return;
    probes_left_--;
    const Regs start = CaptureRegs();
    const StackBounds* const bounds = finder_.Find(start.sp);
    if (bounds == nullptr) {
      counts.failures++;
      return;
    }
    bounds_ = *bounds;
    if (fibers_in_use_ > 0) counts.fibers++;
    if (start.sp - reinterpret_cast<uint64_t>(signal_stack_) < kStackBytes) counts.signals++;
    if (!SameWithoutMemo(start, &deep_, kDeep, PcKey{}) ||
        !SameWithoutMemo(start, &shallow_, kShallow, PcKey{}) ||
        !SameWithoutMemo(start, &keyed_, kDeep, InterpreterKey{})) {
      counts.failures++;
    }
  }

  template <typename Key>
  bool SameWithoutMemo(const Regs& start, WalkMemo* memo, uint32_t max, Key key_of) {
    const WalkMemo::Result result = memo->Walk(start, cache_, bounds_, key_of);
    counts.walks++;
    counts.frames += result.depth;
    counts.reused += result.reused;
    if (result.end == WalkEnd::kCut) counts.cut++;
    // A switch leaves no way back on the stack, and what makecontext returns to has no row.
    if (fibers_in_use_ == 0 && result.end == WalkEnd::kLost) counts.lost++;
    Regs frames[kDeep];
    uint32_t count = 0;
    WalkEnd end = WalkEnd::kNone;
    for (Regs regs = start; end == WalkEnd::kNone;) {
      if (count == max) {
        end = WalkEnd::kCut;
        break;
      }
      frames[count++] = regs;
      Step(&regs, cache_, bounds_, &end);
    }
    if (count != result.depth || end != result.end) return false;
    uint64_t hash = HashSeed(end);
    for (uint32_t i = 0; i < count; i++) {
      const MemoFrame& frame = memo->frame(i);
      hash = HashFrame(hash, key_of(frames[count - 1 - i]).value);
      if (frame.regs != frames[count - 1 - i] || frame.hash != hash) return false;
      // Tags are the caller's, and stay with exactly the stacks that they were put on.
      if (frame.tag != 0 && frame.tag != static_cast<uint32_t>(hash | 1)) return false;
      memo->frame(i).tag = static_cast<uint32_t>(hash | 1);
    }
    return hash == result.hash;
  }

  // A few random actions in one frame.
  [[gnu::noinline]] void Act(int depth) {
    for (uint64_t actions = 1 + Below(4); actions > 0 && probes_left_ > 0; actions--) {
      if (depth >= kMaxDepth || Below(5) == 0) {
        Probe();
      } else {
        Descend(depth + 1);
      }
      while (Below(3) == 0) Probe();
    }
  }

  void Descend(int depth) {
    switch (Below(kActions)) {
      case 8:
        return OnFiber(depth);
      case 9:
        return OnSignal(depth);
      case 0:
        return PlainFrames(depth);
      case 1:
        return Alloca(depth, Below(300));
      case 2:
        return Aligned(depth, Below(100));
      case 3:
        interpreted_depth_ = depth;
        return memtape_test_interpreter(Interpreted, random_());
      case 4:
        return Catch(depth);
      case 5:
        return LandingSite(depth);
      case 6:
        if (depth < 8 || Below(4) != 0) return Act(depth);
        counts.thrown++;
        throw depth;
      default:
        if (site_count_ == 0 || Below(6) != 0) return Act(depth);
        counts.jumps++;
        longjmp(sites_[Below(site_count_)], 1);
    }
  }

  // On a stack of its own, and back unless a jump leaves it for good.
  [[gnu::noinline]] void OnFiber(int depth) {
    if (fibers_in_use_ == kFibers) return Act(depth);
    const size_t mine = fibers_in_use_;
    fibers_in_use_ = mine + 1;
    interpreted_depth_ = depth;
    ucontext_t here;
    ucontext_t there;
    getcontext(&there);
    there.uc_stack.ss_sp = fiber_stacks_[mine];
    there.uc_stack.ss_size = kStackBytes;
    there.uc_link = &here;
    makecontext(&there, FiberMain, 0);
    swapcontext(&here, &there);
    fibers_in_use_ = mine;
    Probe();
  }

  static void FiberMain() { current->Catch(current->interpreted_depth_); }

  // On the alternate stack, unless it is on that already.
  [[gnu::noinline]] void OnSignal(int depth) {
    // The kernel looks at the stack pointer alone: it would start again at the stack's end.
    const bool was_handling = handling_;
    if (was_handling && fibers_in_use_ > fibers_outside_handler_) return Act(depth);
    interpreted_depth_ = depth;
    if (!was_handling) fibers_outside_handler_ = fibers_in_use_;
    handling_ = true;
    raise(SIGUSR2);
    handling_ = was_handling;
    Probe();
  }

  static void Handle(int) { current->Catch(current->interpreted_depth_); }

  [[gnu::noinline]] void PlainFrames(int depth) {
    volatile int local = depth;
    Act(local);
    local = local + 1;
  }

  [[gnu::noinline]] void Alloca(int depth, size_t bytes) {
    volatile char* room = static_cast<volatile char*>(__builtin_alloca(bytes + 1));
    room[0] = 1;
    Act(depth);
    room[bytes] = 1;
  }

  [[gnu::noinline]] void Aligned(int depth, size_t bytes) {
    alignas(64) volatile char room[64];
    volatile char* more = static_cast<volatile char*>(__builtin_alloca(bytes + 1));
    room[0] = 1;
    more[0] = room[0];
    Act(depth);
    more[bytes] = room[0];
  }

  static void Interpreted(void*, uint64_t* offset) {
    Stress* stress = current;
    const int depth = stress->interpreted_depth_;
    // libgcc cannot throw through such a frame: it must not come to that.
    stress->Catch(depth);
    // The frame goes on; nothing but its "bytecode offset" is different.
    stress->Probe();
    (*offset)++;
    stress->counts.key_changes++;
    stress->Probe();
    stress->Catch(depth);
  }

  [[gnu::noinline]] void Catch(int depth) {
    const size_t sites = site_count_;
    const size_t fibers = fibers_in_use_;
    const bool handling = handling_;
    try {
      Act(depth);
    } catch (int) {
      Probe();
    }
    site_count_ = sites;
    fibers_in_use_ = fibers;
    handling_ = handling;
  }

  [[gnu::noinline]] void LandingSite(int depth) {
    if (site_count_ == kMaxSites) return Act(depth);
    const size_t mine = site_count_;
    const size_t fibers = fibers_in_use_;
    const bool handling = handling_;
    if (setjmp(sites_[mine]) == 0) {
      site_count_ = mine + 1;
      Act(depth);
    } else {
      fibers_in_use_ = fibers;
      handling_ = handling;
      Probe();
    }
    site_count_ = mine;
  }

  static constexpr size_t kMaxSites = 16;
  static constexpr size_t kFibers = 3;
  static constexpr size_t kStackBytes = size_t{512} << 10;
#if defined(MEMTAPE_SANITIZED)
  static constexpr uint64_t kActions = 8;  // they do not know other stacks
#else
  static constexpr uint64_t kActions = 10;
#endif
  static thread_local Stress* current;

  std::mt19937_64 random_;
  uint64_t probes_left_;
  UnwindCache* cache_;
  StackFinder finder_;
  StackBounds bounds_;
  WalkMemo deep_;
  WalkMemo shallow_;
  WalkMemo keyed_;
  jmp_buf sites_[kMaxSites];
  volatile size_t site_count_ = 0;
  volatile int interpreted_depth_ = 0;
  volatile size_t fibers_in_use_ = 0;
  size_t fibers_outside_handler_ = 0;
  volatile bool handling_ = false;
  char* const signal_stack_ = static_cast<char*>(os::MapPages(kStackBytes));
  char* const fiber_stacks_[kFibers] = {static_cast<char*>(os::MapPages(kStackBytes)),
                                        static_cast<char*>(os::MapPages(kStackBytes)),
                                        static_cast<char*>(os::MapPages(kStackBytes))};
};

thread_local Stress* Stress::current = nullptr;

Stress::Counts RunStress(uint64_t seed, uint64_t probes) {
  Stress::Counts counts;
  std::thread([&] {
    Stress* stress = new Stress(seed, probes);
    stress->Run();
    counts = stress->counts;
    delete stress;
  }).join();
  return counts;
}

TEST(WalkMemoTest, EqualsTheWalkWithoutMemo) {
#if defined(MEMTAPE_SANITIZED)
  constexpr uint64_t kProbes = 20'000;
#else
  constexpr uint64_t kProbes = 350'000;
#endif
  const Stress::Counts counts = RunStress(1, kProbes);
  EXPECT_EQ(counts.failures, 0u);
  EXPECT_EQ(counts.walks, 3 * kProbes);
  // The stress must stress: all of these happen, and the memo does its work.
  EXPECT_GT(counts.thrown, kProbes / 1000);
  EXPECT_GT(counts.jumps, kProbes / 1000);
  EXPECT_GT(counts.key_changes, kProbes / 1000);
  EXPECT_GT(counts.cut, kProbes / 1000);
#if !defined(MEMTAPE_SANITIZED)
  EXPECT_GT(counts.fibers, kProbes / 1000);
  EXPECT_GT(counts.signals, kProbes / 1000);
#endif
  EXPECT_EQ(counts.lost, 0u);
  EXPECT_GT(counts.reused, counts.frames / 3);
  RecordProperty("average_depth", static_cast<int>(counts.frames / counts.walks));
  RecordProperty("average_reused", static_cast<int>(counts.reused / counts.walks));
}

TEST(WalkMemoTest, EqualsTheWalkWithoutMemoOnTwoThreads) {
  Stress::Counts other;
  std::thread thread([&other] { other = RunStress(2, 20'000); });
  const Stress::Counts counts = RunStress(3, 20'000);
  thread.join();
  EXPECT_EQ(counts.failures + other.failures, 0u);
}

// --- made-up stacks ---

constexpr uint32_t kFakeMax = 6;

// The frames of a walk and its hash.
struct Plain {
  std::vector<Regs> frames;
  WalkEnd end = WalkEnd::kNone;
  uint64_t hash = 0;
};

Plain WalkPlain(Regs regs, UnwindCache* cache, const StackBounds& bounds, uint32_t max) {
  Plain plain;
  cache->Sync();
  while (plain.end == WalkEnd::kNone) {
    if (plain.frames.size() == max) {
      plain.end = WalkEnd::kCut;
      break;
    }
    plain.frames.push_back(regs);
    Step(&regs, cache, bounds, &plain.end);
  }
  plain.hash = HashSeed(plain.end);
  for (size_t i = plain.frames.size(); i-- > 0;) {
    plain.hash = HashFrame(plain.hash, plain.frames[i].pc);
  }
  return plain;
}

class MadeUpStackTest : public testing::Test {
 protected:
  MadeUpStackTest() { memo_.Init(os::MapPages(WalkMemo::BytesFor(kFakeMax)), kFakeMax); }

  // Return addresses of this process whose rules fit on a small stack: all kinds, and a root.
  void CollectPcs() {
    cache_->Sync();
    const ModuleMap* map = cache_->map();
    size_t found[8] = {};
    for (int tries = 0; tries < 3'000'000 && pcs_.size() < 48; tries++) {
      const ModuleRange& range = map->range(static_cast<uint32_t>(random_() % map->count()));
      const uint64_t pc = range.begin + 1 + random_() % (range.end - range.begin);
      const CfiRule rule = cache_->Find(pc);
      const bool end = rule.ra == SlotKind::kUndefined;
      const bool near = rule.cfa_offset <= 48 && rule.aux >= -64 && rule.aux <= 64;
      const size_t kind = end ? 7 : static_cast<size_t>(rule.cfa);
      if ((!near && !end) || found[kind] >= (end || rule.cfa == CfaKind::kInvalid ? 1 : 12))
        continue;
      found[kind]++;
      pcs_.push_back(pc);
    }
    ASSERT_GT(found[static_cast<size_t>(CfaKind::kSp)], 4u);
    ASSERT_GT(found[static_cast<size_t>(CfaKind::kFp)], 4u);
    ASSERT_GT(found[static_cast<size_t>(CfaKind::kDerefFp)], 0u) << "Aligned() should have one";
  }

  uint64_t RandomWord() {
    switch (random_() % 8) {
      case 0:
        return random_() % 3;
      case 1:
      case 2:
        return reinterpret_cast<uint64_t>(&stack_[random_() % kWords]);
      default:
        return pcs_[random_() % pcs_.size()];
    }
  }

  // Four frames without call frame information, called by one whose frame pointer is zero.
  Regs MakeFramePointerFrames() {
    for (size_t i = 0; i < kWords; i++) stack_[i] = 0;
    for (size_t i = 0; i < 4; i++) {
      stack_[4 * i] = i == 3 ? 0 : reinterpret_cast<uint64_t>(&stack_[4 * i + 4]);
      stack_[4 * i + 1] = 0x5000 + i;
    }
    return {0x4fff, bounds_.lo, bounds_.lo};
  }

  static constexpr size_t kWords = 96;

  std::mt19937_64 random_{11};
  std::vector<uint64_t> pcs_;
  alignas(16) uint64_t stack_[kWords];
  UnwindCache* cache_ = NewCache();
  StackBounds bounds_ = {reinterpret_cast<uint64_t>(stack_),
                         reinterpret_cast<uint64_t>(stack_ + kWords)};
  WalkMemo memo_;
};

TEST_F(MadeUpStackTest, EqualsTheWalkWithoutMemo) {
  CollectPcs();
  uint64_t ends[4] = {};
  uint64_t reused = 0;
  uint64_t deepest = 0;
  for (uint64_t& word : stack_) word = RandomWord();
  Regs start;
  for (int walk = 0; walk < 400'000; walk++) {
    if (walk % 8 == 0) {
      start = {pcs_[random_() % pcs_.size()], reinterpret_cast<uint64_t>(&stack_[random_() % 8]),
               RandomWord()};
    }
    for (uint64_t changes = random_() % 3; changes > 0; changes--) {
      stack_[random_() % kWords] = RandomWord();
    }
    const Plain plain = WalkPlain(start, cache_, bounds_, kFakeMax);
    const WalkMemo::Result result = memo_.Walk(start, cache_, bounds_);
    ASSERT_EQ(result.end, plain.end) << walk;
    ASSERT_EQ(result.depth, plain.frames.size()) << walk;
    ASSERT_EQ(result.hash, plain.hash) << walk;
    ends[static_cast<size_t>(result.end) - 1]++;
    reused += result.reused;
    deepest = std::max<uint64_t>(deepest, result.depth);
  }
  EXPECT_GT(ends[0], 1000u) << "roots";
  EXPECT_GT(ends[1], 1000u) << "lost";
  EXPECT_GT(ends[2], 100u) << "cut";
  EXPECT_GT(reused, 100'000u);
  EXPECT_EQ(deepest, kFakeMax);
}

TEST_F(MadeUpStackTest, ForgetsWhenTheBoundsChange) {
  const Regs start = MakeFramePointerFrames();
  EXPECT_EQ(memo_.Walk(start, cache_, bounds_).depth, 5u);
  EXPECT_EQ(memo_.Walk(start, cache_, bounds_).reused, 5u);
  const StackBounds narrow = {bounds_.lo, bounds_.lo + 64};
  const WalkMemo::Result result = memo_.Walk(start, cache_, narrow);
  EXPECT_EQ(result.depth, 3u);
  EXPECT_EQ(result.end, WalkEnd::kLost);
}

TEST_F(MadeUpStackTest, ForgetsWhenTheModulesChange) {
  static PageArena arena(os::MapPages);
  static ModuleRegistry registry(&arena);
  UnwindCache* cache = new UnwindCache;
  cache->Init(os::MapPages(UnwindCache::BytesFor(64)), 64);
  registry.Attach(cache->reader());
  // One frame that the frame pointer rule and its module's rule lead to different callers.
  CollectPcs();
  uint64_t pc = 0;
  for (uint64_t candidate : pcs_) {
    const CfiRule& rule = cache_->Find(candidate);
    if (rule.cfa == CfaKind::kSp && rule.ra != SlotKind::kUndefined) pc = candidate;
  }
  ASSERT_NE(pc, 0u);
  const int32_t cfa_words = cache_->Find(pc).cfa_offset / 8;
  for (uint64_t& word : stack_) word = 0;
  stack_[cfa_words - 1] = 0x6666;
  stack_[40 + 1] = 0x5555;
  const Regs start = {pc, bounds_.lo, bounds_.lo + 8 * 40};
  const WalkMemo::Result before = memo_.Walk(start, cache, bounds_);
  ASSERT_EQ(before.depth, 2u);
  EXPECT_EQ(memo_.frame(0).regs.pc, 0x5555u);
  registry.RefreshFromLoader();
  const WalkMemo::Result after = memo_.Walk(start, cache, bounds_);
  ASSERT_GE(after.depth, 2u);
  EXPECT_EQ(memo_.frame(after.depth - 2).regs.pc, 0x6666u);
}

// A signal handler that interrupts a walk may leave by longjmp, whatever the walk has changed.
TEST_F(MadeUpStackTest, ForgetsAWalkThatWasLeft) {
  const Regs start = MakeFramePointerFrames();
  uint64_t changing = 1;
  int left_before = 5;
  jmp_buf out;
  const auto key_of = [&](const Regs& regs) -> FrameKey {
    if (left_before-- == 0) longjmp(out, 1);
    return {regs.pc == 0x5001 ? changing : regs.pc, true};
  };
  const auto is_left = [&] {
    if (setjmp(out) != 0) return true;
    memo_.Walk(start, cache_, bounds_, key_of);
    return false;
  };
  for (int at = 0; at < 5; at++) {
    left_before = -1;
    changing = 1;
    memo_.Walk(start, cache_, bounds_, key_of);
    changing = 2;
    left_before = at;
    EXPECT_TRUE(is_left()) << at;
    left_before = -1;
    WalkMemo fresh;
    fresh.Init(os::MapPages(WalkMemo::BytesFor(kFakeMax)), kFakeMax);
    EXPECT_EQ(memo_.Walk(start, cache_, bounds_, key_of).hash,
              fresh.Walk(start, cache_, bounds_, key_of).hash)
        << at;
  }
}

TEST_F(MadeUpStackTest, ForgetsWhenTold) {
  const Regs start = MakeFramePointerFrames();
  memo_.Walk(start, cache_, bounds_);
  EXPECT_EQ(memo_.Walk(start, cache_, bounds_).reused, 5u);
  memo_.Forget();
  EXPECT_EQ(memo_.Walk(start, cache_, bounds_).reused, 0u);
}

}  // namespace
}  // namespace memtape
#endif
