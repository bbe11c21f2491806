// SPDX-License-Identifier: MIT
// What the tests of cpp/stack share: tables of this process, and libgcc's unwinder to compare with.
#pragma once

#include <gtest/gtest.h>
#include <pthread.h>
#include <ucontext.h>
#include <unwind.h>

#include <cstdint>
#include <vector>

#include "base/page_arena.h"
#include "os/os.h"
#include "stack/module_registry.h"
#include "stack/unwinder.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMTAPE_SANITIZED 1
#endif

namespace memtape {

// One registry for the process, as in the product.
inline ModuleRegistry& TestRegistry() {
  static PageArena arena(os::MapPages);
  static ModuleRegistry registry(&arena);
  [[maybe_unused]] static const bool refreshed = registry.RefreshFromLoader();
  return registry;
}

// Readers must outlive everything, hence the leak.
inline UnwindCache* NewCache(size_t entries = UnwindCache::kDefaultEntries) {
  UnwindCache* cache = new UnwindCache;
  cache->Init(os::MapPages(UnwindCache::BytesFor(entries)), entries);
  TestRegistry().Attach(cache->reader());
  return cache;
}

inline StackBounds ThisThreadsBounds() {
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  const uint64_t lo = reinterpret_cast<uint64_t>(low);
  return {lo, lo + size};
}

constexpr size_t kMaxPcs = 512;

struct PcList {
  uint64_t pcs[kMaxPcs];
  size_t count = 0;
  WalkEnd end = WalkEnd::kNone;

  void Add(uint64_t pc) {
    if (count < kMaxPcs) pcs[count++] = pc;
  }
  std::vector<uint64_t> From(size_t first) const {
    return first >= count ? std::vector<uint64_t>()
                          : std::vector<uint64_t>(pcs + first, pcs + count);
  }
};

// libgcc's frames; pcs of interrupted frames are made pc + 1, as ours are. [0] is the caller.
[[gnu::noinline]] inline void ReferenceWalk(PcList* out) {
  out->count = 0;
  _Unwind_Backtrace(
      [](_Unwind_Context* context, void* data) {
        int before_instruction = 0;
        const uint64_t pc = _Unwind_GetIPInfo(context, &before_instruction);
        if (pc != 0) static_cast<PcList*>(data)->Add(pc + (before_instruction ? 1 : 0));
        return _URC_NO_REASON;
      },
      out);
  // _Unwind_Backtrace itself is not listed; this function is (and this keeps its call no tail
  // call).
  for (size_t i = 1; i < out->count; i++) out->pcs[i - 1] = out->pcs[i];
  if (out->count > 0) out->count--;
}

inline void OurWalk(const Regs& start, UnwindCache* cache, const StackBounds& bounds, PcList* out) {
  out->count = Unwind(start, cache, bounds, out->pcs, kMaxPcs, &out->end);
}

#if defined(__x86_64__)
// Where a signal found the thread.
inline Regs RegsOfSignal(const void* context) {
  const greg_t* regs = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  return {static_cast<uint64_t>(regs[REG_RIP]) + 1, static_cast<uint64_t>(regs[REG_RSP]),
          static_cast<uint64_t>(regs[REG_RBP])};
}
#endif

}  // namespace memtape
