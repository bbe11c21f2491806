// SPDX-License-Identifier: MIT
#include "v8/js_memo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <vector>

namespace memtape::v8 {
namespace {

constexpr size_t kWords = 1 << 14;
constexpr size_t kMaxLinks = 512;
constexpr uint64_t kEntryMarker = 2, kConstructMarker = 4, kWasmMarker = 6, kStubMarker = 8;
constexpr uintptr_t kTrampolines = 0x7000'0000;

// One frame of a made-up stack, leaf last.
struct MadeFrame {
  uint64_t marker;
  uintptr_t pc;
  uint64_t bytecode, offset;
  size_t words;  // from its frame pointer to that of its callee
};

class JsMemoTest : public testing::Test {
 protected:
  JsMemoTest() : memory_(JsMemo::BytesFor(kMaxLinks)) {
    isolate_.c_entry_fp = &c_entry_fp_;
    isolate_.fast_c_call_fp = &fast_fp_;
    isolate_.fast_c_call_pc = &fast_pc_;
    isolate_.entry_marker = kEntryMarker;
    isolate_.construct_entry_marker = kConstructMarker;
    isolate_.wasm_marker = kWasmMarker;
    isolate_.AddTrampoline({kTrampolines, 0x100});
    memo_.Init(memory_.data(), kMaxLinks);
  }

