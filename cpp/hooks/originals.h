// SPDX-License-Identifier: MIT
// The functions that memtape stands in for: the one list of them, and the originals behind it.
#pragma once

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// HOOK(result, name, parameter types...). The wrappers of these are in hooks.cc …
#define MEMTAPE_PROCESS_FUNCTIONS(HOOK)                    \
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
  HOOK(pid_t, fork)                                        \
  HOOK(int, setuid, uid_t)                                 \
  HOOK(int, seteuid, uid_t)                                \
  HOOK(int, setreuid, uid_t, uid_t)                        \
  HOOK(int, setresuid, uid_t, uid_t, uid_t)                \
  HOOK(void, _exit, int)                                   \
  HOOK(void, _Exit, int)

// … and of all others in handed_work.cc.
#define MEMTAPE_THREAD_FUNCTIONS(HOOK)                                                  \
  HOOK(int, pthread_create, pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) \
  HOOK(void, pthread_exit, void*)                                                       \
  HOOK(int, pthread_once, pthread_once_t*, void (*)())

// What Node.js offers to addons for work on libuv's pool, all pointers opaque. The program itself
// defines these, and comes first wherever a library looks: they are replaced in the libraries'
// import tables only, and never exported. (A process without Node.js must not find them here.)
#define MEMTAPE_NODE_FUNCTIONS(HOOK)                                             \
  HOOK(int, napi_create_async_work, void*, void*, void*, void (*)(void*, void*), \
       void (*)(void*, int, void*), void*, void**)                               \
  HOOK(int, napi_delete_async_work, void*, void*)                                \
  HOOK(int, napi_queue_async_work, void*, void*)                                 \
  HOOK(int, uv_queue_work, void*, void*, void (*)(void*), void (*)(void*, int))

#define MEMTAPE_HOOKED_FUNCTIONS(HOOK) \
  MEMTAPE_PROCESS_FUNCTIONS(HOOK)      \
  MEMTAPE_THREAD_FUNCTIONS(HOOK)       \
  MEMTAPE_NODE_FUNCTIONS(HOOK)

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

// The code of the module that defines uv_queue_work: libuv, and all of Node.js where it is a part.
struct CodeRange {
  uintptr_t start, end;
  bool Contains(const void* address) const {
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    return at >= start && at < end;
  }
};
extern CodeRange libuv_code;
extern CodeRange own_code;  // of this library

// Looks all of them up: what the program would call if this library were not there. Allocates
// nothing; safe inside the first call of any hook.
void ResolveOriginals();

}  // namespace memtape
