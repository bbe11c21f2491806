// SPDX-License-Identifier: MIT
#include "track/events.h"

#include <string.h>

#include <algorithm>
#include <atomic>

#include "os/os.h"
#include "track/js_sampler.h"
#include "track/late_isolates.h"
#include "track/session.h"
#include "v8/js_heap.h"

namespace memtape {

namespace {

// A signal handler may leave at any point by longjmp. Until `told` is what the ring's reader has,
// it counts as nothing, and the next stack is told whole.
void TellStack(ThreadState* state, uint64_t head, const uint64_t* keys, size_t count) {
  size_t kept = 0;
  const size_t limit = std::min(count, state->told_count);
  while (kept < limit && state->told[kept] == keys[count - 1 - kept]) kept++;
  state->told_count = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint64_t heads[] = {head, kept};
  const RecordPart parts[] = {{heads, sizeof heads}, {keys, (count - kept) * sizeof *keys}};
  if (!PushTo(state, RingRecord::kStack, parts, 2)) return;
  for (size_t i = kept; i < count; i++) state->told[i] = keys[count - 1 - i];
  std::atomic_signal_fence(std::memory_order_seq_cst);
  state->told_count = count;
}

}  // namespace

uint32_t DefineStack(ThreadState* state, const WalkedStack& stack) {
  if (MEMTAPE_UNLIKELY(state->js.unlisted_count != 0) && state->isolate != nullptr) {
    v8::TellUnlisted(state->isolate, {state->keys, stack.count});
  }
  LookForIsolate(state);
  const uint32_t number = ++state->last_stack;
  uint32_t flags = stack.flags;
  if (state->js_unknown) flags |= kStackJsUnknown;
  TellStack(state, number | uint64_t{flags} << 32, state->keys, stack.count);
  state->stacks.Insert(stack.hash, number);
  return number;
}

uint32_t DefineDefaultStack(ThreadState* state, const WalkedStack& stack) {
  // The keys before them and after them are in place.
  if (state->js_memo.holds()) state->js_memo.CopyKeys(state->keys + 1);
  return DefineStack(state, stack);
}

void FinishRealloc(ThreadState* state, const PendingRealloc& pending, const void* old_pointer,
                   const void* new_pointer, size_t size) {
  if (!pending.recordable) return;
  uint64_t* record = state->ring.Next();
  uint64_t stamp = pending.free_stamp;
  size_t words = 0;
  if (old_pointer != nullptr) {
    record[0] = stamp;
    record[1] = RingFreeWord1(reinterpret_cast<uint64_t>(old_pointer));
    words = kRingFreeWords;
  }
  if (new_pointer != nullptr) {
    stamp = TicksAfter();
    record[words] = stamp;
    record[words + 1] = RingAllocWord1(static_cast<uint8_t>(Allocator::kRealloc),
                                       reinterpret_cast<uint64_t>(new_pointer));
    record[words + 2] = size;
    record[words + 3] = pending.stack;
    words += kRingAllocWords;
  }
  state->ring.Commit(words, stamp);
}

void RecordMap(ThreadState* state, MapOp op, uint64_t stamp, uint32_t stack, uint64_t address,
               uint64_t length, uint64_t prot, uint64_t flags) {
  if (!EnsureRoom(state, kRingMapWords)) return;
  uint64_t* const record = state->ring.Next();
  record[0] = stamp;
  record[1] = RingMapWord1(static_cast<uint8_t>(op), stack);
  record[2] = address;
  record[3] = length;
  record[4] = prot;
  record[5] = flags;
  state->ring.Commit(kRingMapWords, stamp);
}

void RecordThreadName(ThreadState* state, NameSource source, std::string_view name) {
  constexpr size_t kMaxName = 256;
  name = name.substr(0, kMaxName);
  const uint64_t head = name.size() | static_cast<uint64_t>(source) << 32;
  const RecordPart parts[] = {{&head, sizeof head}, {name.data(), name.size()}};
  PushTo(state, RingRecord::kThreadName, parts, 2);
}

void NameThread(const char* name, size_t length) {
  if (ThreadState* state = Enter()) {
    RecordThreadName(state, NameSource::kGiven, {name, length});
    Leave(state);
  }
}

void RecordFork(ThreadState* state, uint32_t pid, uint32_t stack) {
  const uint64_t payload = uint64_t{pid} | uint64_t{stack} << 32;
  const RecordPart part = {&payload, sizeof payload};
  PushTo(state, RingRecord::kFork, &part, 1);
}

void RecordThreadLeft() {
  // A thread that never allocated has no ring and needs none now.
  if (thread_state == nullptr) return;
  if (ThreadState* state = Enter()) {
    PushTo(state, RingRecord::kThreadLeft, nullptr, 0);
    Leave(state);
  }
}

void RecordModulesChange(ThreadState* state, ModulesChange change) {
  const uint64_t payload = static_cast<uint64_t>(change);
  const RecordPart part = {&payload, sizeof payload};
  PushTo(state, RingRecord::kModulesChanged, &part, 1);
}

void RecordMark(const char* name, size_t length) {
  const uint64_t size = length < 4096 ? length : 4096;
  const RecordPart parts[] = {{&size, sizeof size}, {name, size}};
  Session& session = CurrentSession();
  const uint32_t exits = session.exits_settled();
  Push(RingRecord::kMark, parts, 2);
  // Node.js is about to free nearly everything: what RSS is made of must be looked at before.
  if (std::string_view{name, length} == kExitMark) session.WaitForExitLook(exits);
}

void RecordMetadata(const char* json, size_t length) {
  const uint64_t size = length;
  const RecordPart parts[] = {{&size, sizeof size}, {json, size}};
  Push(RingRecord::kMetadata, parts, 2);
}

namespace {

// Of a stack that is in state->keys, in recordings with native stacks as well.
uint32_t NumberOfKeys(ThreadState* state, const WalkedStack& stack) {
  const uint32_t number = KnownNumber(state, stack);
  return number != 0 ? number : DefineStack(state, stack);
}

// V8 makes a profile for us: what it allocates for that has a stack of its own.
void OnProfileStart() {
  ThreadState* state = Enter();
  if (state == nullptr) return;
  if (state->gc_depth == 0) {
    FrameHash hash;
    state->keys[0] = kLabelJsHeap;
    hash.Add(kLabelJsHeap);
    state->gc_stack = NumberOfKeys(state, {hash.value(), 1, 0});
  }
  state->gc_depth++;
  Leave(state);
}

void OnProfileEnd() {
  ThreadState* state = Enter();
  if (state == nullptr) return;
  if (state->gc_depth > 0) state->gc_depth--;
  Leave(state);
}

// During GC objects move and frames may be half updated, so allocations carry the JavaScript stack
// that the collection interrupted, under the label "(GC)".
void OnGcStart(int type) {
  ThreadState* state = Enter();
  if (state == nullptr) return;
  if (state->gc_depth == 0 && state->js.c_entry_fp != nullptr) {
    uint64_t* const keys = state->keys;
    FrameHash hash;
    keys[0] = kLabelGc;
    hash.Add(kLabelGc);
    const v8::JsWalk walk = v8::WalkJs(state->js, keys + 1, kMaxFrames - 1, &hash);
    uint32_t count = static_cast<uint32_t>(walk.count) + 1;
    if (state->origin != 0) {
      keys[count++] = state->origin;
      hash.Add(state->origin);
    }
    state->gc_stack =
        NumberOfKeys(state, {hash.value(), count, kStackInGc | (walk.cut ? kStackCut : 0)});
    state->gc_depth = 1;
  } else if (state->gc_depth > 0) {
    state->gc_depth++;
  }
  const uint64_t head = static_cast<uint32_t>(type);
  const RecordPart part = {&head, sizeof head};
  PushTo(state, RingRecord::kGc, &part, 1);
  Leave(state);
}

void OnGcEnd(int type) {
  ThreadState* state = Enter();
  if (state == nullptr) return;
  if (state->gc_depth > 0) state->gc_depth--;
  const uint64_t head = static_cast<uint32_t>(type) | uint64_t{1} << 32;
  const RecordPart part = {&head, sizeof head};
  PushTo(state, RingRecord::kGc, &part, 1);
  // A mark-compact collection frees and moves code: the same address may now be other code.
  if (type != v8::kGcScavenge) state->stacks.Clear();
  Leave(state);
}

}  // namespace

namespace {

std::atomic<bool> has_javascript{false};

}  // namespace

bool HasJavaScript() {
  return has_javascript.load(std::memory_order_relaxed);
}

namespace {

void SampleJsHeap(v8::IsolateState* isolate, const char* no_isolate) {
  const uint64_t interval = CurrentSession().js_heap_interval();
  if (interval == 0) return;
  if (isolate == nullptr) {
    return v8::TellNoJsHeap(Push, interval, no_isolate == nullptr ? "" : no_isolate);
  }
  v8::StartJsHeap(isolate, interval);
}

}  // namespace

void EndJsHeap(bool collect, bool hidden) {
  const ThreadState* state = thread_state;
  if (state == nullptr || state->isolate == nullptr) return;
  if (collect && hidden) {
    const RecursionGuard guard;
    v8::CollectJsHeap(state->isolate);
  } else if (collect) {
    v8::CollectJsHeap(state->isolate);
  }
  v8::TellJsHeapAtEnd(state->isolate, collect);
}

const char* AttachIsolate(uint64_t worker_id, bool is_main) {
  has_javascript.store(true, std::memory_order_relaxed);
  ThreadState* state = Enter();
  if (state == nullptr) return "nothing is being recorded";
  Leave(state);
  const char* reason = nullptr;
  const uint32_t session = state->session;  // another one may begin before this is done
  if (state->isolate != nullptr && state->isolate_session != session) DetachIsolate();
  const bool is_new = state->isolate == nullptr;
  if (is_new) {
    // With the guard down: what V8 allocates for this it frees much later, like all else.
    const v8::Observer observer = {Push, OnGcStart, OnGcEnd, OnProfileStart, OnProfileEnd};
    state->isolate = v8::Attach(observer, os::StackEnd(os::Tid()), &state->js, &reason);
    if (state->isolate == nullptr) state->js = {};
    state->isolate_session = session;
    state->js_unknown = state->isolate == nullptr;
  }
  if (state->isolate != nullptr) AddSampledIsolate(state->isolate);
  if (!state->js_memo.ready()) {
    constexpr size_t kMaxLinks = 2 * kMaxFrames;  // V8's own frames count, too
    void* memory = os::MapPages(v8::JsMemo::BytesFor(kMaxLinks));
    if (memory != nullptr) state->js_memo.Init(memory, kMaxLinks);
  }
  if (Enter() == nullptr) return "nothing is being recorded";
  state->stacks.Clear();  // stacks from before were without JavaScript frames
  const ThreadKind kind = is_main ? ThreadKind::kMain : ThreadKind::kWorker;
  const uint64_t head[] = {uint64_t{state->thread}, static_cast<uint64_t>(kind) | worker_id << 32};
  const RecordPart part = {head, sizeof head};
  PushTo(state, RingRecord::kThread, &part, 1);
  Leave(state);
  if (is_new) SampleJsHeap(state->isolate, reason);
  return reason;
}

void DetachIsolate() {
  ThreadState* state = thread_state;
  if (state == nullptr || state->isolate == nullptr) return;
  RemoveSampledIsolate(state->isolate);
  v8::Detach(state->isolate);
  state->js = {};
  state->js_memo.Forget();
  state->isolate = nullptr;
}

}  // namespace memtape
