// SPDX-License-Identifier: MIT
// Events of the hot path → ring records. All take the state that Enter returned, between Enter and
// Leave. Order (format.md F-16): a free is stamped before the real call, an alloc after it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string_view>

#include "base/ticks.h"
#include "format/rings.h"
#include "track/thread_state.h"
#include "track/walk_check.h"

namespace memtape {

// The calling thread's stack, walked. Its keys are in the memo of the last walk if there is one,
// else in state->keys.
struct WalkedStack {
  uint64_t hash;  // 0: a collection is running, and its stack is known
  uint32_t count;
  uint32_t flags;
};

// A stack that this thread's cache does not know: defines it. Out of line: once per new stack.
uint32_t DefineStack(ThreadState* state, const WalkedStack& stack);
// The same of a stack that WalkDefault returned.
uint32_t DefineDefaultStack(ThreadState* state, const WalkedStack& stack);

// The same with every frame, native and JavaScript (native_stack.cc).
WalkedStack WalkNative(ThreadState* state, const Regs& caller);
uint32_t DefineNativeStack(ThreadState* state, const WalkedStack& stack);

// The innermost native caller that is not part of the allocator (operator new, strdup), and the
// JavaScript frames.
inline size_t WalkDefault(ThreadState* state, const Regs& caller, FrameHash* hash,
                          uint32_t* flags) {
  uint64_t* const keys = state->keys;
  keys[0] = caller.pc;
  state->bounds.lo = caller.sp;
  if (MEMTAPE_LIKELY(state->unwind_ready[0] && caller.sp < state->bounds.hi)) {
    UnwindCache& cache = state->unwind[0];
    cache.Sync();
    if (MEMTAPE_LIKELY(cache.map() != nullptr)) {
      keys[0] = SkipWrappers(caller, &cache, state->bounds).pc;
    }
  }
  if (state->js.c_entry_fp != nullptr) {
    const size_t count = state->js_memo.Walk(state->js, kMaxFrames - 1, hash);
    if (MEMTAPE_LIKELY(count != 0)) {
      CheckJsWalk(state->js_memo, state->js, count, *hash, keys + 1, kMaxFrames - 1);
      hash->Add(keys[0]);
      return 1 + count;
    }
  }
  hash->Add(keys[0]);
  if (state->js.c_entry_fp == nullptr) return 1;
  const v8::JsWalk walk = v8::WalkJs(state->js, keys + 1, kMaxFrames - 1, hash);
  *flags = (walk.cut ? kStackCut : 0) | (walk.lost ? kStackJsUnknown : 0);
  return 1 + walk.count;
}

// Walks the stack. `caller` is the frame that called the hooked function. Before the real call:
// what NumberOf needs is on its way from memory meanwhile.
inline WalkedStack WalkStack(ThreadState* state, const Regs& caller) {
  if (MEMTAPE_UNLIKELY(state->gc_depth != 0)) return {0, 0, 0};
  if (MEMTAPE_UNLIKELY(state->native)) return WalkNative(state, caller);
  uint64_t* const keys = state->keys;
  FrameHash hash;
  uint32_t flags = 0;
  size_t count = WalkDefault(state, caller, &hash, &flags);
  if (state->origin != 0) {
    keys[count++] = state->origin;
    hash.Add(state->origin);
  }
  const WalkedStack stack = {hash.value(), static_cast<uint32_t>(count), flags};
  state->stacks.Prefetch(stack.hash);
  return stack;
}

// The ring stack number of a stack, 0: it has none yet.
inline uint32_t KnownNumber(ThreadState* state, const WalkedStack& stack) {
  const uint32_t epoch = control->stack_epoch.load(std::memory_order_relaxed);
  if (MEMTAPE_UNLIKELY(state->stack_epoch != epoch)) {
    state->stacks.Clear();
    state->stack_epoch = epoch;
  }
  return state->stacks.Find(stack.hash);
}

// That of the stack that WalkStack returned last.
inline uint32_t NumberOf(ThreadState* state, const WalkedStack& stack) {
  if (MEMTAPE_UNLIKELY(stack.hash == 0)) return state->gc_stack;
  const uint32_t number = KnownNumber(state, stack);
  if (MEMTAPE_LIKELY(number != 0)) return number;
  return state->native ? DefineNativeStack(state, stack) : DefineDefaultStack(state, stack);
}

inline uint32_t CaptureStack(ThreadState* state, const Regs& caller) {
  return NumberOf(state, WalkStack(state, caller));
}

inline void RecordFree(ThreadState* state, const void* pointer) {
  if (!EnsureRoom(state, kRingFreeWords)) return;
  uint64_t* const record = state->ring.Next();
  const uint64_t stamp = TicksBefore();
  record[0] = stamp;
  record[1] = RingFreeWord1(reinterpret_cast<uint64_t>(pointer));
  state->ring.Commit(kRingFreeWords, stamp);
}

inline void RecordAlloc(ThreadState* state, Allocator allocator, const void* pointer, size_t size,
                        const WalkedStack& walked) {
  const uint32_t stack = NumberOf(state, walked);
  if (!EnsureRoom(state, kRingAllocWords)) return;
  uint64_t* const record = state->ring.Next();
  const uint64_t stamp = TicksAfter();
  record[0] = stamp;
  record[1] = RingAllocWord1(static_cast<uint8_t>(allocator), reinterpret_cast<uint64_t>(pointer));
  record[2] = size;
  record[3] = stack;
  state->ring.Commit(kRingAllocWords, stamp);
}

// realloc frees before it allocates, and may fail. Its free is stamped here, before the real call,
// and recorded afterwards when the outcome is known: until Leave the drain thread keeps back every
// event of other threads that is younger than this thread's last record.
struct PendingRealloc {
  uint64_t free_stamp;
  uint32_t stack;
  bool recordable;
};
inline PendingRealloc BeginRealloc(ThreadState* state, const Regs& caller) {
  const uint32_t stack = CaptureStack(state, caller);
  const bool room = EnsureRoom(state, kRingFreeWords + kRingAllocWords);
  return {TicksBefore(), stack, room};
}
void FinishRealloc(ThreadState* state, const PendingRealloc& pending, const void* old_pointer,
                   const void* new_pointer, size_t size);

// A mapping call, recorded after it succeeded. `stamp`: TicksBefore() from before the call when it
// takes memory away (munmap, or an mmap over an old range), TicksAfter() otherwise.
void RecordMap(ThreadState* state, MapOp op, uint64_t stamp, uint32_t stack, uint64_t address,
               uint64_t length, uint64_t prot, uint64_t flags);

void RecordThreadName(ThreadState* state, NameSource source, std::string_view name);
// The same for the calling thread, outside hooks.
void NameThread(const char* name, size_t length);
// The calling thread has forked a child; `stack` is its own at the call.
void RecordFork(ThreadState* state, uint32_t pid, uint32_t stack);
// The calling thread's function has returned, or is left by pthread_exit.
void RecordThreadLeft();
void RecordModulesChange(ThreadState* state, ModulesChange change);
void RecordMark(const char* name, size_t length);
// A JSON object for the capture's metadata.
void RecordMetadata(const char* json, size_t length);

// Attaches the calling thread's V8 isolate, so that its JavaScript frames are seen. Returns null or
// the reason why they are not. Guard down.
const char* AttachIsolate(uint64_t worker_id, bool is_main);
// Whether any thread has tried to: JavaScript runs in this process.
bool HasJavaScript();
void DetachIsolate();
// A profile of the calling thread's JavaScript heap at the end, if that is sampled. `collect`:
// after a full collection; `hidden`: of which nothing is recorded. Guard down.
void EndJsHeap(bool collect, bool hidden);

}  // namespace memtape
