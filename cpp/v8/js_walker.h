// SPDX-License-Identifier: MIT
// Walks the JavaScript frames of the calling thread: the hot path. Reads stack words only, never a
// heap object, so it is safe wherever malloc may be called, GC included.
//
// V8 keeps the frame pointer of the latest exit to C++ in isolate->c_entry_fp; every frame below it
// is linked by frame pointers up to the entry frame through which C++ called JavaScript, and that
// frame holds the previous c_entry_fp.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "base/check.h"
#include "base/frame_hash.h"
#include "log/ring_records.h"
#include "v8/heap_object.h"
#include "v8/layout.h"

namespace memtape::v8 {

// What the walker must know of one isolate. Written by the isolate's thread when it attaches.
struct IsolateFrames {
  const uintptr_t* c_entry_fp = nullptr;  // null: no isolate on this thread
  const uintptr_t* fast_c_call_fp = nullptr;
  const uintptr_t* fast_c_call_pc = nullptr;
  uint64_t entry_marker = 0, construct_entry_marker = 0, wasm_marker = 0;
  // Return addresses of interpreted frames lie in these: the bytecode dispatch trampolines.
  struct Range {
    uintptr_t start, length;
  };
  static constexpr size_t kMaxTrampolines = 8;
  Range trampolines[kMaxTrampolines] = {};
  size_t trampoline_count = 0;
  Range trampoline_bounds = {};  // all of them; most code is elsewhere
  uintptr_t stack_high = 0;      // no frame is above
  size_t unlisted_count = 0;     // pieces of code that V8 has not told of, see TellUnlisted

  void AddTrampoline(const Range& range) {
    if (trampoline_count == kMaxTrampolines) return;
    trampolines[trampoline_count++] = range;
    uintptr_t start = range.start;
    uintptr_t end = range.start + range.length;
    for (size_t i = 0; i < trampoline_count; i++) {
      start = std::min(start, trampolines[i].start);
      end = std::max(end, trampolines[i].start + trampolines[i].length);
    }
    trampoline_bounds = {start, end - start};
  }

  bool IsTrampoline(uintptr_t pc) const {
    if (pc - trampoline_bounds.start >= trampoline_bounds.length) return false;
    for (size_t i = 0; i < trampoline_count; i++) {
      if (pc - trampolines[i].start < trampolines[i].length) return true;
    }
    return false;
  }
};

struct JsWalk {
  size_t count;
  bool cut;   // deeper than `max`
  bool lost;  // a frame pointer led nowhere: the chain is incomplete
};

// The key of an interpreted frame: the address of the bytecode that is being executed.
inline uint64_t InterpretedKey(uintptr_t fp) {
  const uintptr_t offset = LoadWord(fp + kFrameBytecodeOffset);
  return kKeyInterpreted | (LoadWord(fp + kFrameBytecodeArray) + (offset >> 32));
}

// Writes the keys of the frames (log/ring_records.h), leaf first. Internal frames without a
// function (entry, stubs) have a marker instead of a context and are left out, except
// WebAssembly's.
// `hash` takes them in as they come: a step waits for the next frame pointer anyhow.
[[gnu::always_inline]] inline JsWalk WalkJs(const IsolateFrames& isolate, uint64_t* keys,
                                            size_t max, FrameHash* hash) {
  JsWalk walk = {0, false, false};
  uintptr_t pc = 0;
  uintptr_t fp = *isolate.fast_c_call_fp;
  uintptr_t low = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (fp != 0) {
    pc = *isolate.fast_c_call_pc;
  } else {
    fp = *isolate.c_entry_fp;
    if (fp == 0) return walk;
    if (MEMTAPE_UNLIKELY(fp - low >= isolate.stack_high - low)) {
      walk.lost = true;
      return walk;
    }
    low = fp;
    pc = LoadWord(fp + 8);
    fp = LoadWord(fp);
  }
  while (true) {
    if (MEMTAPE_UNLIKELY(fp <= low || fp >= isolate.stack_high || (fp & 7) != 0)) {
      walk.lost = true;
      return walk;
    }
    low = fp;
    const uint64_t marker = LoadWord(fp + kFrameMarker);
    if ((marker & 1) == 0) {
      if (marker == isolate.entry_marker || marker == isolate.construct_entry_marker) {
        const uintptr_t outer = LoadWord(fp + kEntryFrameCEntryFp);
        if (outer == 0) return walk;
        if (MEMTAPE_UNLIKELY(outer <= fp || outer >= isolate.stack_high || (outer & 7) != 0)) {
          walk.lost = true;
          return walk;
        }
        low = outer;
        pc = LoadWord(outer + 8);
        fp = LoadWord(outer);
        continue;
      }
    }
    if ((marker & 1) != 0 || marker == isolate.wasm_marker) {
      if (MEMTAPE_UNLIKELY(walk.count == max)) {
        walk.cut = true;
        return walk;
      }
      const uint64_t key = isolate.IsTrampoline(pc) ? InterpretedKey(fp) : pc;
      keys[walk.count++] = key;
      hash->Add(key);
    }
    pc = LoadWord(fp + 8);
    fp = LoadWord(fp);
  }
}

inline JsWalk WalkJs(const IsolateFrames& isolate, uint64_t* keys, size_t max) {
  FrameHash unused;
  return WalkJs(isolate, keys, max, &unused);
}

}  // namespace memtape::v8
