// SPDX-License-Identifier: MIT
#include "hooks/core_api.h"

#include "base/guard.h"
#include "hooks/patch.h"
#include "hooks/preload.h"
#include "track/events.h"
#include "track/session.h"

namespace memtape {
namespace {

bool Active() {
  return CurrentSession().active();
}
const char* Path() {
  return CurrentSession().path();
}

const char* Start(const CoreStartOptions* options, int* error) {
  const RecursionGuard guard;
  *error = 0;
  if (CurrentSession().active()) return "recording is already on";
  if (!WasPreloaded()) {
    if (const char* problem = InstallPatches()) return problem;
  }
  SessionOptions session;
  session.path = options->path;
  session.overwrite = options->overwrite;
  session.interval_ms = options->interval_ms;
  session.native = options->native;
  session.follow = options->follow;
  session.mode = WasPreloaded() ? "preload" : "patch";
  const char* problem = CurrentSession().Start(session, error);
  if (problem != nullptr && !WasPreloaded()) RemovePatches();
  return problem;
}

bool Stop(CoreSummary* out) {
  SessionSummary summary;
  if (!CurrentSession().Stop("stop", &summary)) return false;
  const RecursionGuard guard;
  if (!WasPreloaded()) RemovePatches();
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
    .heap_bytes = HeapBytes,
};

}  // namespace
}  // namespace memtape

extern "C" [[gnu::visibility("default")]] const memtape::CoreApi* memtape_core_api() {
  memtape::api.preloaded = memtape::WasPreloaded();
  return &memtape::api;
}
