// SPDX-License-Identifier: MIT
#include "v8/code_details.h"

#include <string.h>

#include <algorithm>
#include <string_view>

#include "base/varint.h"
#include "v8/call_sites.h"
#include "v8/heap_object.h"
#include "v8/layout.h"
#include "v8/safepoint_table.h"
#include "v8/translation.h"

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

namespace {

// What is read out of one DeoptimizationData array.
struct DeoptData {
  uintptr_t array = 0, literals = 0;
  size_t first_entry = 0, eager_count = 0, lazy_count = 0;
  uint32_t exit_start = 0;
  std::span<const uint8_t> translations;

  // An entry: bytecode offset, index of its translation, code address.
  static constexpr size_t kEntryWords = 3;
  uint32_t Translation(size_t entry) const { return Word(entry, 1); }
  uint32_t Pc(size_t entry) const { return Word(entry, 2); }
  uint32_t Word(size_t entry, size_t word) const {
    return SmallInteger(Element(array, first_entry + entry * kEntryWords + word));
  }
};
// Machine code of one exit. On both architectures V8 keeps it to one call.
constexpr uint32_t kExitBytes = 4;

// Where V8 says which function the code was made for. From V8 13 on it is behind a wrapper, whose
// first field is the SharedFunctionInfo.
uintptr_t OwnFunction(uintptr_t deopt) {
  const Layout& layout = GetLayout();
  const uintptr_t function = Element(deopt, layout.deopt_function);
  if (!layout.deopt_function_wrapped || !IsHeapObject(function)) return function;
  return Field(function, 8);
}

bool ReadDeoptData(uintptr_t deopt, DeoptData* data) {
  const Layout& layout = GetLayout();
  const size_t counts = layout.deopt_inlining_positions + 1;  // exit start, eager and lazy exits
  data->array = deopt;
  data->literals = Element(deopt, layout.deopt_literals);
  data->first_entry = counts + 3;
  data->exit_start = SmallInteger(Element(deopt, counts));
  data->eager_count = SmallInteger(Element(deopt, counts + 1));
  data->lazy_count = SmallInteger(Element(deopt, counts + 2));
  data->translations = Bytes(Element(deopt, 0));
  const size_t length = SmallInteger(Field(deopt, 8));
  return IsHeapObject(data->literals) && !data->translations.empty() &&
         length ==
             data->first_entry + DeoptData::kEntryWords * (data->eager_count + data->lazy_count);
}

// Collects the functions that a piece of code refers to.
class FunctionTable {
 public:
  FunctionTable(OptimizedDetails* details, uintptr_t literals)
      : details_(details), literals_(literals) {}

  static constexpr uint32_t kNone = UINT32_MAX;

  // The index of the function with this bytecode, kNone when there is no more room.
  uint32_t Add(uint64_t first_bytecode) {
    if (first_bytecode == 0) return kNone;
    uint64_t* const functions = details_->functions.data();
    for (size_t i = 0; i < details_->function_count; i++) {
      if (functions[i] == first_bytecode) return static_cast<uint32_t>(i);
    }
    if (details_->function_count == details_->functions.size()) return kNone;
    functions[details_->function_count] = first_bytecode;
    return static_cast<uint32_t>(details_->function_count++);
  }

  // A builtin that was inlined. TurboFan gives its SharedFunctionInfo, whose name is the one that
  // programs know, "map"; V8's own is "ArrayMap" or "ArrayPrototypeMap": of other classes it
  // inlines none that call back. Maglev gives the id of the code that would go on in the builtin's
  // place, "ArrayMapLoopLazyDeoptContinuation", plus one.
  uint32_t AddBuiltin(const TranslatedFrame& frame) {
    char text[sizeof(Builtin::name)];
    const uintptr_t info =
        frame.function < 0 ? 0 : Element(literals_, static_cast<size_t>(frame.function));
    if (IsHeapObject(info)) {
      const Characters name = ReadString(Field(info, GetLayout().sfi_name));
      const uint32_t found = AddArrayBuiltin({text, ToUtf8(name, text)});
      if (found != kNone) return found;
    }
    const uint64_t id = static_cast<uint64_t>(frame.bytecode_offset - 1);
    if (id >= details_->builtins.size()) return kNone;
    std::string_view name = NameOf(details_->builtins[id]);
    const size_t loop = name.find("LoopLazyDeoptContinuation");
    if (loop == std::string_view::npos || !name.starts_with("Array")) return kNone;
    return AddArrayBuiltin(name.substr(5, loop - 5));
  }

  uint32_t AddLiteral(int64_t index) {
    if (index < 0) return kNone;
    if (index == last_literal_) return last_;
    last_ = Add(
        FirstBytecodeOf(Element(literals_, static_cast<size_t>(index)), GetLayout().bytecode_map));
    last_literal_ = index;
    return last_;
  }

 private:
  static std::string_view NameOf(const Builtin& builtin) {
    return {builtin.name, strnlen(builtin.name, sizeof builtin.name)};
  }

