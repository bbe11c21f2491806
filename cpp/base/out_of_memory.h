// SPDX-License-Identifier: MIT
// What memtape's own tables do when the kernel has no pages for them. The profiled program may well
// cope with a limit (ulimit -v), so it must not die of ours: the thread that owns the tables leaves
// them by a handler of its own.
#pragma once

namespace memtape {

// Must not return.
using OutOfMemoryHandler = void (*)();
// Of the calling thread. Null: running out of memory stops the process.
[[gnu::tls_model(
    "initial-exec")]] extern constinit thread_local OutOfMemoryHandler out_of_memory_handler;

[[noreturn]] void OutOfMemory();

}  // namespace memtape
