// SPDX-License-Identifier: MIT
// Takes captures apart for tests of what writes them: blocks, prologues, long records.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "base/varint.h"
#include "format/encode.h"

namespace memtape {

struct LongRecord {
  LongTag tag;
  std::string body;

  // All varints of a body that has nothing else.
  std::vector<uint64_t> numbers() const {
    std::vector<uint64_t> values;
    const auto* at = reinterpret_cast<const uint8_t*>(body.data());
    const uint8_t* const end = at + body.size();
    while (at != end) {
      uint64_t value = 0;
      at = ReadVarint(at, end, &value);
      if (at == nullptr) return {};
      values.push_back(value);
    }
    return values;
  }
};

// A stack record (format.md §4.5), its frames as written: 0 is a predicted one.
struct StackDefinition {
  uint64_t flags;
  uint64_t above;  // next_node - parent
  std::vector<uint64_t> frames;
};

struct Block {
  std::array<uint64_t, 8> prologue;  // in the order of format.md §3.1
  std::vector<LongRecord> records;
  std::vector<StackDefinition> stacks;
  size_t bytes;
};

// The blocks of a capture that holds long records, stacks and times only. Fails the test at the
// first byte that does not belong to a whole block.
inline std::vector<Block> ReadBlocks(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto word = [&](size_t at) {
    uint32_t value;
    memcpy(&value, data + at, sizeof value);
    return value;
  };
  std::vector<Block> blocks;
  size_t at = kFileHeaderBytes;
  while (at < bytes.size()) {
    const size_t size = at + kBlockHeaderBytes > bytes.size() ? SIZE_MAX : word(at);
    if (size > bytes.size() - at - kBlockHeaderBytes) {
      ADD_FAILURE() << "torn block at " << at;
      return blocks;
    }
    EXPECT_EQ(word(at + kBlockCrcOffset),
              Crc32c(0, data + at + kBlockKindOffset, size + kBlockHeaderBytes - kBlockKindOffset));
    Block block;
    block.bytes = size + kBlockHeaderBytes;
    const uint8_t* in = data + at + kBlockHeaderBytes;
    const uint8_t* const end = in + size;
    for (uint64_t& value : block.prologue) in = ReadVarint(in, end, &value);
    while (in != end) {
      const uint8_t tag = *in++;
      uint64_t value = 0;
      in = ReadVarint(in, end, &value);  // of a time, or the length
      if (in == nullptr || (tag >= kFirstLongTag && value > static_cast<uint64_t>(end - in))) {
        ADD_FAILURE() << "torn record in the block at " << at;
        return blocks;
      }
      if (tag == kStackTag) {
        StackDefinition stack{value & 15, 0, std::vector<uint64_t>(value >> 4)};
        in = ReadVarint(in, end, &stack.above);
        for (uint64_t& frame : stack.frames) in = ReadVarint(in, end, &frame);
        block.stacks.push_back(stack);
        continue;
      }
      if (tag < kFirstLongTag) {
        EXPECT_EQ(tag, kTimeTag);
        continue;
      }
      block.records.push_back({LongTag{tag}, {reinterpret_cast<const char*>(in), value}});
      in += value;
    }
    blocks.push_back(block);
    at += block.bytes;
  }
  return blocks;
}

}  // namespace memtape