  uint32_t AddArrayBuiltin(std::string_view wanted) {
    const auto same = [](char a, char b) { return (a | 32) == (b | 32); };
    for (const Builtin& builtin : details_->builtins) {
      std::string_view name = NameOf(builtin);
      if (!name.starts_with("Array")) continue;
      name.remove_prefix(sizeof "Array" - 1);
      if (name.starts_with("Prototype")) name.remove_prefix(sizeof "Prototype" - 1);
      if (!name.empty() &&
          std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(), same)) {
        return Add(builtin.start);
      }
    }
    return kNone;
  }

  OptimizedDetails* details_;
  uintptr_t literals_;
  int64_t last_literal_ = -1;
  uint32_t last_ = kNone;
};

// The frames at one exit; 0 unless all is as it must be.
size_t ReadFrames(const DeoptData& data, size_t entry, const TranslationOpcodes& opcodes,
                  FunctionTable* functions, const OptimizedDetails& details,
                  std::span<SiteFrame> out) {
  TranslatedFrame frames[kMaxSiteFrames];
  const size_t count = ReadTranslation(data.translations, data.Translation(entry), opcodes, frames);
  size_t written = 0;
  for (size_t i = 0; i < count; i++) {
    if (frames[i].builtin) {
      const uint32_t builtin = functions->AddBuiltin(frames[i]);
      if (builtin != FunctionTable::kNone) out[written++] = {builtin, -1};
      continue;
    }
    const uint32_t function = functions->AddLiteral(frames[i].function);
    if (function == FunctionTable::kNone) return 0;
    const uintptr_t length = LoadWord(details.functions[function] - GetLayout().bytecode_data + 8);
    const int64_t offset = frames[i].bytecode_offset;
    if (offset < -1 || offset >= static_cast<int64_t>(SmallInteger(length))) return 0;
    out[written++] = {function, offset};
  }
  // Function 0 is the one that the code was made for: all frames are in it.
  return written > 0 && out[0].function == 0 ? written : 0;
}

// Where the call returns to that is exit `number`. In Maglev's code, calls and exits are in one
// order, which is checked; false when it is another.
bool ReturnOffset(const DeoptData& data, size_t number, SafepointReader* safepoints,
                  uint32_t* offset) {
  if (safepoints == nullptr) {
    *offset = data.Pc(number);
    return true;
  }
  if (!safepoints->Next() || safepoints->exit() != number) return false;
  *offset = safepoints->return_offset();
  return true;
}

void ReadCallSites(const DeoptData& data, SafepointReader* safepoints, FunctionTable* functions,
                   OptimizedDetails* details) {
  const Layout& layout = GetLayout();
  const TranslationOpcodes* opcodes = FindTranslationOpcodes(layout.major, layout.minor);
  if (opcodes == nullptr || data.lazy_count == 0) return;
  CallSiteWriter writer(details->sites);
  // Exits that are no calls come first.
  for (size_t i = data.eager_count; i < data.eager_count + data.lazy_count; i++) {
    SiteFrame frames[kMaxSiteFrames];
    uint32_t offset;
    if (!ReturnOffset(data, i, safepoints, &offset)) break;
    const size_t count = ReadFrames(data, i, *opcodes, functions, *details, frames);
    if (!writer.Add(offset, {frames, count})) break;
  }
  details->sites_bytes = writer.size();
  details->exit_bytes = kExitBytes;
  details->exit_start = data.exit_start + static_cast<uint32_t>(data.eager_count * kExitBytes);
}

void ReadInlined(uintptr_t deopt, FunctionTable* functions, OptimizedDetails* details) {
  // PodArray<InliningPosition>: u64 position of the call, i32 literal index of the callee.
  constexpr size_t kEntryBytes = 16;
  const auto positions = Bytes(Element(deopt, GetLayout().deopt_inlining_positions));
  const size_t count = std::min(positions.size() / kEntryBytes, details->inlined.size());
  for (size_t i = 0; i < count; i++) {
    const uintptr_t entry = reinterpret_cast<uintptr_t>(positions.data()) + i * kEntryBytes;
    details->inlined[i] = {Load<uint64_t>(entry), functions->AddLiteral(Load<int32_t>(entry + 8))};
  }
  details->inlined_count = count;
}

}  // namespace

void ReadOptimizedDetails(uintptr_t code_start, size_t code_bytes, bool maglev,
                          OptimizedDetails* details) {
  const Layout& layout = GetLayout();
  const uintptr_t code = CodeOf(code_start);
  if (code == 0) return;
  const uintptr_t deopt = Field(code, layout.code_first);
  if (!IsHeapObject(deopt)) return;
  DeoptData data;
  const bool has_data = ReadDeoptData(deopt, &data);
  if (!IsHeapObject(data.literals)) return;
  FunctionTable functions(details, data.literals);
  const uint32_t own = functions.Add(FirstBytecodeOf(OwnFunction(deopt), layout.bytecode_map));
  ReadInlined(deopt, &functions, details);
  details->positions = Bytes(Field(code, layout.code_positions));
  if (!has_data || own != 0) return;
  SafepointReader safepoints(code_start + code_bytes, code_bytes);
  ReadCallSites(data, maglev ? &safepoints : nullptr, &functions, details);
}

uintptr_t FunctionOfCode(uintptr_t code_start) {
  const uintptr_t code = CodeOf(code_start);
  const uintptr_t deopt = code == 0 ? 0 : Field(code, GetLayout().code_first);
  return IsHeapObject(deopt) ? OwnFunction(deopt) : 0;
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
