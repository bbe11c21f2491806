// SPDX-License-Identifier: MIT
// V8's code events of one isolate → ring records: each piece of code with its name and its table of
// source positions, each script once with its line lengths.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "v8/isolate.h"

namespace memtape::v8 {

// Growable bytes in pages of their own.
struct PageBuffer {
  uint8_t* data = nullptr;
  size_t size = 0;
  size_t capacity = 0;

  // Room for `more` bytes after size; false when there is no memory.
  bool Reserve(size_t more);
};

inline constexpr size_t kMaxOpenCalls = 1024;

// Room for the details of one piece of optimized code, and for the stack at the start.
struct DetailsBuffer {
  uint64_t functions[kMaxCodeFunctions];
  InlinedFunction inlined[kMaxInlinedFunctions];
  uint8_t sites[64 << 10];
  uint64_t open_calls[kMaxOpenCalls];
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
  size_t open_call_count;  // return addresses on the stack in code that V8 has not listed so far
  uint64_t last_sample_ns;
};

// Tells of the code that exists, and from then on of all that comes. `c_entry_fp` is where the
// isolate keeps its latest exit frame.
void StartCodeEvents(IsolateState* state, const uintptr_t* c_entry_fp);
void StopCodeEvents(IsolateState* state);

}  // namespace memtape::v8
