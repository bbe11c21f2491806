// SPDX-License-Identifier: MIT
#include "stack/walk_memo.h"
#include "track/events.h"

namespace memtape {
namespace {

// An interpreted frame stays where it is while its function goes on from call to call: its key is
// asked for again in each walk.
struct KeyOfFrame {
  const v8::IsolateFrames& js;

  FrameKey operator()(const Regs& frame) const {
    if (!js.IsTrampoline(frame.pc)) return {frame.pc, false};
    return {v8::InterpretedKey(frame.fp), true};
  }
};

// Without an isolate no address is a trampoline's.
void ForgetIfKeysChange(ThreadState* state) {
  const v8::IsolateFrames& js = state->js;
  if (MEMTAPE_LIKELY(state->memo_js == js.c_entry_fp &&
                     state->memo_trampolines == js.trampoline_count)) {
    return;
  }
  state->memo_js = js.c_entry_fp;
  state->memo_trampolines = js.trampoline_count;
  state->memo.Forget();
}

// Native frames end too early in the constructors of a library that is being loaded: nobody has its
// tables yet. Where they have not come to JavaScript, V8 knows what is above: the stack has a gap
// and is marked as lost, but ends in the line that asked for it. Returns the number of frames,
// which go behind the `depth` native ones.
[[gnu::noinline]] uint32_t AddJsAbove(ThreadState* state, uint32_t depth, const StackBounds& bounds,
                                      uint64_t* hash) {
  state->js_above = 0;
  const v8::IsolateFrames& js = state->js;
  if (js.c_entry_fp == nullptr || depth == 0 || depth >= kMaxFrames) return 0;
  const uintptr_t exit = *js.fast_c_call_fp != 0 ? *js.fast_c_call_fp : *js.c_entry_fp;
  if (exit < state->memo.frame(0).regs.sp || exit >= bounds.hi) return 0;
  uint64_t* const keys = state->keys + depth;
  const v8::JsWalk walk = v8::WalkJs(js, keys, kMaxFrames - depth);
  for (size_t i = 0; i < walk.count; i++) *hash = HashFrame(*hash, keys[i]);
  state->js_above = static_cast<uint32_t>(walk.count);
  return state->js_above;
}

}  // namespace

WalkedStack WalkNative(ThreadState* state, const Regs& caller) {
  UnwindCache& cache = state->unwind[1];
  cache.Sync();
  // Before the modules are known, the caller alone has to do.
  const StackBounds* bounds =
      cache.map() == nullptr ? nullptr : state->stack_finder.Find(caller.sp);
  WalkMemo::Result walk;
  if (MEMTAPE_LIKELY(bounds != nullptr)) {
    ForgetIfKeysChange(state);
    const Regs leaf = SkipWrappers(caller, &cache, *bounds);
    const KeyOfFrame key_of{state->js};
    walk = state->memo.Walk(leaf, &cache, *bounds, key_of);
    CheckNativeWalk(&state->memo, walk, leaf, &cache, *bounds, key_of, state->keys, kMaxFrames);
  } else {
    walk.hash = HashFrame(HashSeed(WalkEnd::kNone), caller.pc);
    state->keys[0] = caller.pc;
  }
  uint64_t hash = walk.hash;
  uint32_t count = walk.depth;
  if (MEMTAPE_UNLIKELY(walk.end == WalkEnd::kLost)) {
    count += AddJsAbove(state, walk.depth, *bounds, &hash);
  }
  if (state->origin != 0) hash = HashFrame(hash, state->origin);
  hash |= 1;  // 0 stands for no stack
  state->stacks.Prefetch(hash);
  const uint32_t flags =
      (walk.end == WalkEnd::kCut ? kStackCut : 0) | (walk.end == WalkEnd::kLost ? kStackLost : 0);
  return {hash, count, flags};
}

uint32_t DefineNativeStack(ThreadState* state, const WalkedStack& walked) {
  WalkedStack stack = walked;
  const uint32_t native = walked.count - ((walked.flags & kStackLost) != 0 ? state->js_above : 0);
  for (uint32_t i = 0; i < native; i++) {
    state->keys[native - 1 - i] = state->memo.frame(i).key;
  }
  if (walked.count == 0) stack.count = 1;  // the caller alone
  if (state->origin != 0) state->keys[stack.count++] = state->origin;
  return DefineStack(state, stack);
}

}  // namespace memtape
