// SPDX-License-Identifier: MIT
// The wrappers, memtape_<name> for each hooked function, and what they share.
#pragma once

#include "base/check.h"
#include "hooks/originals.h"
#include "stack/unwinder.h"

extern "C" {
#define MEMTAPE_DECLARE(result, name, ...) result memtape_##name(__VA_ARGS__);
MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_DECLARE)
#undef MEMTAPE_DECLARE
}

namespace memtape {

// The frame that called the hooked function. A macro: evaluated in the wrapper itself.
#if defined(MEMTAPE_CALLER_REGS)
#define CALLER MEMTAPE_CALLER_REGS()
#else
#define CALLER (Regs{reinterpret_cast<uint64_t>(__builtin_return_address(0)), UINT64_MAX, 0})
#endif

// Hooks may be called before any constructor has run.
template <typename T>
inline T Original(T& function) {
  if (MEMTAPE_UNLIKELY(function == nullptr) && !originals_resolved) ResolveOriginals();
  return function;
}
#define ORIGINAL(name) Original(originals.name)

}  // namespace memtape

// A wrapper of this file under its original's name as well, for the dynamic linker. Not a C++
// alias: libc's headers declare the originals with attributes that differ between libc versions.
#define MEMTAPE_EXPORT(result, name, ...) \
  asm(".globl " #name "\n.type " #name ", %function\n.set " #name ", memtape_" #name);