  MadeFrame RandomFrame() {
    const uint64_t context = 0x1000'0001 + Below(1000) * 8;
    const uint64_t code = 0x4000'0000 + Below(40);
    MadeFrame frame = {context, code, 0x2000'0000 + Below(5) * 0x1000, Below(20), 11 + Below(6)};
    switch (Below(8)) {
      case 0:
      case 1:
      case 2:
        frame.pc = kTrampolines + Below(3);
        break;
      case 3:
        frame.marker = kStubMarker;
        break;
      case 4:
        frame.marker = kWasmMarker;
        break;
      case 5:
        frame.marker = Below(2) == 0 ? kEntryMarker : kConstructMarker;
        break;
    }
    return frame;
  }

  // Writes the frames where V8 would have them: a frame's caller is at [fp], its return address,
  // which is the caller's pc, behind it. C++ between an entry frame and what called it has a frame
  // pointer of its own.
  void Write(std::span<uint64_t> stack, const std::vector<MadeFrame>& frames) {
    isolate_.stack_high = reinterpret_cast<uintptr_t>(stack.data() + stack.size());
    uint64_t* at = stack.data() + stack.size() - 16;
    uint64_t* exit = nullptr;  // the frame through which the innermost JavaScript called C++
    uint64_t* caller = nullptr;
    uintptr_t caller_pc = 0;
    for (const MadeFrame& frame : frames) {
      const bool entry = &frame == &frames[0] || IsEntry(frame);
      if (entry && caller != nullptr) {
        // The exit frame: between the caller and this one.
        at -= frame.words;
        at[0] = reinterpret_cast<uint64_t>(caller);
        at[1] = caller_pc;
        exit = at;
        at -= 28 - frame.words;  // entry frames stay where they are when these move
      } else {
        at -= frame.words;
      }
      at[0] = entry ? 0x1234 : reinterpret_cast<uint64_t>(caller);
      at[1] = entry ? 0x5678 : caller_pc;
      at[-1] = &frame == &frames[0] ? kEntryMarker : frame.marker;
      at[-4] = frame.bytecode;
      at[-5] = frame.offset << 32;
      if (entry) at[kEntryFrameCEntryFp / 8] = reinterpret_cast<uint64_t>(exit);
      caller = at;
      caller_pc = frame.pc;
    }
    at -= 10;
    at[0] = reinterpret_cast<uint64_t>(caller);
    at[1] = caller_pc;
    c_entry_fp_ = reinterpret_cast<uintptr_t>(at);
    if (Below(4) == 0) {
      fast_fp_ = reinterpret_cast<uintptr_t>(caller);
      fast_pc_ = caller_pc;
    } else {
      fast_fp_ = 0;
    }
  }

  static bool IsEntry(const MadeFrame& frame) {
    return frame.marker == kEntryMarker || frame.marker == kConstructMarker;
  }

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  // One walk with the memo and one without.
  void ExpectEqual(size_t max_keys) {
    std::vector<uint64_t> expected(max_keys), got(max_keys);
    const JsWalk walk = WalkJs(isolate_, expected.data(), max_keys);
    FrameHash hash;
    const size_t count = memo_.Walk(isolate_, max_keys, &hash);
    if (walk.cut || walk.lost || walk.count == 0) {
      ASSERT_EQ(count, 0u);
      ASSERT_FALSE(memo_.holds());
      ASSERT_EQ(hash.value(), FrameHash().value());
      failed_++;
      return;
    }
    ASSERT_EQ(count, walk.count);
    ASSERT_TRUE(memo_.holds());
    memo_.CopyKeys(got.data());
    ASSERT_EQ(got, expected);
    expected.resize(walk.count);
    const auto [known, is_new] = hashes_.try_emplace(expected, hash.value());
    ASSERT_EQ(known->second, hash.value());
    ASSERT_EQ(stacks_.try_emplace(hash.value(), expected).first->second, expected);
    if (!is_new) again_++;
  }

  std::mt19937_64 random_{20};
  uintptr_t c_entry_fp_ = 0, fast_fp_ = 0, fast_pc_ = 0;
  IsolateFrames isolate_;
  std::vector<uint8_t> memory_;
  JsMemo memo_;
  std::map<std::vector<uint64_t>, uint64_t> hashes_;
  std::map<uint64_t, std::vector<uint64_t>> stacks_;
  size_t failed_ = 0, again_ = 0;
};

// The stack is the test's own: walkers look above their own frame only.
[[gnu::noinline]] void OnOwnStack(auto&& body) {
  uint64_t words[kWords] = {};
  asm volatile("" : : "r"(words) : "memory");
  body(std::span<uint64_t>(words));
}

TEST_F(JsMemoTest, IsTheSameAsWalkingWhateverHasChanged) {
  OnOwnStack([&](std::span<uint64_t> words) {
    std::vector<MadeFrame> frames = {RandomFrame()};
    for (int round = 0; round < 30'000; round++) {
      switch (Below(9)) {
        case 0:  // returns
        case 1:
          frames.resize(std::max<size_t>(1, frames.size() - std::min(frames.size(), Below(12))));
          break;
        case 2:  // calls
        case 3:
        case 4:
          for (uint64_t i = Below(10); i > 0 && frames.size() < 200; i--) {
            frames.push_back(RandomFrame());
          }
          break;
        case 5:  // a frame in the middle goes on to its next call, or is another one of the same
                 // size
          if (Below(2) == 0) {
            frames[Below(frames.size())].offset++;
          } else {
            frames[Below(frames.size())].pc = 0x4000'0000 + Below(40);
          }
          break;
        case 6:
          frames[Below(frames.size())] = RandomFrame();
          break;
        case 7: {
          MadeFrame& frame = frames[Below(frames.size())];
          constexpr uint64_t kMarkers[] = {kStubMarker, kWasmMarker, 0x1000'0001};
          if (IsEntry(frame)) {
            frame.words = 11 + Below(6);
          } else {
            frame.marker = kMarkers[Below(3)];
          }
          break;
        }
        default:  // nothing
          break;
      }
      Write(words, frames);
      // Now and then too small for the stack.
      ExpectEqual(Below(50) == 0 ? 5 : 250);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(failed_, 100u);
    EXPECT_GT(again_, 3'000u);
  });
}

TEST_F(JsMemoTest, ATrampolineThatBecomesKnownChangesKeys) {
  OnOwnStack([&](std::span<uint64_t> words) {
    std::vector<MadeFrame> frames(20, {0x1000'0001, 0x4000'0000, 0x2000'0000, 7, 11});
    Write(words, frames);
    ExpectEqual(250);
    isolate_.AddTrampoline({0x4000'0000, 0x10});
    ExpectEqual(250);
    EXPECT_EQ(stacks_.size(), 2u);
  });
}

TEST_F(JsMemoTest, AFramePointerThatLeadsNowhereEndsTheMemoToo) {
  OnOwnStack([&](std::span<uint64_t> words) {
    std::vector<MadeFrame> frames(20, {0x1000'0001, 0x4000'0000, 0x2000'0000, 7, 11});
    for (const uint64_t nowhere : {uint64_t{0}, uint64_t{0x11}, ~uint64_t{0} - 7}) {
      Write(words, frames);
      fast_fp_ = 0;
      ExpectEqual(250);
      const uint64_t leaf = *reinterpret_cast<uint64_t*>(c_entry_fp_);
      *reinterpret_cast<uint64_t*>(leaf) = nowhere;
      ExpectEqual(250);
    }
    EXPECT_EQ(failed_, 3u);
  });
}

// The deoptimizer's second call has written over what its first call still saw.
TEST_F(JsMemoTest, KnowsTheStackUnderTheDeoptimizer) {
  OnOwnStack([&](std::span<uint64_t> stack) {
    std::vector<MadeFrame> frames = {RandomFrame()};
    for (int i = 0; i < 20; i++) {
      frames.push_back({0x1000'0001, 0x4000'0000u + static_cast<uint64_t>(i), 0, 0, 12});
    }
    Write(stack, frames);
    const uintptr_t replaced = *reinterpret_cast<uintptr_t*>(c_entry_fp_);
    const auto call = [&](uintptr_t fp, uintptr_t pc) {
      c_entry_fp_ = fast_fp_ = fp;
      fast_pc_ = pc;
      FrameHash hash;
      std::vector<uint64_t> keys(64);
      const size_t count = memo_.Walk(isolate_, keys.size(), &hash);
      if (memo_.holds()) memo_.CopyKeys(keys.data());
      keys.resize(count);
      return std::pair(keys, hash.value());
    };
    constexpr uintptr_t kFirst = 0x5000'0101, kSecond = kFirst + 450, kOther = kFirst + 0x340;
    const auto first = call(replaced, kFirst);
    ASSERT_EQ(first.first.size(), 20u);
    EXPECT_EQ(first.first[0], kFirst);
    auto* const words = reinterpret_cast<uint64_t*>(replaced);
    const std::vector<uint64_t> before(words - 5, words + 2);
    std::fill(words - 5, words + 2, 0xBEEF'DEAD);
    EXPECT_EQ(call(replaced, kSecond), first);
    EXPECT_EQ(call(replaced, kSecond), first);
    EXPECT_TRUE(call(replaced + 96, kSecond).first.size() != 20u) << "another frame";
    EXPECT_TRUE(call(replaced, kSecond).first.empty()) << "after another walk";
    std::copy(before.begin(), before.end(), words - 5);
    EXPECT_EQ(call(replaced, kFirst), first);
    std::fill(words - 5, words + 2, 0xBEEF'DEAD);
    EXPECT_TRUE(call(replaced, kOther).first.empty()) << "the first call of another kind";
    std::copy(before.begin(), before.end(), words - 5);
    EXPECT_EQ(call(replaced, kFirst), first);
    memo_.Forget();
    std::fill(words - 5, words + 2, 0xBEEF'DEAD);
    EXPECT_TRUE(call(replaced, kSecond).first.empty()) << "forgotten";
  });
}

}  // namespace
}  // namespace memtape::v8
