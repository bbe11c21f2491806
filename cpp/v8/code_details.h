// SPDX-License-Identifier: MIT
// Where the calls in a piece of code stand in the source: V8's position tables, read at the moment
// when V8 tells of the code. On the isolate's thread, outside GC.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "log/ring_records.h"
#include "v8/position_table.h"

namespace memtape::v8 {

// The table of bytecode that starts at `first_bytecode`; empty when V8 has not made it.
PositionBytes ReadBytecodePositions(uintptr_t first_bytecode);

// Code of V8's own, in the order in which V8 lists it: since V8 12 that of its ids.
struct Builtin {
  uintptr_t start;
  char name[48];  // cut
};

// What there is to know of machine code that Maglev or TurboFan made. The caller gives the room.
struct OptimizedDetails {
  std::span<uint64_t> functions;  // see CodeHead
  std::span<InlinedFunction> inlined;
  std::span<uint8_t> sites;
  std::span<const Builtin> builtins;
  size_t function_count = 0, inlined_count = 0, sites_bytes = 0;
  uint32_t exit_start = 0, exit_bytes = 0;
  PositionBytes positions;
};
void ReadOptimizedDetails(uintptr_t code_start, size_t code_bytes, bool maglev,
                          OptimizedDetails* details);

// The tagged SharedFunctionInfo that such code was made for, or 0.
uintptr_t FunctionOfCode(uintptr_t code_start);

// Baseline code has a table of its own that leads to bytecode offsets; this makes a position table
// (kSigned) of it in `out`. Returns its size, 0 when it cannot be made.
size_t MakeBaselinePositions(uintptr_t code_start, std::span<uint8_t> out);

}  // namespace memtape::v8
