// SPDX-License-Identifier: MIT
#include "v8/code_details.h"

#include <algorithm>

#include "base/varint.h"
#include "v8/heap_object.h"
#include "v8/layout.h"

namespace memtape::v8 {
namespace {

struct SizeTable {
  int major, minor;
  size_t count;
  const char* sizes;  // count digits for each of the three scales
};
constexpr SizeTable kSizeTables[] = {
#include "v8/bytecode_sizes.inc"
};
constexpr uint8_t kWide = 0;
constexpr uint8_t kExtraWide = 1;

const SizeTable* FindSizeTable() {
  const Layout& layout = GetLayout();
  for (const SizeTable& table : kSizeTables) {
    if (table.major == layout.major && table.minor == layout.minor) return &table;
  }
  return nullptr;
}

// Size of the bytecode at `at`, its prefix included; 0 when it is none.
size_t BytecodeSize(const SizeTable& table, const uint8_t* at, const uint8_t* end) {
  size_t scale = 0;
  size_t prefix = 0;
  if (*at == kWide || *at == kExtraWide) {
    scale = *at == kWide ? 1 : 2;
    prefix = 1;
    if (++at == end) return 0;
  }
  if (*at >= table.count) return 0;
  const char digit = table.sizes[scale * table.count + *at];
  return prefix + static_cast<size_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

// A byte array's contents. Both classes that V8 uses have the length as a small integer at 8.
std::span<const uint8_t> Bytes(uintptr_t tagged) {
  constexpr uint64_t kMaxBytes = 16 << 20;
  if (!IsHeapObject(tagged)) return {};
  const uintptr_t length = Field(tagged, 8);
  // The oddballs that stand for "no table" have something else there.
  if (!IsSmallInteger(length) || (length >> 32) > kMaxBytes) return {};
  return {reinterpret_cast<const uint8_t*>(tagged - 1 + 16), length >> 32};
}

// The Code object of the instructions at `code_start`, or 0.
uintptr_t CodeOf(uintptr_t code_start) {
  const Layout& layout = GetLayout();
  if (!layout.known) return 0;
  const uintptr_t code = LoadWord(code_start - layout.instruction_header + 8);
  return IsHeapObject(code) ? code : 0;
}

uintptr_t Element(uintptr_t array, size_t index) {
  const uintptr_t length = Field(array, 8);
  if (!IsSmallInteger(length) || index >= (length >> 32)) return 0;
  return Field(array, 16 + 8 * index);
}

// The bytecode that a SharedFunctionInfo leads to, or that stands in its place in the array.
uint64_t FirstBytecodeOf(uintptr_t tagged, uintptr_t bytecode_map) {
  const Layout& layout = GetLayout();
  tagged &= ~uintptr_t{2};  // weak references
  for (int depth = 0; depth < 4 && IsHeapObject(tagged); depth++) {
    if (Field(tagged, 0) == bytecode_map) return tagged - 1 + layout.bytecode_data;
    // SharedFunctionInfo: function_data; baseline Code: bytecode or InterpreterData, whose first
    // field is the bytecode. All of them are the first field after the map, but in Node 20's Code.
    tagged = Field(tagged, layout.IsCode(tagged) ? layout.code_first : 8);
  }
  return 0;
}

}  // namespace

PositionBytes ReadBytecodePositions(uintptr_t first_bytecode) {
  const Layout& layout = GetLayout();
  if (!layout.known) return {};
  return Bytes(LoadWord(first_bytecode - layout.bytecode_data + layout.bytecode_position_table));
}

PositionBytes ReadOptimizedPositions(uintptr_t code_start, std::span<InlinedFunction> inlined,
                                     size_t* inlined_count) {
  const Layout& layout = GetLayout();
  *inlined_count = 0;
  const uintptr_t code = CodeOf(code_start);
  if (code == 0) return {};
  const uintptr_t deopt = Field(code, layout.code_first);
  if (!IsHeapObject(deopt)) return {};
  const std::span<const uint8_t> positions = Bytes(Element(deopt, layout.deopt_inlining_positions));
  const uintptr_t literals = Element(deopt, layout.deopt_literals);
  // PodArray<InliningPosition>: u64 position of the call, i32 literal index of the callee.
  constexpr size_t kEntryBytes = 16;
  const size_t count = std::min(positions.size() / kEntryBytes, inlined.size());
  if (count > 0 && !IsHeapObject(literals)) return {};
  for (size_t i = 0; i < count; i++) {
    const uintptr_t entry = reinterpret_cast<uintptr_t>(positions.data()) + i * kEntryBytes;
    const int32_t function = Load<int32_t>(entry + 8);
    inlined[i].call_position = Load<uint64_t>(entry);
    inlined[i].first_bytecode =
        function < 0 ? 0
                     : FirstBytecodeOf(Element(literals, static_cast<size_t>(function)),
                                       layout.bytecode_map);
  }
  *inlined_count = count;
  return Bytes(Field(code, layout.code_positions));
}

size_t MakeBaselinePositions(uintptr_t code_start, std::span<uint8_t> out) {
  const Layout& layout = GetLayout();
  const SizeTable* sizes = FindSizeTable();
  const uintptr_t code = CodeOf(code_start);
  if (sizes == nullptr || code == 0) return 0;
  const uint64_t first = FirstBytecodeOf(Field(code, layout.code_first), layout.bytecode_map);
  if (first == 0) return 0;
  const uintptr_t length = LoadWord(first - layout.bytecode_data + 8);
  if (!IsSmallInteger(length)) return 0;
  const uint8_t* const begin = reinterpret_cast<const uint8_t*>(first);
  const uint8_t* const end = begin + (length >> 32);
  PositionReader positions(ReadBytecodePositions(first), layout.position_encoding);
  bool have_next = positions.Next();
  const std::span<const uint8_t> offsets = Bytes(Field(code, layout.code_positions));
  const uint8_t* in = offsets.data();
  const uint8_t* const in_end = in + offsets.size();
  // The offsets' table has the length of the machine code of each bytecode, after one for the
  // prologue. The position of a bytecode is that of the last entry at or before it.
  uint64_t length_in_code = 0;
  if ((in = ReadVarint(in, in_end, &length_in_code)) == nullptr) return 0;
  int64_t pc = static_cast<int64_t>(length_in_code);
  uint8_t* write = out.data();
  uint8_t* const write_end = write + out.size();
  int64_t written_pc = kPositionTableOrigin;
  int64_t written_raw = 0;
  int64_t raw = 0;
  for (const uint8_t* at = begin; at < end;) {
    for (; have_next && positions.offset() <= at - begin; have_next = positions.Next()) {
      raw = static_cast<int64_t>(positions.raw());
    }
    if (raw != written_raw) {
      if (write_end - write < 2 * static_cast<ptrdiff_t>(kMaxVarintBytes)) return 0;
      write = WriteVarint(write, ZigZag(pc - written_pc));
      write = WriteVarint(write, ZigZag(raw - written_raw));
      written_pc = pc;
      written_raw = raw;
    }
    if (in == in_end) break;
    if ((in = ReadVarint(in, in_end, &length_in_code)) == nullptr) return 0;
    pc += static_cast<int64_t>(length_in_code);
    const size_t size = BytecodeSize(*sizes, at, end);
    if (size == 0) return 0;
    at += size;
  }
  return static_cast<size_t>(write - out.data());
}

}  // namespace memtape::v8
