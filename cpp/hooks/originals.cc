// SPDX-License-Identifier: MIT
#include "hooks/originals.h"

#include <dlfcn.h>
#include <string.h>

#include <atomic>

#include "base/check.h"

namespace memtape {
namespace {

// The dynamic loader's error buffers and the like: a few hundred bytes in practice.
constexpr size_t kPoolBytes = 32 << 10;
alignas(16) char pool[kPoolBytes];
std::atomic<size_t> pool_used{0};

template <typename T>
void Find(T* function, const char* name) {
  if (*function != nullptr) return;
  *function = reinterpret_cast<T>(dlsym(RTLD_NEXT, name));
}

}  // namespace

Originals originals;
bool originals_resolved = false;

void ResolveOriginals() {
#define MEMTAPE_FIND(result, name, ...) Find(&originals.name, #name);
  MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_FIND)
#undef MEMTAPE_FIND
  // What this libc does not have (free_sized) made it allocate a message, which it would free at
  // some later time, as if it were the program's.
  dlerror();
  dlerror();
  originals_resolved = true;
  CHECK(originals.malloc != nullptr && originals.free != nullptr && originals.mmap != nullptr);
}

void* PoolAllocate(size_t size) {
  const size_t rounded = (size + 31) & ~size_t{15};
  const size_t at = pool_used.fetch_add(rounded, std::memory_order_relaxed);
  CHECK(rounded >= size && at + rounded <= kPoolBytes);
  // The size stands before the block, for realloc.
  memcpy(pool + at, &size, sizeof size);
  return pool + at + 16;
}

bool IsFromPool(const void* pointer) {
  const char* p = static_cast<const char*>(pointer);
  return p >= pool && p < pool + kPoolBytes;
}

}  // namespace memtape
