// SPDX-License-Identifier: MIT
// What the kernel tells about this process. Drain thread only (one buffer for all calls).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

namespace memtape::os {

// The whole of a file under /proc or /sys; empty on failure. Valid until the next call.
std::span<const char> ReadWholeFile(const char* path);
std::span<const char> ReadMaps();
// Resident set size in bytes.
uint64_t ResidentBytes();
// The name that a thread of this process has now, into `name` (16 bytes). Length, 0 on failure.
size_t ThreadName(int tid, char name[16]);
// Whether a thread of this process runs, or would if it had a processor.
bool ThreadIsRunnable(int tid);
// The memory limit of this process's cgroup in bytes, or 0 when there is none.
uint64_t CgroupMemoryLimit();

}  // namespace memtape::os
