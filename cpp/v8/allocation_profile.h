// SPDX-License-Identifier: MIT
// v8::AllocationProfile of v8-profiler.h as it lies in memory, with libstdc++'s vectors in it. The
// same in V8 11.3 to 14.6, but for one field at the end of a sample.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape::v8 {

template <typename T>
struct StdVector {
  T* begin;
  T* end;
  T* capacity_end;
};

struct ProfileNode {
  struct Allocation {
    size_t size;
    unsigned count;  // of objects, as estimated from the samples
  };
  void* name;  // a handle of a string, like the next
  void* script_name;
  int script_id;  // 0: none
  int start_position;
  int line, column;  // where the function begins, from 1; 0: not known
  uint32_t node_id;
  StdVector<ProfileNode*> children;
  StdVector<Allocation> allocations;
};
static_assert(sizeof(ProfileNode) == 88);

struct ProfileSample {
  uint32_t node_id;
  size_t size;
  unsigned count;
  uint64_t sample_id;  // they are numbered in the order in which they are taken
};
static_assert(sizeof(ProfileSample) == 32);
// With `bool is_live` behind it since V8 14.
constexpr size_t ProfileSampleBytes(int v8_major) {
  return v8_major >= 14 ? 40 : 32;
}

struct AllocationProfile {
  struct VirtualTable {
    ProfileNode* (*root)(AllocationProfile*);
    const StdVector<uint8_t>* (*samples)(AllocationProfile*);
    void (*destroy)(AllocationProfile*);
    void (*destroy_and_delete)(AllocationProfile*);
  };
  const VirtualTable* virtual_table;
};

}  // namespace memtape::v8
