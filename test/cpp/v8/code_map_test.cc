// SPDX-License-Identifier: MIT

#include "v8/code_map.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/varint.h"
#include "v8/call_sites.h"
#include "v8/position_table.h"

namespace memtape::v8 {
namespace {

constexpr uint32_t kThread = 1;
constexpr uint32_t kScript = 7;
constexpr uint64_t kCaller = 0x10000, kCallee = 0x20000, kMachine = 0x30000;
constexpr uint64_t kBytes = 0x1000;

struct Position {
  int64_t offset;
  int64_t source;
  int64_t inlining = -1;
};

std::vector<uint8_t> PositionTable(const std::vector<Position>& positions) {
  std::vector<uint8_t> bytes;
  int64_t offset = kPositionTableOrigin, raw = 0;
  for (const Position& position : positions) {
    const int64_t next = (position.source + 1) << 1 | (position.inlining + 1) << 31;
    for (const int64_t delta : {position.offset - offset, next - raw}) {
      uint8_t buffer[kMaxVarintBytes];
      bytes.insert(bytes.end(), buffer, WriteVarint(buffer, ZigZag(delta)));
    }
    offset = position.offset;
    raw = next;
  }
  return bytes;
}

struct Site {
  int64_t return_offset;
  std::vector<SiteFrame> frames;
};

class CodeMapTest : public testing::Test {
 protected:
  void SetUp() override {
    ScriptHead head = {};
    head.script_id = kScript;
    map_.AddScript(kThread, head, "a.js", "");
    // Twenty lines of ten characters: position 10 * line + column.
    const std::vector<uint8_t> lengths(20, 10);
    map_.AddScriptLines(kThread, kScript, 20, lengths.data(), lengths.size());
  }
  void TearDown() override { map_.Clear(); }

  void Add(uint64_t start, uint16_t type, const std::string& name,
           const std::vector<Position>& positions, const std::vector<uint64_t>& functions = {},
           const std::vector<InlinedFunction>& inlined = {}, const std::vector<Site>& sites = {}) {
    const std::vector<uint8_t> table = PositionTable(positions);
    std::vector<uint8_t> site_bytes(4096);
    CallSiteWriter writer(site_bytes);
    for (const Site& site : sites) ASSERT_TRUE(writer.Add(site.return_offset, site.frames));
    CodeHead head = {};
    head.start = start;
    head.length = kBytes;
    head.script_id = kScript;
    head.type = type;
    head.name_bytes = static_cast<uint32_t>(name.size());
    head.function_count = static_cast<uint32_t>(functions.size());
    head.inlined_count = static_cast<uint32_t>(inlined.size());
    head.positions_bytes = static_cast<uint32_t>(table.size());
    head.sites_bytes = static_cast<uint32_t>(writer.size());
    head.exit_start = 0x800;
    head.exit_bytes = 4;
    std::vector<uint8_t> record;
    const auto append = [&](const void* data, size_t bytes) {
      const uint8_t* const from = static_cast<const uint8_t*>(data);
      record.insert(record.end(), from, from + bytes);
    };
    append(&head, sizeof head);
    append(name.data(), name.size());
    append(functions.data(), functions.size() * sizeof(uint64_t));
    append(inlined.data(), inlined.size() * sizeof(InlinedFunction));
    append(table.data(), table.size());
    append(site_bytes.data(), writer.size());
    map_.AddCode(kThread, record.data());
  }

  void AddCaller() { Add(kCaller, 0, "JS:~caller a.js:1:1", {{0, 11}, {20, 31}}); }
  void AddCallee() { Add(kCallee, 0, "JS:~callee a.js:5:1", {{0, 51}, {8, 62}}); }
  // The table of positions says line 15 for both calls: as for a peeled loop.
  void AddMachine() {
    Add(kMachine, 1, "JS:*caller a.js:1:1", {{0, 150}, {0x50, 62, 0}, {0x60, 150}},
        {kCaller, kCallee}, {{uint64_t{12} << 1, 1}},
        {{0x20, {{0, 20}}}, {0x40, {{0, 20}, {1, 9}}}, {0x48, {}}});
  }

  // "callee:7 caller:4": innermost first.
  std::string At(uint64_t address) { return At(address, address); }

  // What code that is found by one address says of another.
  std::string At(uint64_t found_by, uint64_t address) {
    CodeMap::Code* const code = map_.Find(found_by);
    if (code == nullptr) return "none";
    CodeMap::Call calls[CodeMap::kMaxCalls];
    std::string text;
    const size_t count = map_.Calls(code, address, calls);
    for (size_t i = 0; i < count; i++) {
      const CodeName name = ParseCodeName(map_.Name(*calls[i].code), map_.Url(*calls[i].code));
      if (i > 0) text += ' ';
      text += std::string(name.function) + ':' + std::to_string(calls[i].place.line);
    }
    return text;
  }

