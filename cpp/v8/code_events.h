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

// Room for the details of one piece of optimized code.
struct DetailsBuffer {
  uint64_t functions[kMaxCodeFunctions];
  InlinedFunction inlined[kMaxInlinedFunctions];
  uint8_t sites[64 << 10];
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
  uint64_t last_sample_ns;
};

void StartCodeEvents(IsolateState* state);
void StopCodeEvents(IsolateState* state);

}  // namespace memtape::v8
