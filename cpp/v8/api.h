// SPDX-License-Identifier: MIT
// V8's exported C++ functions, found by name at run time: no V8 header, one binary for Node 20 to
// 26. All names and the layouts below are equal in those versions. Any pointer may be null: check
// Complete() first. Call them on the isolate's own thread only, never from an allocation hook.
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

struct Api {
  Isolate* (*get_current)();
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

  // Whether everything that naming JavaScript frames needs is there.
  bool Complete() const {
    return get_current != nullptr && set_jit_code_event_handler != nullptr &&
           add_gc_prologue != nullptr && add_gc_epilogue != nullptr &&
           remove_gc_prologue != nullptr && remove_gc_epilogue != nullptr &&
           get_stack_sample != nullptr && get_version != nullptr;
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
