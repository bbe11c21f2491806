// SPDX-License-Identifier: MIT
#include "v8/code_events.h"

#include <string.h>

#include <algorithm>
#include <iterator>

#include "base/varint.h"
#include "os/os.h"
#include "v8/code_details.h"
#include "v8/code_map.h"
#include "v8/heap_object.h"
#include "v8/unlisted_code.h"

namespace memtape::v8 {
namespace {

// The isolate of this thread, for V8's handler, which gets no data pointer.
[[gnu::tls_model("initial-exec")]] constinit thread_local IsolateState* current_state = nullptr;
// For events that V8's GC helper threads tell; equal for all isolates.
PushRecord any_push = nullptr;

constexpr int kByteCode = 0;
constexpr int kMachineCode = 1;
constexpr size_t kMaxNameBytes = 4096;
constexpr size_t kMaxPartBytes = 128 << 10;
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

// The script, and its lines when it is told for the first time. A script that is evaluated gets its
// name from a comment in it, which V8 has not always read when it tells of the first code.
void SendScript(IsolateState* state, const Script& script) {
  const bool has_name = static_cast<bool>(ReadString(script.name));
  const bool told = AddToSet(&state->scripts_seen, script.id);
  if (told && (!has_name || AddToSet(&state->scripts_named, script.id))) return;
  if (has_name) AddToSet(&state->scripts_named, script.id);

  char url[kMaxNameBytes];
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

bool StartsWith(const JitCodeEvent& event, const char* prefix) {
  const size_t length = strlen(prefix);
  return event.name.length >= length && memcmp(event.name.text, prefix, length) == 0;
}

void NoteTrampoline(IsolateState* state, const JitCodeEvent& event) {
  if (!StartsWith(event, "Builtin:InterpreterEnter") &&
      !StartsWith(event, "Builtin:InterpreterEntryTrampoline")) {
    return;
  }
  IsolateFrames* frames = state->frames;
  for (size_t i = 0; i < frames->trampoline_count; i++) {
    if (frames->trampolines[i].start == event.code_start) return;
  }
  if (frames->trampoline_count == IsolateFrames::kMaxTrampolines) return;
  frames->trampolines[frames->trampoline_count++] = {event.code_start, event.code_length};
}

// The map of bytecode arrays and Code objects, from the first of each that V8 tells of.
void LearnMaps(const JitCodeEvent& event) {
  const Layout& layout = GetLayout();
  if (event.code_type == kByteCode && layout.bytecode_map == 0) {
    layout.bytecode_map = LoadWord(event.code_start - layout.bytecode_data);
  } else if (event.code_type == kMachineCode && layout.code_map == 0) {
    const uintptr_t code = LoadWord(event.code_start - layout.instruction_header + 8);
    if (IsHeapObject(code)) layout.code_map = Field(code, 0);
  }
}

void OnCodeAdded(IsolateState* state, const JitCodeEvent& event) {
  CodeHead head = {};
  head.start = event.code_start;
  head.length = static_cast<uint32_t>(event.code_length);
  head.type = static_cast<uint16_t>(event.code_type);
  head.encoding = static_cast<uint16_t>(GetLayout().position_encoding);
  head.name_bytes = static_cast<uint32_t>(std::min(event.name.length, kMaxNameBytes));
  NoteTrampoline(state, event);
  OptimizedDetails optimized;
  PositionBytes positions;
  Script script;
  if (event.script != nullptr && ReadScript(*event.script, &script)) {
    head.script_id = script.id;
    SendScript(state, script);
    LearnMaps(event);
    const FrameKind kind = ParseCodeName({event.name.text, head.name_bytes}, {}).kind;
    if (event.code_type == kByteCode) {
      positions = ReadBytecodePositions(event.code_start);
    } else if (kind == FrameKind::kBaseline && state->text.Reserve(kMaxPartBytes)) {
      state->text.size = 0;
      const size_t bytes =
          MakeBaselinePositions(event.code_start, {state->text.data, kMaxPartBytes});
      positions = {state->text.data, bytes};
      head.encoding = static_cast<uint16_t>(PositionEncoding::kSigned);
    } else if (kind == FrameKind::kMaglev || kind == FrameKind::kTurbofan) {
      DetailsBuffer* const buffer = state->details;
      optimized.functions = buffer->functions;
      optimized.inlined = buffer->inlined;
      optimized.sites = buffer->sites;
      ReadOptimizedDetails(event.code_start, event.code_length, kind == FrameKind::kMaglev,
                           &optimized);
      positions = optimized.positions;
    }
    if (positions.size() > kMaxPartBytes) positions = {};
  }
  head.function_count = static_cast<uint32_t>(optimized.function_count);
  head.inlined_count = static_cast<uint32_t>(optimized.inlined_count);
  head.positions_bytes = static_cast<uint32_t>(positions.size());
  head.sites_bytes = static_cast<uint32_t>(optimized.sites_bytes);
  head.exit_start = optimized.exit_start;
  head.exit_bytes = optimized.exit_bytes;
  const RecordPart parts[] = {
      {&head, sizeof head},
      {event.name.text, head.name_bytes},
      {optimized.functions.data(), optimized.function_count * sizeof(uint64_t)},
      {optimized.inlined.data(), optimized.inlined_count * sizeof(InlinedFunction)},
      {positions.data(), positions.size()},
      {optimized.sites.data(), optimized.sites_bytes}};
  state->observer.push(RingRecord::kCode, parts, std::size(parts));
}

// Of the calls on the stack, those that are in this code are no riddle.
void NoteListed(IsolateState* state, const JitCodeEvent& event) {
  size_t kept = 0;
  for (size_t i = 0; i < state->open_call_count; i++) {
    const uint64_t call = state->details->open_calls[i];
    if (call - 1 - event.code_start >= event.code_length) {
      state->details->open_calls[kept++] = call;
    }
  }
  state->open_call_count = kept;
}

// What V8 did not list and is running.
void SendUnlisted(IsolateState* state) {
  while (state->open_call_count > 0) {
    const uint64_t call = state->details->open_calls[--state->open_call_count];
    UnlistedCode found;
    if (!FindUnlistedCode(call, &found)) continue;
    uintptr_t function = FunctionOfCode(found.start);
    JitCodeEvent event = {};
    event.type = kCodeAdded;
    event.code_type = kMachineCode;
    event.code_start = found.start;
    event.code_length = found.length;
    event.script = &function;
    // As V8 names code, without the function: that is told with it.
    event.name.text = found.kind == FrameKind::kMaglev ? "JS:+" : "JS:*";
    event.name.length = 4;
    NoteListed(state, event);
    if (IsHeapObject(function)) OnCodeAdded(state, event);
  }
}

void OnCodeEvent(const JitCodeEvent* event) {
  IsolateState* state = current_state;
  if (event->type == kCodeMoved) {
    // Also told by GC helper threads, which have no isolate of their own.
    const uint64_t moved[] = {event->code_start, event->new_code_start};
    const RecordPart part = {moved, sizeof moved};
    if (any_push != nullptr) any_push(RingRecord::kCodeMoved, &part, 1);
  } else if (event->type == kCodeAdded && state != nullptr) {
    // Line events are not needed: V8's tables, which are in place by now, say more.
    OnCodeAdded(state, *event);
    if (state->open_call_count > 0) NoteListed(state, *event);
  }
}

}  // namespace

bool PageBuffer::Reserve(size_t more) {
  if (size + more <= capacity) return true;
  size_t wanted = std::max<size_t>(capacity * 2, 16 << 10);
  while (wanted < size + more) wanted *= 2;
  void* moved = data == nullptr ? os::MapPages(wanted) : os::GrowPages(data, capacity, wanted);
  if (moved == nullptr) return false;
  data = static_cast<uint8_t*>(moved);
  capacity = wanted;
  return true;
}

void StartCodeEvents(IsolateState* state, const uintptr_t* c_entry_fp) {
  state->details = static_cast<DetailsBuffer*>(os::MapPages(sizeof(DetailsBuffer)));
  if (state->details == nullptr) return;
  current_state = state;
  any_push = state->observer.push;
  IsolateFrames frames = *state->frames;
  frames.c_entry_fp = c_entry_fp;
  state->open_call_count = WalkJs(frames, state->details->open_calls, kMaxOpenCalls).count;
  GetApi().set_jit_code_event_handler(state->isolate, kJitCodeEventEnumExisting, OnCodeEvent);
  SendUnlisted(state);
}

void StopCodeEvents(IsolateState* state) {
  GetApi().set_jit_code_event_handler(state->isolate, kJitCodeEventDefault, nullptr);
  current_state = nullptr;
}

}  // namespace memtape::v8
