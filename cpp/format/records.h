// SPDX-License-Identifier: MIT
// Plain structs, one per long record (format.md §5), with its field names. Views are not owned.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "format/format.h"

namespace memtape {

struct ModuleRecord {
  uint32_t module = 0;
  uint32_t path = 0;
  std::string_view build_id;
  uint64_t base = 0;
  uint64_t end = 0;
  uint64_t bias = 0;
  bool loaded = true;
};

struct ThreadStartRecord {
  uint32_t thread = 0;
  uint64_t os_tid = 0;
  ThreadKind kind = ThreadKind::kUnknown;
  uint64_t worker_id = 0;
};

struct FunctionRecord {
  uint32_t name = 0;
  uint32_t file = 0;
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t script_id = 0;
};

// Which fields are written depends on the kind (§5.1).
struct FrameRecord {
  FrameKind kind = FrameKind::kNative;
  uint32_t module = 0;    // native
  uint64_t offset = 0;    // native
  uint32_t function = 0;  // interpreted … wasm
  uint32_t line = 0;      // interpreted … turbofan, wasm
  uint32_t column = 0;    // interpreted … turbofan, wasm
  uint32_t label = 0;     // label
};

// A stack, and the nodes below `parent` that lead to it and are not defined yet.
struct StackRecord {
  uint32_t parent = 0;
  uint32_t parent_frame = 0;         // of the node `parent`, 0 for node 0; not written
  std::span<const uint32_t> frames;  // of the new nodes, outermost first; none of them is 0
  uint32_t flags = 0;
};

struct MapDelta {
  MemoryClass memory_class = MemoryClass::kCommitted;
  uint32_t stack = 0;
  int64_t bytes = 0;
  int64_t ranges = 0;
};

struct MapRecord {
  MapOp op = MapOp::kMmap;
  uint64_t address = 0;
  uint64_t length = 0;
  uint64_t prot = 0;
  uint64_t flags = 0;
  uint32_t stack = 0;
  std::span<const MapDelta> deltas;
};

struct SampleRecord {
  uint64_t rss = 0;
  uint64_t heap = 0;
  uint64_t live_bytes = 0;
  uint64_t live_blocks = 0;
  uint64_t committed = 0;
  uint64_t reserved = 0;
  uint64_t file = 0;
};

struct RssPartBytes {
  RssPart part = RssPart::kOther;
  uint32_t detail = 0;
  uint64_t bytes = 0;
};

struct RssRecord {
  uint64_t rss = 0;
  std::span<const RssPartBytes> parts;
};

// Resident pages in a row, in units of kRssPageBytes.
struct RssRun {
  uint32_t part = 0;  // index into the parts of the record before
  uint64_t page = 0;
  uint64_t pages = 0;
};

struct HeapSpace {
  uint32_t name = 0;
  uint64_t size = 0;
  uint64_t used = 0;
};

struct JsSampleRecord {
  uint32_t thread = 0;
  uint64_t heap_total = 0;
  uint64_t heap_used = 0;
  uint64_t external = 0;
  uint64_t malloced = 0;
  uint64_t heap_limit = 0;
  std::span<const HeapSpace> spaces;
};

// A profile of a JavaScript heap is complete, or there will be none.
struct JsHeapRecord {
  uint32_t thread = 0;
  uint64_t flags = 0;
  uint64_t interval = 0;
  uint64_t used = 0;
  uint64_t samples = 0;
  uint64_t stacks = 0;
  uint32_t problem = 0;
};

struct JsHeapStack {
  uint32_t stack = 0;
  uint64_t bytes = 0;
  uint64_t objects = 0;
};

struct SymbolRecord {
  uint32_t module = 0;
  uint64_t offset = 0;
  uint32_t function = 0;
  uint32_t file = 0;
  uint32_t line = 0;
  uint32_t inlined = 0;
};

struct OriginRecord {
  uint32_t frame = 0;
  uint32_t function_name = 0;
  uint32_t file = 0;
  uint32_t line = 0;
  uint32_t column = 0;
};

// A run: ring stack `ring_stack` + i is stack `stack` + i, for i < count.
struct RingStacks {
  uint32_t ring_stack = 0;
  uint32_t stack = 0;
  uint32_t count = 1;
};

struct RingTail {
  uint32_t thread = 0;
  uint64_t tail = 0;
};

}  // namespace memtape
