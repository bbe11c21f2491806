// SPDX-License-Identifier: MIT
// CHECK stops the process with a message; for broken invariants at cold points only. Never
// allocates.
#pragma once

#include <string.h>
#include <unistd.h>

namespace memtape {

[[noreturn, gnu::cold, gnu::noinline]] inline void CheckFailed(const char* message) {
  // The result is of no use: the process ends either way.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, message, strlen(message));
  __builtin_trap();
}

}  // namespace memtape

#define MEMTAPE_STRING_(x) #x
#define MEMTAPE_STRING(x) MEMTAPE_STRING_(x)
#define CHECK(condition)                                                           \
  (__builtin_expect(!!(condition), 1)                                              \
       ? (void)0                                                                   \
       : ::memtape::CheckFailed("memtape: CHECK failed: " #condition " (" __FILE__ \
                                ":" MEMTAPE_STRING(__LINE__) ")\n"))

#ifdef NDEBUG
#define DCHECK(condition) ((void)0)
#else
#define DCHECK(condition) CHECK(condition)
#endif

#define MEMTAPE_LIKELY(x) __builtin_expect(!!(x), 1)
#define MEMTAPE_UNLIKELY(x) __builtin_expect(!!(x), 0)

// On a function: calls at its end are jumps, in builds without optimization as well.
#if defined(__clang__)
#define MEMTAPE_TAIL_CALLS  // from -O1 on only
#else
#define MEMTAPE_TAIL_CALLS [[gnu::optimize("optimize-sibling-calls")]]
#endif
