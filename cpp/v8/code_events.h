// SPDX-License-Identifier: MIT
// V8's code events of one isolate → ring records: each piece of code with its name and its table of
// source positions, each script once with its line lengths.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "format/format.h"
#include "v8/isolate.h"
#include "v8/js_heap.h"
#include "v8/page_buffer.h"
#include "v8/unlisted_code.h"

namespace memtape::v8 {

// The largest part of a record.
inline constexpr size_t kMaxPartBytes = 128 << 10;
inline constexpr size_t kMaxUnlisted = 256;

// Room for the details of one piece of optimized code, and for the stack at the start.
struct DetailsBuffer {
  uint64_t functions[kMaxCodeFunctions];
  InlinedFunction inlined[kMaxInlinedFunctions];
  uint8_t sites[64 << 10];
  uint64_t calls[kMaxFrames];
  UnlistedCode unlisted[kMaxUnlisted];  // frames->unlisted_count of them
};

struct IsolateState {
  Isolate* isolate;
  Observer observer;
  IsolateFrames* frames;
  // One bit per script id: told already, told with a name.
  PageBuffer scripts_seen;
  PageBuffer scripts_named;
  PageBuffer text;
  DetailsBuffer* details;
  bool listing;         // V8 is telling of the code that exists
  PageBuffer listed;    // where machine code of JavaScript started then
  PageBuffer builtins;  // of struct Builtin
  uint64_t last_sample_ns;
  JsHeapSampling js_heap;
};

// Tells of the code that exists, and from then on of all that comes. `c_entry_fp` is where the
// isolate keeps its latest exit frame.
void StartCodeEvents(IsolateState* state, const uintptr_t* c_entry_fp);
void StopCodeEvents(IsolateState* state);

}  // namespace memtape::v8
