// SPDX-License-Identifier: MIT
#include "v8/script_records.h"

#include <string.h>

#include "base/varint.h"
#include "v8/code_events.h"

namespace memtape::v8 {
namespace {

constexpr size_t kMaxUrlBytes = 4096;
constexpr size_t kMaxInlineMapBytes = 64 << 10;

// Whether the set has the script; it has it from then on.
bool AddToSet(PageBuffer* set, uint32_t script_id) {
  PageBuffer& seen = *set;
  const size_t byte = script_id / 8;
  if (byte >= seen.size) {
    // Pages come zeroed.
    if (!seen.Reserve(byte + 1 - seen.size)) return true;
    seen.size = byte + 1;
  }
  const uint8_t bit = static_cast<uint8_t>(1 << script_id % 8);
  const bool before = (seen.data[byte] & bit) != 0;
  seen.data[byte] |= bit;
  return before;
}

class LineWriter {
 public:
  LineWriter(IsolateState* state, uint32_t script_id) : state_(state), script_id_(script_id) {
    state_->text.size = 0;
  }
  void Add(size_t line_length) {
    if (!state_->text.Reserve(kMaxVarintBytes)) return;
    uint8_t* const start = state_->text.data + state_->text.size;
    state_->text.size += static_cast<size_t>(WriteVarint(start, line_length) - start);
    count_++;
    if (state_->text.size + kMaxVarintBytes > kMaxPartBytes) Flush();
  }
  void Flush() {
    if (count_ == 0) return;
    const uint64_t head = script_id_ | uint64_t{count_} << 32;
    const RecordPart parts[] = {{&head, sizeof head}, {state_->text.data, state_->text.size}};
    state_->observer.push(RingRecord::kScriptLines, parts, 2);
    state_->text.size = 0;
    count_ = 0;
  }

 private:
  IsolateState* state_;
  uint32_t script_id_;
  uint32_t count_ = 0;
};

// Lines end where JavaScript says: \n, \r, \r\n, U+2028, U+2029. Lengths include the terminator.
void SendLines(IsolateState* state, uint32_t script_id, const Characters& source) {
  LineWriter writer(state, script_id);
  size_t start = 0;
  if (source.one_byte != nullptr) {
    const uint8_t* const text = source.one_byte;
    while (start < source.length) {
      const void* newline = memchr(text + start, '\n', source.length - start);
      const size_t end = newline == nullptr
                             ? source.length
                             : static_cast<size_t>(static_cast<const uint8_t*>(newline) - text) + 1;
      // Lone carriage returns are rare; memchr finds that there are none at 10 GB/s.
      for (size_t from = start; from < end;) {
        const void* cr = memchr(text + from, '\r', end - from);
        if (cr == nullptr) break;
        from = static_cast<size_t>(static_cast<const uint8_t*>(cr) - text) + 1;
        if (from < end && text[from] == '\n') break;
        writer.Add(from - start);
        start = from;
      }
      if (start < end) writer.Add(end - start);
      start = end;
    }
  } else {
    const uint16_t* const text = source.two_byte;
    for (size_t i = 0; i < source.length; i++) {
      const uint16_t c = text[i];
      const bool ends = c == '\n' || c == 0x2028 || c == 0x2029 ||
                        (c == '\r' && (i + 1 == source.length || text[i + 1] != '\n'));
      if (!ends && i + 1 != source.length) continue;
      writer.Add(i + 1 - start);
      start = i + 1;
    }
  }
  writer.Flush();
}

}  // namespace

void SendScript(IsolateState* state, const Script& script) {
  const bool has_name = static_cast<bool>(ReadString(script.name));
  const bool told = AddToSet(&state->scripts_seen, script.id);
  if (told && (!has_name || AddToSet(&state->scripts_named, script.id))) return;
  if (has_name) AddToSet(&state->scripts_named, script.id);

  char url[kMaxUrlBytes];
  const size_t url_bytes = ToUtf8(ReadString(script.name), url);
  // A data: URL is the only home of a source map that a loader made in memory. Longer ones than a
  // record holds are left to the reader, who finds most of them in the file.
  size_t map_bytes = 0;
  state->text.size = 0;
  const Characters map_url = ReadString(script.source_mapping_url);
  if (map_url && map_url.length <= kMaxInlineMapBytes && state->text.Reserve(kMaxPartBytes * 2)) {
    map_bytes = ToUtf8(map_url, {reinterpret_cast<char*>(state->text.data), kMaxPartBytes});
  }
  ScriptHead head = {};
  head.script_id = script.id;
  head.line_offset = script.line_offset;
  head.column_offset = script.column_offset;
  head.url_bytes = static_cast<uint32_t>(url_bytes);
  head.map_url_bytes = static_cast<uint32_t>(map_bytes);
  const RecordPart parts[] = {
      {&head, sizeof head}, {url, url_bytes}, {state->text.data, map_bytes}};
  state->observer.push(RingRecord::kScript, parts, 3);
  if (told) return;
  if (const Characters source = ReadString(script.source)) SendLines(state, script.id, source);
}

}  // namespace memtape::v8
