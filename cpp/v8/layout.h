// SPDX-License-Identifier: MIT
// Where V8 keeps things: the few offsets that memtape reads, per V8 version, from V8's own debug
// constants where it exports them. Values were checked on the official x64 binaries of Node 20, 22,
// 24 and 26 and are checked again at run time by SelfTest (isolate.h).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "v8/position_table.h"

namespace memtape::v8 {

// Offsets from the frame pointer, in bytes. Equal in every version from 10.2 to 14.6.
inline constexpr intptr_t kFrameMarker = -8;  // context, or a small integer: the frame type
inline constexpr intptr_t kFrameBytecodeArray = -32;
inline constexpr intptr_t kFrameBytecodeOffset = -40;
#if defined(__x86_64__)
inline constexpr intptr_t kEntryFrameCEntryFp = -64;
#elif defined(__aarch64__)
inline constexpr intptr_t kEntryFrameCEntryFp = -24;
#endif

struct Layout {
  int major = 0, minor = 0;
  bool known = false;  // this V8 version is one that the table was made for

  // Isolate. c_entry_fp is found by a scan (isolate.cc).
  size_t fast_c_call_fp = 0, fast_c_call_pc = 0;
  // Frame types, as they stand in the marker slot.
  uint64_t entry_marker = 0, construct_entry_marker = 0, wasm_marker = 0;
  uint64_t exit_markers[8] = {};
  size_t exit_marker_count = 0;
  // Heap objects, offsets from the untagged address.
  size_t sfi_name = 0, sfi_script = 0;
  size_t script_source = 8, script_name = 16, script_line_offset = 24, script_column_offset = 32;
  size_t script_id = 64, script_source_url = 112, script_source_mapping_url = 120;
  size_t bytecode_data = 0, bytecode_position_table = 0;
  // Machine code: the InstructionStream object starts this far before the instructions and points
  // at its Code object, whose first field is the deoptimization data or the bytecode.
  size_t instruction_header = 0, code_first = 0, code_positions = 0;
  // Of a Code object: where its instructions start, their size (u32), flags (u32: the kind in the
  // low four bits). Maglev's kind follows that of baseline code, and TurboFan's that.
  size_t code_start = 40, code_size = 0, code_flags = 0;
  uint32_t baseline_kind = 0;
  PositionEncoding position_encoding = PositionEncoding::kSigned;
  size_t deopt_literals = 0, deopt_function = 0, deopt_inlining_positions = 0;
  bool deopt_function_wrapped = false;
  // Learnt from live objects: how to tell bytecode and Code from other things.
  mutable uintptr_t bytecode_map = 0, code_map = 0;

  bool IsCode(uintptr_t tagged) const {
    return code_map != 0 && *reinterpret_cast<const uintptr_t*>(tagged - 1) == code_map;
  }
};

// The layout for this process's V8, or one with known == false.
const Layout& GetLayout();

// --- Reading heap objects: on the isolate's own thread, outside GC. All check tags and types and
// return null, 0 or false when the object is not what it should be. ---

// The characters of a string that is stored in one piece (sequential, external, or thin, sliced
// or cons strings that lead to one).
struct Characters {
  const uint8_t* one_byte = nullptr;
  const uint16_t* two_byte = nullptr;
  size_t length = 0;
  explicit operator bool() const { return one_byte != nullptr || two_byte != nullptr; }
};
Characters ReadString(uintptr_t tagged);

// UTF-8 into out, cut on a character boundary when it is too long. Returns the number of bytes.
size_t ToUtf8(const Characters& text, std::span<char> out);

struct Script {
  uint32_t id = 0;
  uint32_t line_offset = 0, column_offset = 0;
  uintptr_t name = 0, source = 0, source_mapping_url = 0;  // tagged
};
bool ReadScript(uintptr_t tagged_shared_function_info, Script* script);

}  // namespace memtape::v8
