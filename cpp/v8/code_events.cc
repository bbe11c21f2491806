// SPDX-License-Identifier: MIT
#include "v8/code_events.h"

#include <string.h>

#include <algorithm>
#include <iterator>

#include "os/os.h"
#include "v8/code_details.h"
#include "v8/code_map.h"
#include "v8/heap_object.h"
#include "v8/script_records.h"
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
  frames->AddTrampoline({event.code_start, event.code_length});
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
      optimized.builtins = {reinterpret_cast<const Builtin*>(state->builtins.data),
                            state->builtins.size / sizeof(Builtin)};
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

bool Append(PageBuffer* words, uintptr_t word) {
  if (!words->Reserve(sizeof word)) return false;
  memcpy(words->data + words->size, &word, sizeof word);
  words->size += sizeof word;
  return true;
}

std::span<uintptr_t> Words(const PageBuffer& words) {
  return {reinterpret_cast<uintptr_t*>(words.data), words.size / sizeof(uintptr_t)};
}

void SendUnlisted(IsolateState* state, const UnlistedCode& code) {
  uintptr_t function = FunctionOfCode(code.start);
  if (!IsHeapObject(function)) return;
  JitCodeEvent event = {};
  event.type = kCodeAdded;
  event.code_type = kMachineCode;
  event.code_start = code.start;
  event.code_length = code.length;
  event.script = &function;
  // As V8 names code, but for the function: that is told with it.
  event.name.text = code.kind == FrameKind::kMaglev ? "JS:+" : "JS:*";
  event.name.length = 4;
  OnCodeAdded(state, event);
}

// V8 lists its builtins before all else.
void NoteListed(IsolateState* state, const JitCodeEvent& event) {
  if (event.script != nullptr) {
    Append(&state->listed, event.code_start);
  } else if (StartsWith(event, "Builtin:") && state->builtins.Reserve(sizeof(Builtin))) {
    Builtin builtin = {event.code_start, {}};
    constexpr size_t kPrefix = sizeof "Builtin:" - 1;
    memcpy(builtin.name, event.name.text + kPrefix,
           std::min(event.name.length - kPrefix, sizeof builtin.name));
    memcpy(state->builtins.data + state->builtins.size, &builtin, sizeof builtin);
    state->builtins.size += sizeof builtin;
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
    if (state->listing && event->code_type == kMachineCode) NoteListed(state, *event);
  }
}

}  // namespace

void TellUnlisted(IsolateState* state, std::span<const uint64_t> calls) {
  UnlistedCode* const unlisted = state->details->unlisted;
  for (size_t i = state->frames->unlisted_count; i-- > 0;) {
    const UnlistedCode code = unlisted[i];
    const bool called = std::any_of(calls.begin(), calls.end(), [&](uint64_t call) {
      return call - 1 - code.start < code.length;
    });
    if (!called) continue;
    unlisted[i] = unlisted[--state->frames->unlisted_count];
    if (IsStillThere(code)) SendUnlisted(state, code);
  }
}

namespace {

// Looks where the listed code is and where the calls on the stack are.
void FindUnlisted(IsolateState* state, const uintptr_t* c_entry_fp) {
  const std::span<uintptr_t> listed = Words(state->listed);
  std::sort(listed.begin(), listed.end());
  state->text.size = 0;
  for (const uintptr_t start : listed) Append(&state->text, start);
  IsolateFrames frames = *state->frames;
  frames.c_entry_fp = c_entry_fp;
  uint64_t* const calls = state->details->calls;
  const size_t count = WalkJs(frames, calls, kMaxFrames).count;
  for (size_t i = 0; i < count; i++) {
    if ((calls[i] & kKeyInterpreted) == 0) Append(&state->text, calls[i]);
  }
  const std::span<uintptr_t> addresses = Words(state->text);
  std::sort(addresses.begin(), addresses.end());
  state->frames->unlisted_count = FindUnlistedCode(listed, addresses, state->details->unlisted);
  TellUnlisted(state, {calls, count});
}

}  // namespace

void StartCodeEvents(IsolateState* state, const uintptr_t* c_entry_fp) {
  state->details = static_cast<DetailsBuffer*>(os::MapPages(sizeof(DetailsBuffer)));
  if (state->details == nullptr) return;
  current_state = state;
  any_push = state->observer.push;
  state->listing = true;
  GetApi().set_jit_code_event_handler(state->isolate, kJitCodeEventEnumExisting, OnCodeEvent);
  state->listing = false;
  FindUnlisted(state, c_entry_fp);
}

void StopCodeEvents(IsolateState* state) {
  GetApi().set_jit_code_event_handler(state->isolate, kJitCodeEventDefault, nullptr);
  current_state = nullptr;
  state->frames->unlisted_count = 0;
  for (PageBuffer* buffer : {&state->scripts_seen, &state->scripts_named, &state->text,
                             &state->listed, &state->builtins}) {
    buffer->Free();
  }
  if (state->details != nullptr) os::UnmapPages(state->details, sizeof(DetailsBuffer));
  state->details = nullptr;
}

}  // namespace memtape::v8
