// SPDX-License-Identifier: MIT
// V8's exported C++ functions, found by name at run time: no V8 header, one binary for Node 20 to
// 26. All names and the layouts below are equal in those versions. Any pointer may be null: check
// Complete() first. Call them on the isolate's own thread only, never from an allocation hook, but
// for what says otherwise.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape::v8 {

using Isolate = void;

struct JitCodeEvent {
  int type;
  int code_type;
  uintptr_t code_start;
  size_t code_length;
  uintptr_t* script;  // handle of a SharedFunctionInfo, or null
  void* user_data;
  void* wasm_source_info;
  union {
    struct {
      const char* text;
      size_t length;
    } name;
    struct {
      size_t offset;
      size_t position;
      int type;
    } line;
    uintptr_t new_code_start;
  };
  Isolate* isolate;
};
static_assert(sizeof(JitCodeEvent) == 88 || sizeof(JitCodeEvent) == 80);

enum JitEventType {
  kCodeAdded = 0,
  kCodeMoved = 1,
  kCodeRemoved = 2,
  kCodeLine = 3,
  kCodeLinesStart = 4,
  kCodeLinesEnd = 5,
};
inline constexpr int kJitCodeEventDefault = 0;
inline constexpr int kJitCodeEventEnumExisting = 1;

struct AllocationProfile;
using HeapProfiler = void;
enum MemoryPressure { kPressureNone = 0, kPressureCritical = 2 };
enum SamplingFlags { kSamplingNoFlags = 0 };

enum GcType { kGcScavenge = 1, kGcMarkSweepCompact = 4, kGcAll = 31 };

struct HeapStatistics {
  size_t total_heap_size, total_heap_size_executable, total_physical_size, total_available_size,
      used_heap_size, heap_size_limit, malloced_memory, external_memory, peak_malloced_memory;
  uint8_t later_fields[128];  // more than any version has
};

struct HeapSpaceStatistics {
  const char* name;
  size_t size, used, available, physical;
  uint8_t later_fields[64];
};

struct RegisterState {
  uintptr_t pc, sp, fp, lr;
  void* callee_saved;
};

struct SampleInfo {
  size_t frames_count;
  uint8_t other_fields[120];
};

// What V8 calls a Local: the address of a handle, or null.
using ContextHandle = void*;

struct Api {
  Isolate* (*get_current)();
  // These two read a variable, and may be called anywhere.
  Isolate* (*try_get_current)();
  bool (*in_context)(Isolate*);
  void (*set_jit_code_event_handler)(Isolate*, int options, void (*)(const JitCodeEvent*));
  void (*add_gc_prologue)(Isolate*, void (*)(Isolate*, int, int, void*), void*, int types);
  void (*remove_gc_prologue)(Isolate*, void (*)(Isolate*, int, int, void*), void*);
  void (*add_gc_epilogue)(Isolate*, void (*)(Isolate*, int, int, void*), void*, int types);
  void (*remove_gc_epilogue)(Isolate*, void (*)(Isolate*, int, int, void*), void*);
  void (*get_stack_sample)(Isolate*, const RegisterState*, void** frames, size_t, SampleInfo*);
  void (*request_interrupt)(Isolate*, void (*)(Isolate*, void*), void*);
  void (*heap_statistics_init)(HeapStatistics*);
  void (*get_heap_statistics)(Isolate*, HeapStatistics*);
  size_t (*number_of_heap_spaces)(Isolate*);
  void (*heap_space_statistics_init)(HeapSpaceStatistics*);
  bool (*get_heap_space_statistics)(Isolate*, HeapSpaceStatistics*, size_t index);
  const char* (*get_version)();
  HeapProfiler* (*get_heap_profiler)(Isolate*);
  bool (*start_sampling)(HeapProfiler*, uint64_t interval, int stack_depth, int flags);
  void (*stop_sampling)(HeapProfiler*);
  AllocationProfile* (*get_allocation_profile)(HeapProfiler*);  // null: nobody samples
  void (*memory_pressure)(Isolate*, int level);
  // Of a string's handle. V8 14 has only the second, V8 12 only the first.
  int (*write_utf8)(const void*, Isolate*, char*, int capacity, int* characters, int options);
  size_t (*write_utf8_v2)(const void*, Isolate*, char*, size_t capacity, int flags, size_t*);
  ContextHandle (*get_current_context)(Isolate*);
  // Node.js's. The first returns null for contexts that are not its own; the second must not get
  // one.
  void* (*get_current_environment)(ContextHandle);
  void (*add_environment_cleanup_hook)(Isolate*, void (*)(void*), void*);

  // Whether everything that naming JavaScript frames needs is there.
  bool Complete() const {
    return get_current != nullptr && set_jit_code_event_handler != nullptr &&
           add_gc_prologue != nullptr && add_gc_epilogue != nullptr &&
           remove_gc_prologue != nullptr && remove_gc_epilogue != nullptr &&
           get_stack_sample != nullptr && get_version != nullptr;
  }
  // Whether isolates can be attached that were not asked to load the addon.
  bool CanAttachLate() const {
    return Complete() && try_get_current != nullptr && in_context != nullptr &&
           request_interrupt != nullptr && get_current_context != nullptr &&
           get_current_environment != nullptr && add_environment_cleanup_hook != nullptr;
  }
  bool CanSampleHeap() const {
    return get_heap_profiler != nullptr && start_sampling != nullptr && stop_sampling != nullptr &&
           get_allocation_profile != nullptr && memory_pressure != nullptr &&
           request_interrupt != nullptr && get_heap_statistics != nullptr &&
           heap_statistics_init != nullptr && (write_utf8 != nullptr || write_utf8_v2 != nullptr);
  }
};

// Looked up at the first call. Not from a hook: dlsym takes the loader's lock.
const Api& GetApi();

// An integer constant that V8 exports for debuggers, or `fallback`.
int64_t DebugConstant(const char* name, int64_t fallback);

}  // namespace memtape::v8
