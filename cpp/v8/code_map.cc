// SPDX-License-Identifier: MIT
#include "v8/code_map.h"

#include <string.h>

#include <algorithm>

#include "base/varint.h"
#include "v8/call_sites.h"
#include "v8/heap_object.h"
#include "v8/position_table.h"

namespace memtape::v8 {
namespace {

constexpr uint32_t kByteCode = 0;
constexpr uint32_t kWasmCode = 2;

}  // namespace

uint64_t CodeMap::AddText(const void* text, size_t bytes) {
  const uint64_t at = text_.size();
  text_.Append(static_cast<const char*>(text), bytes);
  return at;
}

void CodeMap::AddScript(uint32_t thread, const ScriptHead& head, std::string_view url,
                        std::string_view map_url) {
  if (scripts_.size() == 0) scripts_.push_back({});
  uint32_t* index = script_index_.FindOrInsert(ScriptKey(thread, head.script_id));
  if (*index != 0) {
    // Told again: it has a name now.
    Script& known = scripts_[*index];
    known.url_bytes = static_cast<uint32_t>(url.size());
    known.url = AddText(url.data(), url.size());
    return;
  }
  *index = static_cast<uint32_t>(scripts_.size());
  Script script = {};
  script.line_offset = head.line_offset;
  script.column_offset = head.column_offset;
  script.url_bytes = static_cast<uint32_t>(url.size());
  script.map_url_bytes = static_cast<uint32_t>(map_url.size());
  script.url = AddText(url.data(), url.size());
  script.map_url = AddText(map_url.data(), map_url.size());
  script.first_line = line_starts_.size();
  scripts_.push_back(script);
}

void CodeMap::AddScriptLines(uint32_t thread, uint32_t script_id, uint32_t count,
                             const uint8_t* lengths, size_t bytes) {
  const uint32_t index = script_index_.Find(ScriptKey(thread, script_id));
  if (index == 0) return;
  Script& script = scripts_[index];
  // The runs of one script must be adjacent; another isolate's records may have come in between.
  if (script.first_line + script.line_count != line_starts_.size()) {
    const uint64_t first = line_starts_.size();
    line_starts_.Resize(first + script.line_count);
    memcpy(&line_starts_[first], &line_starts_[script.first_line], script.line_count * 4);
    script.first_line = first;
  }
  // The last start of a run is where the next line begins: one more than there are lines.
  uint32_t at = 0;
  if (script.line_count == 0) {
    line_starts_.push_back(0);
    script.line_count = 1;
  } else {
    at = line_starts_.back();
  }
  const uint8_t* in = lengths;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t length;
    in = ReadVarint(in, lengths + bytes, &length);
    if (in == nullptr) return;
    at += static_cast<uint32_t>(length);
    line_starts_.push_back(at);
    script.line_count++;
  }
}

void CodeMap::AddCode(uint32_t thread, const uint8_t* record) {
  CodeHead head;
  memcpy(&head, record, sizeof head);
  record += sizeof head;
  const std::string_view name = {reinterpret_cast<const char*>(record), head.name_bytes};
  // Each worker tells the builtins again, at the same place.
  if (const Code* known = Find(head.start);
      known != nullptr && known->start == head.start && known->end == head.start + head.length &&
      head.script_id == 0 && known->script_id == 0 && Name(*known) == name) {
    return;
  }
  Code code = {};
  code.start = head.start;
  code.end = head.start + head.length;
  code.type = head.type;
  code.encoding = head.encoding;
  code.script_id = head.script_id;
  code.script = head.script_id == 0 ? 0 : script_index_.Find(ScriptKey(thread, head.script_id));
  code.name_bytes = head.name_bytes;
  code.name = AddText(name.data(), name.size());
  record += head.name_bytes;
  code.function_count = head.function_count;
  code.first_function = functions_.size();
  for (uint32_t i = 0; i < head.function_count; i++, record += sizeof(uint64_t)) {
    AddFunction(Load<uint64_t>(reinterpret_cast<uintptr_t>(record)));
  }
  code.inlined_count = head.inlined_count;
  code.first_inlined = inlined_.size();
  for (uint32_t i = 0; i < head.inlined_count; i++, record += sizeof(InlinedFunction)) {
    inlined_.push_back(Load<InlinedFunction>(reinterpret_cast<uintptr_t>(record)));
  }
  code.positions_bytes = head.positions_bytes;
  code.positions = AddText(record, head.positions_bytes);
  record += head.positions_bytes;
  code.sites_bytes = head.sites_bytes;
  code.sites = AddText(record, head.sites_bytes);
  code.exit_start = head.exit_start;
  code.exit_bytes = head.exit_bytes;
  codes_.push_back(code);
  const uint32_t index = static_cast<uint32_t>(codes_.size() - 1);
  AddRange({code.start, code.end, index});
  if (code.type == kByteCode) FindsBytecode(code.start, index);
}

