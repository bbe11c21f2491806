// SPDX-License-Identifier: MIT
// Compares each walk that had the memo of the last one with a walk that has not, and stops the
// process where they differ: in builds that look for faults (MEMTAPE_CHECK_WALKS). Others do
// nothing here.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/frame_hash.h"
#include "stack/walk_memo.h"
#include "v8/js_memo.h"
#include "v8/js_walker.h"

namespace memtape {

#ifdef MEMTAPE_CHECK_WALKS

// `keys`: room for as many as a walk has at most. `count` JavaScript frames, with `hash`.
inline void CheckJsWalk(const v8::JsMemo& memo, const v8::IsolateFrames& js, size_t count,
                        const FrameHash& hash, uint64_t* keys, size_t max) {
  if (v8::JsMemo::IsInDeoptimizer(js)) return;  // the memo knows more
  uint64_t remembered[kMaxFrames];
  memo.CopyKeys(remembered);
  const v8::JsWalk walk = v8::WalkJs(js, keys, max);
  CHECK(!walk.cut && !walk.lost && walk.count == count);
  FrameHash expected;
  for (size_t i = count; i-- > 0;) {
    CHECK(keys[i] == remembered[i]);
    expected.Add(keys[i]);
  }
  CHECK(expected.value() == hash.value());
}

template <typename KeyFn>
void CheckNativeWalk(WalkMemo* memo, const WalkMemo::Result& walk, const Regs& leaf,
                     UnwindCache* cache, const StackBounds& bounds, KeyFn&& key_of, uint64_t* keys,
                     size_t max) {
  Regs regs = leaf;
  WalkEnd end = WalkEnd::kCut;
  size_t count = 0;
  while (count < max) {
    keys[count++] = key_of(static_cast<const Regs&>(regs)).value;
    StepTrace trace;
    const WalkEnd step = StepByRule(cache->Find(regs.pc), &regs, bounds, &trace);
    if (step == WalkEnd::kNone) continue;
    end = step;
    break;
  }
  CHECK(walk.depth == count && walk.end == end);
  uint64_t hash = HashSeed(end);
  for (size_t i = count; i-- > 0;) hash = HashFrame(hash, keys[i]);
  CHECK(walk.hash == hash);
  for (size_t i = 0; i < count; i++) {
    CHECK(memo->frame(static_cast<uint32_t>(count - 1 - i)).key == keys[i]);
  }
}

#else

inline void CheckJsWalk(const v8::JsMemo&, const v8::IsolateFrames&, size_t, const FrameHash&,
                        uint64_t*, size_t) {}

template <typename KeyFn>
void CheckNativeWalk(WalkMemo*, const WalkMemo::Result&, const Regs&, UnwindCache*,
                     const StackBounds&, KeyFn&&, uint64_t*, size_t) {}

#endif

}  // namespace memtape
