// SPDX-License-Identifier: MIT
#include "v8/code_map.h"

#include <string.h>

#include <algorithm>

#include "base/varint.h"
#include "v8/position_table.h"

namespace memtape::v8 {
namespace {

constexpr uint32_t kByteCode = 0;
constexpr uint32_t kWasmCode = 2;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Takes ":123" off the end of `text`; false if there is none.
bool TakeNumber(std::string_view* text, uint32_t* number) {
  size_t i = text->size();
  while (i > 0 && IsDigit((*text)[i - 1])) i--;
  if (i == text->size() || i == 0 || (*text)[i - 1] != ':') return false;
  *number = 0;
  for (size_t j = i; j < text->size(); j++) {
    *number = *number * 10 + static_cast<uint32_t>((*text)[j] - '0');
  }
  *text = text->substr(0, i - 1);
  return true;
}

// Takes V8's tier mark off the front: "~", "^", "+", "*", each perhaps with "'" after or "o"
// before.
bool TakeTier(std::string_view* text, FrameKind* kind) {
  size_t i = 0;
  if (text->size() > 1 && (*text)[0] == 'o' && ((*text)[1] == '*' || (*text)[1] == '+')) i = 1;
  if (i >= text->size()) return false;
  switch ((*text)[i]) {
    case '~':
      *kind = FrameKind::kInterpreted;
      break;
    case '^':
      *kind = FrameKind::kBaseline;
      break;
    case '+':
      *kind = FrameKind::kMaglev;
      break;
    case '*':
      *kind = FrameKind::kTurbofan;
      break;
    default:
      return false;
  }
  i++;
  if (i < text->size() && (*text)[i] == '\'') i++;
  *text = text->substr(i);
  return true;
}

}  // namespace

CodeName ParseCodeName(std::string_view name, std::string_view script_url) {
  CodeName result;
  const size_t colon = name.find(':');
  std::string_view rest = colon == std::string_view::npos ? name : name.substr(colon + 1);
  if (colon == std::string_view::npos || !TakeTier(&rest, &result.kind)) {
    // "Builtin:ArrayForEach", "RegExp:…", a WebAssembly function.
    result.function = rest;
    return result;
  }
  Place place;
  std::string_view head = rest;
  if (TakeNumber(&head, &place.column) && TakeNumber(&head, &place.line)) {
    result.definition = place;
    rest = head;
  }
  // "function url": the name may hold spaces, so the script's own url says where it ends.
  // Code that was compiled before V8 had read a sourceURL comment has no url in its name.
  result.url = script_url;
  if (!script_url.empty() && rest.ends_with(script_url)) {
    rest.remove_suffix(script_url.size());
  } else if (!rest.empty() && rest.back() == ' ') {
    rest.remove_suffix(1);
  } else if (const size_t space = rest.find(' '); space != std::string_view::npos) {
    if (script_url.empty()) result.url = rest.substr(space + 1);
    rest = rest.substr(0, space);
  }
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  result.function = rest;
  return result;
}

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

void CodeMap::AddCode(uint32_t thread, const CodeHead& head, std::string_view name,
                      const InlinedFunction* inlined, const uint8_t* positions) {
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
  code.name_bytes = static_cast<uint32_t>(name.size());
  code.name = AddText(name.data(), name.size());
  code.positions_bytes = head.positions_bytes;
  code.positions = AddText(positions, head.positions_bytes);
  code.inlined_count = head.inlined_count;
  code.first_inlined = inlined_.size();
  for (uint32_t i = 0; i < head.inlined_count; i++) {
    const Range* callee =
        inlined[i].first_bytecode == 0 ? nullptr : FindRange(inlined[i].first_bytecode);
    inlined_.push_back({inlined[i].call_position, callee == nullptr ? kNoCode : callee->code});
  }
  codes_.push_back(code);
  AddRange({code.start, code.end, static_cast<uint32_t>(codes_.size() - 1)});
}

void CodeMap::AddRange(const Range& range) {
  if (FindRange(range.start) != nullptr || FindRange(range.end - 1) != nullptr) generation_++;
  recent_.push_back(range);
  if (recent_.size() >= kMaxRecent) MergeRecent();
}

void CodeMap::Move(uint64_t from, uint64_t to) {
  Range* range = FindRange(from);
  generation_++;
  if (range == nullptr || range->start != from) return;
  const uint64_t length = range->end - range->start;
  Code moved = codes_[range->code];
  // The old range stays until something else takes its place: frames that were pushed during the
  // collection may still name it.
  moved.start = to;
  moved.end = to + length;
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

CodeMap::Code* CodeMap::Find(uint64_t address) {
  const Range* range = FindRange(address);
  return range == nullptr ? nullptr : &codes_[range->code];
}

std::string_view CodeMap::Url(const Code& code) const {
  if (code.script == 0) return {};
  const Script& script = scripts_[code.script];
  return {text_.data() + script.url, script.url_bytes};
}

std::string_view CodeMap::MapUrl(const Code& code) const {
  if (code.script == 0) return {};
  const Script& script = scripts_[code.script];
  return {text_.data() + script.map_url, script.map_url_bytes};
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

size_t CodeMap::Calls(Code* code, uint64_t address, Call out[kMaxCalls]) {
  out[0] = {code, {}};
  if (code->script == 0 || code->type == kWasmCode) return 1;
  // A return address belongs to the instruction before it; a bytecode offset is that of the call.
  uint64_t raw = RawPosition(*code, address - code->start - (code->type == kByteCode ? 0 : 1));
  size_t count = 0;
  // Inlining ids fall from callee to caller, so this ends.
  for (int64_t id = InliningId(raw); id >= 0 && count + 1 < kMaxCalls; id = InliningId(raw)) {
    if (static_cast<uint64_t>(id) >= code->inlined_count) break;
    const Inlined& inlined = inlined_[code->first_inlined + static_cast<uint64_t>(id)];
    if (inlined.code != kNoCode) {
      Code* callee = &codes_[inlined.code];
      out[count++] = {callee, callee->script == 0
                                  ? Place{}
                                  : ToPlace(scripts_[callee->script], ScriptOffset(raw))};
    }
    if (InliningId(inlined.call_position) >= id) break;
    raw = inlined.call_position;
  }
  out[count++] = {code, ToPlace(scripts_[code->script], ScriptOffset(raw))};
  return count;
}

void CodeMap::Clear() {
  text_.Free();
  codes_.Free();
  scripts_.Free();
  script_index_.Clear();
  line_starts_.Free();
  inlined_.Free();
  sorted_.Free();
  recent_.Free();
  merged_.Free();
  generation_++;
}

}  // namespace memtape::v8