  CodeMap map_;
};

TEST_F(CodeMapTest, CallSitesSayMoreThanTheTable) {
  AddCaller();
  AddCallee();
  AddMachine();
  EXPECT_EQ(At(kMachine + 0x20), "caller:4");
  EXPECT_EQ(At(kMachine + 0x40), "callee:7 caller:4");
}

TEST_F(CodeMapTest, TheEntryOfAFunctionIsBeforeItsFirstBytecode) {
  const auto bytecode_at = [this](uint64_t address) {
    const CodeMap::Code* const code = map_.FindBytecode(address);
    return code == nullptr ? "none" : At(code->start, address);
  };
  AddCaller();
  AddCallee();
  Add(0x40000, 0, "JS:~entered a.js:3:1", {{-1, 30}, {0, 41}});
  EXPECT_EQ(bytecode_at(0x40000 - 1), "entered:4");
  EXPECT_EQ(bytecode_at(0x40000), "entered:5");
  EXPECT_EQ(bytecode_at(kCaller + 20), "caller:4");
  EXPECT_EQ(bytecode_at(kCaller - 1), "caller:0") << "this table has no entry";
  EXPECT_EQ(bytecode_at(kCaller - 2), "none");
  EXPECT_EQ(bytecode_at(kCaller + kBytes - 1), "caller:4") << "its last byte";
  EXPECT_EQ(bytecode_at(kCaller + kBytes), "none");
}

TEST_F(CodeMapTest, TheTableSaysWhatIsNoCallSite) {
  AddCaller();
  AddCallee();
  AddMachine();
  EXPECT_EQ(At(kMachine + 0x30), "caller:16");
  EXPECT_EQ(At(kMachine + 0x48), "caller:16") << "a site that did not verify";
  EXPECT_EQ(At(kMachine + 0x58), "callee:7 caller:2");
}

TEST_F(CodeMapTest, ExitsStandForTheirCalls) {
  AddCaller();
  AddCallee();
  AddMachine();
  EXPECT_EQ(At(kMachine + 0x800), "caller:4");
  EXPECT_EQ(At(kMachine + 0x804), "callee:7 caller:4");
  EXPECT_EQ(At(kMachine + 0x802), "caller:16") << "between two exits";
}

TEST_F(CodeMapTest, BytecodeMayBeToldAfterTheCodeThatInlinedIt) {
  AddMachine();
  EXPECT_EQ(At(kMachine + 0x40), "caller:16") << "falls back";
  AddCallee();
  AddCaller();
  EXPECT_EQ(At(kMachine + 0x40), "callee:7 caller:4");
}

TEST_F(CodeMapTest, FunctionsAreThoseOfTheirTime) {
  AddCaller();
  AddCallee();
  AddMachine();
  Add(kCallee, 0, "JS:~other a.js:9:1", {{0, 95}});
  EXPECT_EQ(At(kMachine + 0x40), "callee:7 caller:4");
  EXPECT_EQ(At(kCallee + 3), "other:10");
}

TEST_F(CodeMapTest, MovedCodeKeepsItsCallSites) {
  AddCaller();
  AddCallee();
  AddMachine();
  map_.Move(kCallee, 0x50000);
  map_.Move(kMachine, 0x40000);
  EXPECT_EQ(At(0x40000 + 0x40), "callee:7 caller:4");
  EXPECT_EQ(At(0x40000 + 0x804), "callee:7 caller:4");
  EXPECT_EQ(At(0x50000 + 8), "callee:7");
}

TEST_F(CodeMapTest, AnswersStandUntilWhatWasAskedForIsReplaced) {
  AddCaller();
  AddCallee();
  AddMachine();
  const uint32_t start = map_.generation();
  map_.Move(kCallee, 0x50000);
  Add(kCallee, 0, "JS:~other a.js:9:1", {{0, 95}});
  EXPECT_EQ(map_.generation(), start) << "nobody has asked for what was there";
  EXPECT_EQ(At(kMachine + 0x40), "callee:7 caller:4");
  map_.Move(kMachine, 0x40000);
  EXPECT_EQ(map_.generation(), start) << "it has moved, and is still where it was";
  EXPECT_EQ(At(kMachine + 0x40), "callee:7 caller:4");
  // Over the middle of it, among the latest and among the sorted ranges.
  Add(kMachine + 0x100, 0, "JS:~other a.js:9:1", {{0, 95}});
  EXPECT_NE(map_.generation(), start);
  EXPECT_EQ(At(0x40000 + 0x40), "callee:7 caller:4");
  for (uint64_t i = 0; i < 600; i++) Add(0x100000 + i * 0x1000, 0, "JS:~f a.js:9:1", {{0, 95}});
  const uint32_t later = map_.generation();
  Add(0x40000 + 0x100, 0, "JS:~other a.js:9:1", {{0, 95}});
  EXPECT_NE(map_.generation(), later);
}

TEST_F(CodeMapTest, WhatWasAskedForInVainMayCome) {
  AddCaller();
  const uint32_t start = map_.generation();
  map_.AskedInVain(kCallee + 3);
  map_.Move(kCaller, 0x50000);
  EXPECT_EQ(map_.generation(), start) << "it came elsewhere";
  map_.Move(0x50000, kCallee);
  EXPECT_NE(map_.generation(), start);
  const uint32_t later = map_.generation();
  Add(0x60000, 0, "JS:~f a.js:9:1", {{0, 95}});
  EXPECT_EQ(map_.generation(), later);
}

TEST_F(CodeMapTest, FunctionsWithoutPositionsLeaveThemToTheTable) {
  AddCaller();
  Add(kCallee, 0, "JS:~callee a.js:5:1", {});
  AddMachine();
  EXPECT_EQ(At(kMachine + 0x20), "caller:4");
  EXPECT_EQ(At(kMachine + 0x40), "caller:16");
}

}  // namespace
}  // namespace memtape::v8
