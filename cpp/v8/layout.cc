// SPDX-License-Identifier: MIT
#include "v8/layout.h"

#include <stdlib.h>
#include <string.h>

#include "v8/api.h"
#include "v8/heap_object.h"

namespace memtape::v8 {
namespace {

// What no exported constant tells, per V8 version. The fast-call offsets are those of the public
// header v8-internal.h; the rest was read off live objects.
struct VersionRow {
  int major, minor;
  size_t fast_c_call_fp, fast_c_call_pc;
  size_t sfi_name, sfi_script, bytecode_data, bytecode_position_table;
  size_t instruction_header, code_first, code_positions, code_size, code_flags;
};
constexpr VersionRow kVersions[] = {
    {11, 3, 232, 240, 16, 32, 54, 32, 16, 16, 24, 56, 48},  // Node 20
    {12, 4, 240, 248, 16, 32, 64, 24, 32, 8, 16, 52, 48},   // Node 22
    {13, 6, 296, 288, 24, 40, 64, 24, 32, 8, 16, 56, 52},   // Node 24
    {14, 6, 304, 296, 24, 40, 64, 24, 32, 8, 16, 56, 52},   // Node 26
};

// A frame type as the marker slot holds it: a small integer with a zero tag bit.
uint64_t Marker(const char* name, int64_t fallback) {
  const int64_t type = DebugConstant(name, fallback);
  return type < 0 ? 0 : static_cast<uint64_t>(type) << 1;
}

void AddExitMarker(Layout* layout, const char* name) {
  const uint64_t marker = Marker(name, -1);
  if (marker != 0) layout->exit_markers[layout->exit_marker_count++] = marker;
}

Layout MakeLayout() {
  Layout layout;
  if (GetApi().get_version == nullptr) return layout;
  const char* version = GetApi().get_version();
  char* rest = nullptr;
  layout.major = static_cast<int>(strtol(version, &rest, 10));
  layout.minor = *rest == '.' ? static_cast<int>(strtol(rest + 1, nullptr, 10)) : 0;
  for (const VersionRow& row : kVersions) {
    if (row.major != layout.major || row.minor != layout.minor) continue;
    layout.known = true;
    layout.fast_c_call_fp = row.fast_c_call_fp;
    layout.fast_c_call_pc = row.fast_c_call_pc;
    layout.sfi_name = row.sfi_name;
    layout.sfi_script = row.sfi_script;
    layout.bytecode_data = row.bytecode_data;
    layout.bytecode_position_table = row.bytecode_position_table;
    layout.instruction_header = row.instruction_header;
    layout.code_first = row.code_first;
    layout.code_positions = row.code_positions;
    layout.code_size = row.code_size;
    layout.code_flags = row.code_flags;
    layout.position_encoding =
        row.major >= 14 ? PositionEncoding::kShifted : PositionEncoding::kSigned;
  }
  layout.entry_marker = Marker("v8dbg_frametype_EntryFrame", 1);
  layout.construct_entry_marker = Marker("v8dbg_frametype_ConstructEntryFrame", 2);
  layout.baseline_kind =
      static_cast<uint32_t>(DebugConstant("v8dbg_CodeKindBaseline", layout.baseline_kind));
  layout.deopt_literals = static_cast<size_t>(
      DebugConstant("v8dbg_DeoptimizationDataLiteralArrayIndex", layout.major >= 13 ? 3 : 2));
  layout.deopt_inlining_positions = static_cast<size_t>(
      DebugConstant("v8dbg_DeoptimizationDataInliningPositionsIndex", layout.major >= 13 ? 8 : 7));
  layout.deopt_function = layout.deopt_inlining_positions - 1;
  layout.deopt_function_wrapped = layout.major >= 13;
  layout.wasm_marker = Marker("v8dbg_frametype_WasmFrame", -1);
  AddExitMarker(&layout, "v8dbg_frametype_ExitFrame");
  AddExitMarker(&layout, "v8dbg_frametype_BuiltinExitFrame");
  AddExitMarker(&layout, "v8dbg_frametype_ApiCallbackExitFrame");
  AddExitMarker(&layout, "v8dbg_frametype_ApiConstructExitFrame");
  AddExitMarker(&layout, "v8dbg_frametype_ApiAccessorExitFrame");
  AddExitMarker(&layout, "v8dbg_frametype_ApiNamedAccessorExitFrame");
  AddExitMarker(&layout, "v8dbg_frametype_ApiIndexedAccessorExitFrame");
  return layout;
}

constexpr size_t kMapInstanceType = 12;
constexpr size_t kStringLength = 12;
constexpr size_t kStringFirst = 16;   // characters, cons first, sliced parent, thin actual
constexpr size_t kStringSecond = 24;  // cons second, sliced offset
constexpr size_t kExternalData = 24;  // cached pointer to the characters
constexpr unsigned kFirstNonstringType = 128;
constexpr unsigned kOneByteBit = 8;
constexpr size_t kMaxStringLength = size_t{1} << 30;
enum Representation { kSeq = 0, kCons = 1, kExternal = 2, kSliced = 3, kThin = 5 };

unsigned InstanceType(uintptr_t tagged) {
  const uintptr_t map = Field(tagged, 0);
  return IsHeapObject(map) ? Load<uint16_t>(map - 1 + kMapInstanceType) : 0xFFFF;
}

char* PutUtf8(char* out, uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

bool IsHighSurrogate(uint32_t unit) {
  return (unit & 0xFC00) == 0xD800;
}
bool IsLowSurrogate(uint32_t unit) {
  return (unit & 0xFC00) == 0xDC00;
}

}  // namespace

const Layout& GetLayout() {
  static const Layout layout = MakeLayout();
  return layout;
}

Characters ReadString(uintptr_t tagged) {
  size_t skip = 0;
  size_t length = SIZE_MAX;
  for (int depth = 0; depth < 4; depth++) {
    if (!IsHeapObject(tagged)) return {};
    const unsigned type = InstanceType(tagged);
    if (type >= kFirstNonstringType) return {};
    if (length == SIZE_MAX) length = Load<uint32_t>(tagged - 1 + kStringLength);
    if (length > kMaxStringLength) return {};
    switch (type & 7) {
      case kSeq:
      case kExternal: {
        uintptr_t data = tagged - 1 + kStringFirst;
        if ((type & 7) == kExternal) data = Field(tagged, kExternalData);
        if (data < 0x10000)
          return {};  // an uncached external string: its characters are a call away
        Characters text;
        text.length = length;
        if (type & kOneByteBit) {
          text.one_byte = reinterpret_cast<const uint8_t*>(data) + skip;
        } else {
          text.two_byte = reinterpret_cast<const uint16_t*>(data) + skip;
        }
        return text;
      }
      case kCons:
        // Only a flattened one is in one piece: its second part is the empty string.
        if (!IsHeapObject(Field(tagged, kStringSecond)) ||
            Load<uint32_t>(Field(tagged, kStringSecond) - 1 + kStringLength) != 0) {
          return {};
        }
        tagged = Field(tagged, kStringFirst);
        break;
      case kSliced:
        skip += SmallInteger(Field(tagged, kStringSecond));
        tagged = Field(tagged, kStringFirst);
        break;
      case kThin:
        tagged = Field(tagged, kStringFirst);
        break;
      default:
        return {};
    }
  }
  return {};
}

size_t ToUtf8(const Characters& text, std::span<char> out) {
  char* at = out.data();
  char* const end = out.data() + out.size();
  for (size_t i = 0; i < text.length && end - at >= 4; i++) {
    uint32_t code = text.one_byte != nullptr ? text.one_byte[i] : text.two_byte[i];
    if (text.two_byte != nullptr && IsHighSurrogate(code)) {
      const bool paired = i + 1 < text.length && IsLowSurrogate(text.two_byte[i + 1]);
      code = paired ? 0x10000 + ((code & 0x3FF) << 10) + (text.two_byte[++i] & 0x3FF) : 0xFFFD;
    } else if (IsLowSurrogate(code)) {
      code = 0xFFFD;
    }
    at = PutUtf8(at, code);
  }
  return static_cast<size_t>(at - out.data());
}

bool ReadScript(uintptr_t tagged_shared_function_info, Script* script) {
  const Layout& layout = GetLayout();
  if (!layout.known || !IsHeapObject(tagged_shared_function_info)) return false;
  const uintptr_t tagged = Field(tagged_shared_function_info, layout.sfi_script);
  if (!IsHeapObject(tagged)) return false;
  script->id = SmallInteger(Field(tagged, layout.script_id));
  script->line_offset = SmallInteger(Field(tagged, layout.script_line_offset));
  script->column_offset = SmallInteger(Field(tagged, layout.script_column_offset));
  script->name = Field(tagged, layout.script_name);
  if (!ReadString(script->name)) script->name = Field(tagged, layout.script_source_url);
  script->source = Field(tagged, layout.script_source);
  script->source_mapping_url = Field(tagged, layout.script_source_mapping_url);
  return script->id != 0;
}

}  // namespace memtape::v8