// The address is true now; later there may be other bytecode at it.
void CodeMap::AddFunction(uint64_t first_bytecode) {
  const Range* range = FindRange(first_bytecode);
  const bool known = range != nullptr && range->start == first_bytecode;
  if (!known) unknown_functions_.push_back(static_cast<uint32_t>(functions_.size()));
  functions_.push_back({first_bytecode, known ? range->code : kNoCode});
}

// V8 lists the code that exists in the order of its heap: bytecode may come after optimized code
// that it was inlined into.
void CodeMap::FindsBytecode(uint64_t first_bytecode, uint32_t code) {
  size_t kept = 0;
  for (size_t i = 0; i < unknown_functions_.size(); i++) {
    Function& function = functions_[unknown_functions_[i]];
    if (function.first_bytecode == first_bytecode) {
      function.code = code;
    } else {
      unknown_functions_[kept++] = unknown_functions_[i];
    }
  }
  unknown_functions_.Resize(kept);
}

void CodeMap::AddRange(const Range& range) {
  if (WasAsked(range.start, range.end) || (vain_start_ < range.end && range.start < vain_end_)) {
    generation_++;
    vain_start_ = UINT64_MAX;
    vain_end_ = 0;
  }
  recent_.push_back(range);
  if (recent_.size() >= kMaxRecent) MergeRecent();
}

void CodeMap::Move(uint64_t from, uint64_t to) {
  const Range* range = FindRange(from);
  if (range == nullptr || range->start != from) return;
  const uint64_t length = range->end - range->start;
  Code moved = codes_[range->code];
  // The old range stays until something else takes its place: frames that were pushed during the
  // collection may still name it.
  moved.start = to;
  moved.end = to + length;
  moved.asked = false;
  codes_.push_back(moved);
  AddRange({to, to + length, static_cast<uint32_t>(codes_.size() - 1)});
}

