// SPDX-License-Identifier: MIT
#include "v8/isolate.h"

#include <string.h>

#include "os/os.h"
#include "v8/code_events.h"
#include "v8/js_heap.h"

namespace memtape::v8 {
namespace {

constexpr size_t kIsolateScanBytes = 32 << 10;

// c_entry_fp is the one word of the isolate that points into this thread's stack at the frame
// pointer of an exit frame. Exactly one word does so on every version that was tried (Node 18-26).
const uintptr_t* FindCEntryFp(const Isolate* isolate, uintptr_t low, uintptr_t high) {
  const Layout& layout = GetLayout();
  const uintptr_t* words = static_cast<const uintptr_t*>(isolate);
  const uintptr_t* found = nullptr;
  for (size_t i = 0; i < kIsolateScanBytes / sizeof(uintptr_t); i++) {
    const uintptr_t value = words[i];
    if (value <= low || value >= high - 16 || (value & 7) != 0) continue;
    const uint64_t marker = LoadWord(value + kFrameMarker);
    for (size_t m = 0; m < layout.exit_marker_count; m++) {
      if (marker != layout.exit_markers[m]) continue;
      if (found != nullptr) return nullptr;
      found = words + i;
    }
  }
  return found;
}

// Walks this very stack with our walker and with V8's own and compares. V8's shows exit frames as
// well, so ours must be a subsequence, and what is left over must be few.
bool SelfTest(Isolate* isolate, const IsolateFrames& frames) {
  constexpr size_t kMax = 255;
  uint64_t ours[kMax];
  const JsWalk walk = WalkJs(frames, ours, kMax);
  if (walk.lost || walk.count == 0) return false;
  void* theirs[kMax];
  RegisterState registers = {};
  registers.pc = reinterpret_cast<uintptr_t>(&SelfTest);
  registers.sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - 8;
  registers.fp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  SampleInfo info = {};
  GetApi().get_stack_sample(isolate, &registers, theirs, kMax, &info);
  size_t matched = 0;
  for (size_t i = 0; i < info.frames_count && matched < walk.count; i++) {
    const uint64_t key = ours[matched] & ~kKeyInterpreted;
    if (reinterpret_cast<uintptr_t>(theirs[i]) == key) matched++;
  }
  return matched == walk.count || (walk.cut && matched > kMax / 2);
}

void OnGcStart(Isolate*, int type, int, void* data) {
  static_cast<IsolateState*>(data)->observer.gc_start(type);
}

void OnGcEnd(Isolate*, int type, int, void* data) {
  IsolateState* state = static_cast<IsolateState*>(data);
  state->observer.gc_end(type);
  AfterCollection(state);
  // A program that only makes garbage collects hundreds of times a second.
  constexpr uint64_t kMinPeriodNs = 50'000'000;
  const uint64_t now = os::MonotonicNs();
  if (now - state->last_sample_ns < kMinPeriodNs && type == kGcScavenge) return;
  state->last_sample_ns = now;
  SampleHeap(state);
}

void OnInterrupt(Isolate*, void* data) {
  IsolateState* state = static_cast<IsolateState*>(data);
  SampleHeap(state);
  TellJsHeapIfGrown(state);
}

}  // namespace

bool CanAttach(uintptr_t stack_high) {
  const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return FindCEntryFp(GetApi().get_current(), here, stack_high) != nullptr;
}

IsolateState* Attach(const Observer& observer, uintptr_t stack_high, IsolateFrames* frames,
                     const char** reason) {
  const Api& api = GetApi();
  const Layout& layout = GetLayout();
  if (!api.Complete()) {
    *reason = "this program does not export V8's profiling functions";
    return nullptr;
  }
  if (!layout.known) {
    *reason = "this version of V8 is not one that memtape knows";
    return nullptr;
  }
  Isolate* isolate = api.get_current();
  if (isolate == nullptr) {
    *reason = "no V8 isolate on this thread";
    return nullptr;
  }
  IsolateState* state = static_cast<IsolateState*>(os::MapPages(sizeof(IsolateState)));
  if (state == nullptr) {
    *reason = "out of memory";
    return nullptr;
  }
  state->isolate = isolate;
  state->observer = observer;
  state->frames = frames;
  *frames = {};
  const char* base = static_cast<const char*>(isolate);
  const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const uintptr_t* c_entry_fp = FindCEntryFp(isolate, here, stack_high);
  if (c_entry_fp == nullptr) {
    *reason = "the exit frame pointer was not found in the isolate";
    os::UnmapPages(state, sizeof(IsolateState));
    return nullptr;
  }
  frames->fast_c_call_fp = reinterpret_cast<const uintptr_t*>(base + layout.fast_c_call_fp);
  frames->fast_c_call_pc = reinterpret_cast<const uintptr_t*>(base + layout.fast_c_call_pc);
  frames->entry_marker = layout.entry_marker;
  frames->construct_entry_marker = layout.construct_entry_marker;
  frames->wasm_marker = layout.wasm_marker;
  frames->stack_high = stack_high;
  StartCodeEvents(state, c_entry_fp);
  // From here on the walker works; the hot path looks at c_entry_fp to see whether it may.
  frames->c_entry_fp = c_entry_fp;
  if (!SelfTest(isolate, *frames)) {
    frames->c_entry_fp = nullptr;
    StopCodeEvents(state);
    *reason = "the self-test of the stack walker failed";
    os::UnmapPages(state, sizeof(IsolateState));
    return nullptr;
  }
  api.add_gc_prologue(isolate, OnGcStart, state, kGcAll);
  api.add_gc_epilogue(isolate, OnGcEnd, state, kGcAll);
  SampleHeap(state);
  return state;
}

void Detach(IsolateState* state) {
  const Api& api = GetApi();
  StopJsHeap(state);
  state->frames->c_entry_fp = nullptr;
  StopCodeEvents(state);
  api.remove_gc_prologue(state->isolate, OnGcStart, state);
  api.remove_gc_epilogue(state->isolate, OnGcEnd, state);
}

void SampleHeap(IsolateState* state) {
  const Api& api = GetApi();
  if (api.get_heap_statistics == nullptr || api.heap_statistics_init == nullptr) return;
  HeapStatistics heap;
  api.heap_statistics_init(&heap);
  api.get_heap_statistics(state->isolate, &heap);
  constexpr size_t kMaxSpaces = 16;
  JsSpace spaces[kMaxSpaces] = {};
  size_t count = 0;
  if (api.get_heap_space_statistics != nullptr && api.number_of_heap_spaces != nullptr) {
    const size_t total = api.number_of_heap_spaces(state->isolate);
    for (size_t i = 0; i < total && count < kMaxSpaces; i++) {
      HeapSpaceStatistics space;
      api.heap_space_statistics_init(&space);
      if (!api.get_heap_space_statistics(state->isolate, &space, i)) continue;
      JsSpace& out = spaces[count++];
      out.size = space.size;
      out.used = space.used;
      strncpy(out.name, space.name, kSpaceNameBytes - 1);
    }
  }
  const JsSampleHead head = {heap.total_heap_size, heap.used_heap_size,  heap.external_memory,
                             heap.malloced_memory, heap.heap_size_limit, count};
  const RecordPart parts[] = {{&head, sizeof head}, {spaces, count * sizeof(JsSpace)}};
  state->observer.push(RingRecord::kJsSample, parts, 2);
}

void Interrupt(IsolateState* state, InterruptCallback* callback, void* data) {
  const Api& api = GetApi();
  if (api.request_interrupt != nullptr) api.request_interrupt(state->isolate, callback, data);
}

void RequestSample(IsolateState* state) {
  Interrupt(state, OnInterrupt, state);
}

}  // namespace memtape::v8
