// SPDX-License-Identifier: MIT

#include "track/dictionary.h"

#include <random>
#include <set>

#include "log/log_fixture.h"

namespace memtape {
namespace {

class DictionaryTest : public LogTest {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    dictionary_.Start(&writer_);
  }
  void TearDown() override {
    dictionary_.Clear();
    LogTest::TearDown();
  }
  uint32_t Stack(uint32_t node, uint32_t flags = 0) { return dictionary_.Stack(node, flags); }

  Dictionary dictionary_;
};

TEST_F(DictionaryTest, DefinesEachStringOnce) {
  EXPECT_EQ(dictionary_.String(""), 0u);
  std::set<uint32_t> ids;
  // Around the word size of the hash, with zeroes and ends that differ only in length.
  const std::string zeroes(20, '\0');
  const std::string text = "abcdefghijklmnopqrst";
  for (int round = 0; round < 2; round++) {
    for (size_t length = 1; length <= 20; length++) {
      ids.insert(dictionary_.String(zeroes.substr(0, length)));
      ids.insert(dictionary_.String(text.substr(0, length)));
      ids.insert(dictionary_.String(text.substr(20 - length)));
    }
  }
  // text itself came twice in each round.
  EXPECT_EQ(ids.size(), 59u);
  EXPECT_EQ(*ids.begin(), 1u);
  EXPECT_EQ(*ids.rbegin(), 59u);
  const std::vector<LongRecord> strings = Records(LongTag::kString);
  ASSERT_EQ(strings.size(), 59u);
  EXPECT_EQ(strings[dictionary_.String("abcdefgh") - 1].body, "abcdefgh");
}

TEST_F(DictionaryTest, ManyStringsDoNotCollide) {
  for (uint32_t i = 1; i <= 200'000; i++) {
    ASSERT_EQ(dictionary_.String("function" + std::to_string(i)), i);
  }
  EXPECT_EQ(dictionary_.String("function777"), 777u);
  EXPECT_GT(Blocks().size(), 1u);
}

TEST_F(DictionaryTest, AFunctionIsItsNameAndPlace) {
  const FunctionRecord function = {.name = 1, .file = 2, .line = 3, .column = 4, .script_id = 5};
  const uint32_t id = dictionary_.Function(function);
  EXPECT_EQ(dictionary_.Function(function), id);
  // Each worker compiles the same file under a script id of its own.
  FunctionRecord other = function;
  other.script_id = 6;
  EXPECT_EQ(dictionary_.Function(other), id);
  for (uint32_t FunctionRecord::*field : {&FunctionRecord::name, &FunctionRecord::file,
                                          &FunctionRecord::line, &FunctionRecord::column}) {
    other = function;
    other.*field += 1;
    EXPECT_NE(dictionary_.Function(other), id);
  }
  EXPECT_EQ(Records(LongTag::kFunction).size(), 5u);
}

TEST_F(DictionaryTest, AFrameIsAllOfItsFields) {
  std::set<uint32_t> ids;
  const FrameRecord native = {.kind = FrameKind::kNative, .module = 1, .offset = 0x1000};
  const FrameRecord script = {
      .kind = FrameKind::kInterpreted, .function = 1, .line = 2, .column = 3};
  for (int round = 0; round < 2; round++) {
    ids.insert(dictionary_.Frame(native));
    ids.insert(dictionary_.Frame({.kind = FrameKind::kNative, .module = 2, .offset = 0x1000}));
    ids.insert(dictionary_.Frame({.kind = FrameKind::kNative, .module = 1, .offset = 0x1001}));
    ids.insert(dictionary_.Frame(script));
    for (const FrameKind kind : {FrameKind::kBaseline, FrameKind::kMaglev, FrameKind::kTurbofan}) {
      FrameRecord other = script;
      other.kind = kind;
      ids.insert(dictionary_.Frame(other));
    }
    ids.insert(dictionary_.Frame({.kind = FrameKind::kInterpreted, .function = 1, .line = 3}));
    ids.insert(dictionary_.Frame({.kind = FrameKind::kLabel, .label = 1}));
    ids.insert(dictionary_.Frame({.kind = FrameKind::kLabel, .label = 2}));
  }
  EXPECT_EQ(ids.size(), 10u);
  EXPECT_EQ(Records(LongTag::kFrame).size(), 10u);
}

TEST_F(DictionaryTest, NewNodesComeWithTheirStack) {
  uint32_t node = 0;
  for (uint32_t frame = 1; frame <= kMaxFrames; frame++) {
    node = dictionary_.Node(node, frame);
    ASSERT_EQ(node, frame);
  }
  EXPECT_TRUE(Stacks().empty()) << "nodes wait for their stack";
  const uint32_t stack = Stack(node);
  ASSERT_EQ(Stacks().size(), 1u);
  EXPECT_EQ(Stacks()[0].frames.size(), kMaxFrames);
  EXPECT_EQ(writer_.encoder().state().next_node, kMaxFrames + 1);
  // A stack that shares them adds what is new, and nothing when nothing is.
  EXPECT_NE(Stack(dictionary_.Node(500, 9999)), stack);
  ASSERT_EQ(Stacks().size(), 2u);
  EXPECT_EQ(Stacks()[1].above, kMaxFrames + 1 - 500);
  EXPECT_EQ(Stacks()[1].frames, (std::vector<uint64_t>{9999}));
  EXPECT_EQ(writer_.encoder().state().next_node, kMaxFrames + 2);
  EXPECT_EQ(Stack(dictionary_.Node(kMaxFrames - 1, kMaxFrames)), stack);
  EXPECT_EQ(Stacks().size(), 2u);
  // One that ends at a node of another is a stack without new nodes.
  EXPECT_EQ(Stack(300), 3u);
  EXPECT_TRUE(Stacks()[2].frames.empty());
  EXPECT_EQ(dictionary_.stack(3).node, 300u);
}

TEST_F(DictionaryTest, ANodeIsItsParentAndItsFrame) {
  const uint32_t first = dictionary_.Node(0, 1);
  EXPECT_NE(dictionary_.Node(0, 2), first);
  EXPECT_NE(dictionary_.Node(first, 1), first);
  EXPECT_EQ(dictionary_.Node(0, 1), first);
}

TEST_F(DictionaryTest, StacksDifferInNodeOrFlags) {
  const uint32_t node = dictionary_.Node(0, 1);
  const uint32_t stack = Stack(node);
  EXPECT_EQ(Stack(node), stack);
  std::set<uint32_t> ids = {stack};
  for (uint32_t flags = 1; flags < 16; flags++) ids.insert(Stack(node, flags));
  ids.insert(Stack(0, 0));  // the empty stack
  EXPECT_EQ(ids.size(), 17u);
  EXPECT_EQ(Stacks().size(), 17u);
}

TEST_F(DictionaryTest, KeepsItsWordOverBlocks) {
  // Random stacks, flushed now and then: ids must be the same as without.
  std::mt19937 random(5);
  std::vector<std::vector<uint32_t>> stacks;
  std::vector<uint32_t> ids;
  for (int i = 0; i < 20'000; i++) {
    if (random() % 100 == 0) writer_.Flush();
    uint32_t node = 0;
    if (stacks.empty() || random() % 2 == 0) {
      std::vector<uint32_t> frames(random() % 12);
      for (uint32_t& frame : frames) frame = 1 + random() % 6;
      for (const uint32_t frame : frames) node = dictionary_.Node(node, frame);
      stacks.push_back(frames);
      ids.push_back(Stack(node));
    } else {
      const size_t known = random() % stacks.size();
      for (const uint32_t frame : stacks[known]) node = dictionary_.Node(node, frame);
      ASSERT_EQ(Stack(node), ids[known]);
    }
  }
  const std::set<std::vector<uint32_t>> distinct(stacks.begin(), stacks.end());
  EXPECT_EQ(writer_.encoder().state().next_stack, distinct.size() + 1);
}

TEST_F(DictionaryTest, ForgetsEverythingWhenItStartsAgain) {
  dictionary_.String("a");
  Stack(dictionary_.Node(0, 1));
  dictionary_.stack_state(1).last_size = 5;
  writer_.Start(&file_, &tails_);
  dictionary_.Start(&writer_);
  EXPECT_EQ(dictionary_.stack_state(1).last_size, 0u);
  EXPECT_EQ(dictionary_.String("b"), 1u);
  EXPECT_EQ(dictionary_.Node(0, 7), 1u);
  EXPECT_EQ(Stack(1), 1u);
}

}  // namespace
}  // namespace memtape
