// SPDX-License-Identifier: MIT
// Where the calls in a piece of code stand in the source: V8's position tables, read at the moment
// when V8 tells of the code. On the isolate's thread, outside GC.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "log/ring_records.h"

namespace memtape::v8 {

// V8's encoding of a position table (source-position-table.cc): per entry the zigzag varint of the
// code offset's delta, as -delta - 1 when the position is not a statement's, and that of the raw
// position's delta. Offsets start from kPositionTableOrigin: the entry of the function, before its
// first instruction.
inline constexpr int64_t kPositionTableOrigin = -1;
using PositionTable = std::span<const uint8_t>;

// A raw position: bit 0 external, bits 1-30 offset in the script + 1, bits 31-46 inlining id + 1.
inline constexpr unsigned kPositionInliningShift = 31;
constexpr int64_t ScriptOffset(uint64_t raw) {
  return static_cast<int64_t>(raw >> 1 & ((uint64_t{1} << 30) - 1)) - 1;
}
constexpr int64_t InliningId(uint64_t raw) {
  return static_cast<int64_t>(raw >> kPositionInliningShift & 0xFFFF) - 1;
}

// The table of bytecode that starts at `first_bytecode`; empty when V8 has not made it.
PositionTable ReadBytecodePositions(uintptr_t first_bytecode);

// The same for machine code that Maglev or TurboFan made, and what was inlined into it, by inlining
// id, as many as `inlined` holds. *inlined_count is set.
PositionTable ReadOptimizedPositions(uintptr_t code_start, std::span<InlinedFunction> inlined,
                                     size_t* inlined_count);

// Baseline code has a table of its own that leads to bytecode offsets; this makes a position table
// of it in `out`. Returns its size, 0 when it cannot be made.
size_t MakeBaselinePositions(uintptr_t code_start, std::span<uint8_t> out);

}  // namespace memtape::v8