// Later ranges win: what they overlap is gone.
void CodeMap::MergeRecent() {
  // Among the recent ones, drop those that a later one overlaps.
  size_t kept = recent_.size();
  for (size_t i = recent_.size(); i-- > 0;) {
    bool alive = true;
    for (size_t j = kept; j < recent_.size() && alive; j++) {
      alive = recent_[i].end <= recent_[j].start || recent_[j].end <= recent_[i].start;
    }
    if (alive) recent_[--kept] = recent_[i];
  }
  recent_.Erase(0, kept);
  std::sort(recent_.data(), recent_.data() + recent_.size(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  merged_.Clear();
  merged_.Reserve(sorted_.size() + recent_.size());
  size_t r = 0;
  for (size_t s = 0; s < sorted_.size(); s++) {
    while (r < recent_.size() && recent_[r].start < sorted_[s].start) {
      merged_.push_back(recent_[r++]);
    }
    const bool before = merged_.size() > 0 && merged_.back().end > sorted_[s].start;
    const bool after = r < recent_.size() && recent_[r].start < sorted_[s].end;
    if (!before && !after) merged_.push_back(sorted_[s]);
  }
  while (r < recent_.size()) merged_.push_back(recent_[r++]);
  std::swap(sorted_, merged_);
  recent_.Clear();
}

CodeMap::Range* CodeMap::FindRange(uint64_t address) {
  for (size_t i = recent_.size(); i-- > 0;) {
    if (address >= recent_[i].start && address < recent_[i].end) return &recent_[i];
  }
  Range* const end = sorted_.data() + sorted_.size();
  Range* found =
      std::upper_bound(sorted_.data(), end, address,
                       [](uint64_t wanted, const Range& range) { return wanted < range.start; });
  if (found == sorted_.data()) return nullptr;
  found--;
  return address < found->end ? found : nullptr;
}

// Whether anything that is replaced by what comes at these addresses was asked for.
bool CodeMap::WasAsked(uint64_t start, uint64_t end) const {
  const auto asked = [&](const Range& range) {
    return range.start < end && start < range.end && codes_[range.code].asked;
  };
  const Range* const last = recent_.data() + recent_.size();
  if (std::any_of(recent_.data(), last, asked)) return true;
  const Range* const sorted_end = sorted_.data() + sorted_.size();
  // Sorted ranges do not overlap: their ends are in order as well.
  const Range* range =
      std::upper_bound(sorted_.data(), sorted_end, start,
                       [](uint64_t wanted, const Range& other) { return wanted < other.end; });
  for (; range != sorted_end && range->start < end; range++) {
    if (asked(*range)) return true;
  }
  return false;
}

CodeMap::Code* CodeMap::Find(uint64_t address) {
  const Range* range = FindRange(address);
  return range == nullptr ? nullptr : &codes_[range->code];
}

CodeMap::Code* CodeMap::FindBytecode(uint64_t address) {
  // Before a first bytecode is its array's header: nothing else can end there.
  Code* const entered = Find(address + 1);
  return entered != nullptr && entered->start == address + 1 ? entered : Find(address);
}

CodeMap::ScriptUrls CodeMap::Urls(uint32_t script) const {
  if (script == 0) return {};
  const Script& found = scripts_[script];
  return {{text_.data() + found.url, found.url_bytes},
          {text_.data() + found.map_url, found.map_url_bytes}};
}

Place CodeMap::ToPlace(const Script& script, int64_t position) const {
  if (position < 0 || script.line_count == 0) return {};
  const uint32_t* const first = line_starts_.data() + script.first_line;
  const uint32_t* const last = first + script.line_count;
  const uint32_t* line = std::upper_bound(first, last, static_cast<uint32_t>(position));
  if (line == first) return {};
  const uint32_t index = static_cast<uint32_t>(line - first - 1);
  uint32_t column = static_cast<uint32_t>(position) - first[index];
  if (index == 0) column += script.column_offset;
  return {index + 1 + script.line_offset, column + 1};
}

// The raw position at a code offset: that of the last entry at or before it. 0: unknown.
uint64_t CodeMap::RawPosition(const Code& code, uint64_t offset) const {
  const PositionBytes table = {reinterpret_cast<const uint8_t*>(text_.data() + code.positions),
                               code.positions_bytes};
  PositionReader reader(table, static_cast<PositionEncoding>(code.encoding));
  uint64_t found = 0;
  while (reader.Next() && reader.offset() <= static_cast<int64_t>(offset)) found = reader.raw();
  return found;
}

Place CodeMap::PlaceOf(const Code& code, uint64_t raw) const {
  return code.script == 0 ? Place{} : ToPlace(scripts_[code.script], ScriptOffset(raw));
}

CodeMap::Code* CodeMap::FunctionOf(const Code& code, uint64_t index) {
  if (index >= code.function_count) return nullptr;
  const uint32_t found = functions_[code.first_function + index].code;
  return found == kNoCode ? nullptr : &codes_[found];
}

size_t CodeMap::Calls(Code* code, uint64_t address, Call out[kMaxCalls]) {
  code->asked = true;
  out[0] = {code, {}};
  if (code->script == 0 || code->type == kWasmCode) return 1;
  uint64_t offset = address - code->start;
  if (code->type == kByteCode) {
    out[0].place = PlaceOf(*code, RawPosition(*code, offset));
    return 1;
  }
  const size_t count = SiteCalls(*code, &offset, out);
  return count > 0 ? count : TableCalls(code, offset, out);
}

// By the call sites: 0 when the address is none or something about it is not known. *offset becomes
// that of the call's own return address when it has been replaced by an exit's.
size_t CodeMap::SiteCalls(const Code& code, uint64_t* offset, Call out[kMaxCalls]) {
  static_assert(kMaxSiteFrames <= kMaxCalls);
  CallSiteReader sites(
      {reinterpret_cast<const uint8_t*>(text_.data() + code.sites), code.sites_bytes});
  uint64_t exit = code.exit_start;
  for (; sites.Next(); exit += code.exit_bytes) {
    const uint64_t own = static_cast<uint64_t>(sites.return_offset());
    if (own != *offset && exit != *offset) continue;
    *offset = own;
    size_t count = 0;
    for (size_t i = sites.frames().size(); i-- > 0;) {
      const SiteFrame& frame = sites.frames()[i];
      Code* const function = FunctionOf(code, frame.function);
      if (function == nullptr) return 0;
      // Bytecode that existed before has no table if V8 could not make it afterwards.
      const bool is_script = function->script != 0;
      if (is_script && function->positions_bytes == 0 && code.positions_bytes > 0) return 0;
      const uint64_t raw = RawPosition(*function, static_cast<uint64_t>(frame.bytecode_offset));
      out[count++] = {function, PlaceOf(*function, raw)};
    }
    return count;
  }
  return 0;
}

// By the table of source positions. It has the addresses that are no call sites too: calls of V8's
// own that cannot end in other code.
size_t CodeMap::TableCalls(Code* code, uint64_t offset, Call out[kMaxCalls]) {
  // A return address belongs to the instruction before it.
  uint64_t raw = RawPosition(*code, offset - 1);
  size_t count = 0;
  // Inlining ids fall from callee to caller, so this ends.
  for (int64_t id = InliningId(raw); id >= 0 && count + 1 < kMaxCalls; id = InliningId(raw)) {
    if (static_cast<uint64_t>(id) >= code->inlined_count) break;
    const InlinedFunction& inlined = inlined_[code->first_inlined + static_cast<uint64_t>(id)];
    if (Code* const callee = FunctionOf(*code, inlined.function)) {
      out[count++] = {callee, PlaceOf(*callee, raw)};
    }
    if (InliningId(inlined.call_position) >= id) break;
    raw = inlined.call_position;
  }
  Code* const own = FunctionOf(*code, 0);
  out[count++] = {own == nullptr ? code : own, PlaceOf(*code, raw)};
  return count;
}

void CodeMap::Clear() {
  text_.Free();
  codes_.Free();
  scripts_.Free();
  script_index_.Clear();
  line_starts_.Free();
  inlined_.Free();
  functions_.Free();
  unknown_functions_.Free();
  sorted_.Free();
  recent_.Free();
  merged_.Free();
  vain_start_ = UINT64_MAX;
  vain_end_ = 0;
  generation_++;
}

}  // namespace memtape::v8
