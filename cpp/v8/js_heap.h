// SPDX-License-Identifier: MIT
// V8's sampling heap profiler on one isolate: which stacks allocated the JavaScript objects that
// are alive. V8 takes a sample each `interval` bytes on average and forgets it when the object is
// collected. A profile is told when the heap is higher than at all those told before, and at the
// end. All functions run on the isolate's own thread, outside collections.
//
// V8's own functions are used, not node:inspector, which uses them as well: it has every reading
// preceded by a full collection, cannot read while JavaScript runs, and says nothing when somebody
// else samples already.
#pragma once

#include <stdint.h>

#include <string_view>

#include "log/ring_records.h"
#include "v8/page_buffer.h"

namespace memtape::v8 {

struct IsolateState;

struct JsHeapSampling {
  uint64_t interval = 0;   // bytes between samples; 0: we do not sample
  uint64_t told_used = 0;  // size of the heap at the largest profile told
  bool requested = false;  // V8 has been asked for an interrupt
  // Samples of the latest profile by id, to tell our sampling from that of somebody who stopped it.
  PageBuffer told;
  PageBuffer samples;  // those of the next profile
  PageBuffer nodes;    // on their way to the ring
};

// Starts to sample, or tells why that cannot be.
void StartJsHeap(IsolateState* state, uint64_t interval);
void StopJsHeap(IsolateState* state);

// When the heap is higher than at the profiles told before: after a collection, which must not be
// disturbed, V8 is asked to come back; otherwise at once.
void AfterCollection(IsolateState* state);
void TellJsHeapIfGrown(IsolateState* state);

// One of the profiles at the end, after CollectJsHeap or without.
void TellJsHeapAtEnd(IsolateState* state, bool collected);
// A full collection, if the isolate is sampled.
void CollectJsHeap(IsolateState* state);

// There will be no profile of the calling thread.
void TellNoJsHeap(PushRecord push, uint64_t interval, std::string_view why);

}  // namespace memtape::v8
