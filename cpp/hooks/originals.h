// SPDX-License-Identifier: MIT
// The functions that memtape stands in for: the one list of them, and the originals behind it.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

// HOOK(result, name, parameter types...). Wrappers are in hooks.cc, one for each.
#define MEMTAPE_HOOKED_FUNCTIONS(HOOK)                     \
  HOOK(void*, malloc, size_t)                              \
  HOOK(void*, calloc, size_t, size_t)                      \
  HOOK(void*, realloc, void*, size_t)                      \
  HOOK(void*, reallocarray, void*, size_t, size_t)         \
  HOOK(void, free, void*)                                  \
  HOOK(int, posix_memalign, void**, size_t, size_t)        \
  HOOK(void*, aligned_alloc, size_t, size_t)               \
  HOOK(void*, memalign, size_t, size_t)                    \
  HOOK(void*, valloc, size_t)                              \
  HOOK(void*, pvalloc, size_t)                             \
  HOOK(void, free_sized, void*, size_t)                    \
  HOOK(void, free_aligned_sized, void*, size_t, size_t)    \
  HOOK(void*, mmap, void*, size_t, int, int, int, off_t)   \
  HOOK(void*, mmap64, void*, size_t, int, int, int, off_t) \
  HOOK(int, munmap, void*, size_t)                         \
  HOOK(void*, mremap, void*, size_t, size_t, int, ...)     \
  HOOK(int, mprotect, void*, size_t, int)                  \
  HOOK(int, pkey_mprotect, void*, size_t, int, int)        \
  HOOK(int, madvise, void*, size_t, int)                   \
  HOOK(void*, dlopen, const char*, int)                    \
  HOOK(int, dlclose, void*)                                \
  HOOK(int, pthread_setname_np, pthread_t, const char*)    \
  HOOK(int, prctl, int, ...)                               \
  HOOK(void, _exit, int)                                   \
  HOOK(void, _Exit, int)

#include <pthread.h>

namespace memtape {

struct Originals {
#define MEMTAPE_DECLARE(result, name, ...) result (*name)(__VA_ARGS__);
  MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_DECLARE)
#undef MEMTAPE_DECLARE
};

// Null entries are not looked up yet, or not in this libc.
extern Originals originals;

// Whether that was done.
extern bool originals_resolved;

// Whether another library's malloc comes before that of this library, if this was preloaded. (A
// program's own malloc does not count: nobody sees the program's calls of that.)
extern bool other_malloc_is_first;

// Looks all of them up: what the program would call if this library were not there. Allocates
// nothing; safe inside the first call of any hook.
void ResolveOriginals();

}  // namespace memtape
