// SPDX-License-Identifier: MIT
// The recursion guard: while it is up on a thread, that thread's allocations are memtape's own (or
// part of a call that is being recorded as a whole) and the hooks let them through unrecorded.
#pragma once

namespace memtape {

// initial-exec: one load off the thread register. The default model would call __tls_get_addr,
// which allocates at a thread's first access when the library was loaded by dlopen.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local int guard_depth;

class RecursionGuard {
 public:
  RecursionGuard() { guard_depth++; }
  ~RecursionGuard() { guard_depth--; }
  RecursionGuard(const RecursionGuard&) = delete;
  RecursionGuard& operator=(const RecursionGuard&) = delete;
};

}  // namespace memtape
