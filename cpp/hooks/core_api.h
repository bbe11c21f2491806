// SPDX-License-Identifier: MIT
// The C interface between the core (the preload library) and the addon: plain types only, because
// the two are built and loaded apart. Raise kCoreApiVersion with every change.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape {

inline constexpr uint32_t kCoreApiVersion = 3;

struct CoreStartOptions {
  const char* path;
  bool overwrite;
  bool native;
  bool follow;
  uint32_t interval_ms;
  uint64_t js_heap_interval;
};

// SessionSummary (track/session.h), flattened.
struct CoreSummary {
  const char* path;
  uint64_t duration_ns;
  uint64_t allocations, frees, allocated_bytes;
  uint64_t foreign_frees, missed_frees, nested, dropped;
  uint64_t stalls, stall_ns;
  uint64_t peak_bytes, live_bytes, live_blocks;
  int error;
  const char* error_text;  // null: none
};

struct CoreApi {
  uint32_t version;
  bool preloaded;  // loaded by the dynamic linker: hooks are in place from the start
  bool (*active)();
  const char* (*path)();
  // Starts recording, installing the hooks first if the library was not preloaded. Returns null or
  // a static text; *error is an errno or 0.
  const char* (*start)(const CoreStartOptions* options, int* error);
  bool (*stop)(CoreSummary* summary);
  void (*mark)(const char* name, size_t length);
  // A JSON object that is added to the capture's metadata.
  void (*add_metadata)(const char* json, size_t length);
  // The calling thread's V8 isolate; returns null or why its frames cannot be seen.
  const char* (*attach_isolate)(uint64_t worker_id, bool is_main);
  void (*detach_isolate)();
  // A profile of the calling thread's JavaScript heap, if that is sampled: one of the last.
  // `collect`: after a full collection. `hidden`: what it frees is not recorded.
  void (*end_js_heap)(bool collect, bool hidden);
  // What reports are to call the calling thread.
  void (*name_thread)(const char* name, size_t length);
  uint64_t (*heap_bytes)();
};

}  // namespace memtape

extern "C" const memtape::CoreApi* memtape_core_api();
