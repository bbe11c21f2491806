// SPDX-License-Identifier: MIT
// V8's frame translations: for each point where optimized code may be left, which interpreted
// frames stand for its one machine frame. V8's own Error.stack is made from them. They are the only
// data about a call that stays right when the compiler moves or copies code (a peeled loop's calls
// have the loop's position in the table of source positions), and all optimized code has them.
//
// A translation is a run of opcodes of one byte with varint operands. It starts with BEGIN and may
// repeat instructions of an earlier one, its basis.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

namespace memtape::v8 {

// What differs with the version. Frames of JavaScript have four opcodes in a row in each: with and
// without a return value, then the continuations of builtins, without and with a handler.
struct TranslationOpcodes {
  int major = 0, minor = 0;
  size_t count = 0;
  const char* operand_counts = nullptr;  // one digit an opcode
  uint8_t begin = 0;                     // BEGIN_WITHOUT_FEEDBACK; WITH_FEEDBACK is the next one
  uint8_t js_frame = 0;                  // INTERPRETED_FRAME_WITH_RETURN
};

// The row for a version, or null.
const TranslationOpcodes* FindTranslationOpcodes(int major, int minor);

struct TranslatedFrame {
  int64_t bytecode_offset;  // -1: the function's entry
  int64_t function;         // index into the literals: a SharedFunctionInfo
  bool builtin;             // a builtin such as Array.prototype.map, in the middle of its work
};

// The JavaScript frames of the translation at `index`, outermost first. 0 when there are more than
// `out` holds or the bytes are no translation: they are never read beyond the table.
size_t ReadTranslation(std::span<const uint8_t> table, size_t index,
                       const TranslationOpcodes& opcodes, std::span<TranslatedFrame> out);

}  // namespace memtape::v8
