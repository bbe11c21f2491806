// SPDX-License-Identifier: MIT
#include "hooks/core_api.h"

#include <atomic>

#include "base/guard.h"
#include "hooks/patch.h"
#include "hooks/preload.h"
#include "track/events.h"
#include "track/late_isolates.h"
#include "track/session.h"

namespace memtape {
namespace {

bool Active() {
  return CurrentSession().active();
}
const char* Path() {
  return CurrentSession().path();
}

// One thread at a time: workers may have Trackers, too.
std::atomic_flag busy;

const char* StartAlone(const CoreStartOptions* options, int* error) {
  if (CurrentSession().active()) return "recording is already on";
  if (!WasPreloaded()) {
    if (const char* problem = InstallPatches(Patches::kAll)) return problem;
  }
  SessionOptions session;
  session.path = options->path;
  session.overwrite = options->overwrite;
  session.interval_ms = options->interval_ms;
  session.native = options->native;
  session.follow = options->follow;
  session.js_heap_interval = options->js_heap_interval;
  session.mode = WasPreloaded() ? "preload" : "patch";
  FindLateIsolates();
  const char* problem = CurrentSession().Start(session, error);
  if (problem != nullptr && !WasPreloaded()) RemovePatches();
  return problem;
}

const char* Start(const CoreStartOptions* options, int* error) {
  *error = 0;
  if (busy.test_and_set()) return "recording is being started or stopped by another thread";
  const RecursionGuard guard;
  const char* problem = StartAlone(options, error);
  busy.clear();
  return problem;
}

bool Stop(CoreSummary* out) {
  if (busy.test_and_set()) return false;
  const RecursionGuard guard;
  SessionSummary summary;
  const bool stopped = CurrentSession().Stop("stop", &summary);
  if (stopped && !WasPreloaded()) RemovePatches();
  if (stopped) ReleaseLateIsolates();
  busy.clear();
  if (!stopped) return false;
  out->path = CurrentSession().path();
  out->duration_ns = summary.duration_ns;
  out->allocations = summary.allocations;
  out->frees = summary.frees;
  out->allocated_bytes = summary.allocated_bytes;
  out->foreign_frees = summary.foreign_frees;
  out->missed_frees = summary.missed_frees;
  out->nested = summary.nested;
  out->dropped = summary.dropped;
  out->stalls = summary.stalls;
  out->stall_ns = summary.stall_ns;
  out->peak_bytes = summary.peak_bytes;
  out->live_bytes = summary.live_bytes;
  out->live_blocks = summary.live_blocks;
  out->error = summary.error;
  out->error_text = summary.error_text;
  return true;
}

uint64_t HeapBytes() {
  return CurrentSession().heap_bytes();
}

CoreApi api = {
    .version = kCoreApiVersion,
    .preloaded = false,
    .active = Active,
    .path = Path,
    .start = Start,
    .stop = Stop,
    .mark = RecordMark,
    .add_metadata = RecordMetadata,
    .attach_isolate = AttachIsolate,
    .detach_isolate = DetachIsolate,
    .end_js_heap = EndJsHeap,
    .name_thread = NameThread,
    .heap_bytes = HeapBytes,
};

}  // namespace
}  // namespace memtape

extern "C" [[gnu::visibility("default")]] const memtape::CoreApi* memtape_core_api() {
  memtape::api.preloaded = memtape::WasPreloaded();
  return &memtape::api;
}
