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

// The same for machine code that Maglev or TurboFan made, and what was inlined into it, by inlining
// id, as many as `inlined` holds. *inlined_count is set.
PositionBytes ReadOptimizedPositions(uintptr_t code_start, std::span<InlinedFunction> inlined,
                                     size_t* inlined_count);

// Baseline code has a table of its own that leads to bytecode offsets; this makes a position table
// (kSigned) of it in `out`. Returns its size, 0 when it cannot be made.
size_t MakeBaselinePositions(uintptr_t code_start, std::span<uint8_t> out);

}  // namespace memtape::v8
