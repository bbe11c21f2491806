// SPDX-License-Identifier: MIT
// The whole platform surface. Every call goes to the kernel directly: never through a function
// that memtape hooks, never through one that allocates. Safe on any thread, errno is preserved.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

namespace memtape::os {

// Page-aligned zeroed memory, or nullptr. `length` is rounded up to whole pages. Left out of core
// dumps, and known as memtape's own (base/own_pages.h).
void* MapPages(size_t length);
void UnmapPages(void* address, size_t length);
// Grows a MapPages range, moving it if need be; nullptr on failure (the old range stays).
void* GrowPages(void* address, size_t old_length, size_t new_length);
// Asks that a forked child sees zeroes in this range. Returns false where the kernel cannot.
bool WipeOnFork(void* address, size_t length);

// Maps [offset, offset + length) of `fd` twice, one copy after the other, so that a ring buffer can
// be written across its end without a split. nullptr on failure.
uint8_t* MapTwice(int fd, uint64_t offset, size_t length);
uint8_t* MapShared(int fd, uint64_t offset, size_t length);
// Whole pages of those: what was written stays in the file, and is there again when it is touched.
void LeaveToFile(void* address, size_t length);

// Resident pages of this process, in order of address, from `start` on: at most so many ranges and
// pages. False where the kernel cannot tell (before Linux 6.7). Pages of zeroes that were only read
// are not among them, so they add up to what it counts as resident.
struct ResidentRange {
  uint64_t begin, end;
  bool huge;  // large pages
};
struct ResidentRanges {
  size_t count;
  uint64_t looked_to;  // there is none up to here but these
};
bool FindResident(uint64_t start, uint64_t end, size_t max_pages, std::span<ResidentRange> ranges,
                  ResidentRanges* found);

// Whether each page of a range of anonymous memory is resident: bit 0 of `pages`, one byte a page.
// False when some of it is not mapped (any more).
bool ReadResidency(uint64_t start, size_t length, uint8_t* pages);

// Files. All return a negative errno on failure.
int OpenRead(const char* path);
// Creates; fails with -EEXIST if it is there unless `overwrite`. A regular file is then replaced by
// a new one, not emptied: another process may have mapped it. The descriptor is a high number, out
// of the way of programs that count theirs or close all that they know of.
int OpenWrite(const char* path, bool overwrite, bool readable);
// Opens a file that OpenWrite made, without a change.
int OpenAgain(const char* path, bool readable);
// Which file a descriptor is; all zero when it is none.
struct FileIdentity {
  uint64_t device = 0, inode = 0;
  bool operator==(const FileIdentity&) const = default;
};
FileIdentity IdentityOf(int fd);
// Whether a file may grow to `length`. Going beyond RLIMIT_FSIZE would raise SIGXFSZ.
bool MayGrowTo(uint64_t length);
int Write(int fd, const void* data, size_t length);  // all of it, or a negative errno
// Writes a short line if that is possible at once.
void TryWrite(int fd, const void* data, size_t length);
// What an errno means, for the few that a disk or a limit causes; null for others.
const char* ErrorText(int error);
int64_t ReadAt(int fd, void* data, size_t length, uint64_t offset);
int64_t Read(int fd, void* data, size_t length);
int Allocate(int fd, uint64_t offset, uint64_t length);  // real blocks: no SIGBUS later
int Truncate(int fd, uint64_t length);
int Close(int fd);
// Deletes `path` if it is this file, and a regular one.
void UnlinkRegular(const char* path, const FileIdentity& identity);
int Rename(const char* from, const char* to);
int64_t ReadLink(const char* path, char* buffer, size_t length);

uint64_t MonotonicNs();
uint64_t UnixNs();
int Pid();
int ParentPid();
int Tid();
// The calling thread's name, into `name` (16 bytes). Returns its length.
size_t OwnThreadName(char name[16]);
// The highest resident set size that an ended descendant had, of those that were waited for; 0:
// none.
uint64_t ChildrenPeakBytes();
bool ThreadIsAlive(int pid, int tid);
// Processor time that a thread of this process has used so far.
uint64_t ThreadCpuNs(int tid);
void Yield();
// Whether a thread of this process that gets a lower priority may be given its old one back.
bool MayRaisePriority();
// A thread with the idle policy gets a processor only where that has nothing else to do.
bool SetIdlePolicy(int tid, bool idle);
// Every thread of this process executes a full memory barrier before this returns. False where the
// kernel cannot.
bool MemoryBarrierOnAllThreads();
void SleepNs(uint64_t ns);
// Sleeps while *word == expected, at most `ns`; woken by FutexWake from any thread.
void FutexWait(uint32_t* word, uint32_t expected, uint64_t ns);
void FutexWake(uint32_t* word);
uint64_t RandomU64();
size_t PageSize();
// The upper end of the calling thread's stack, whose id is `tid`: everything from the current stack
// pointer up to there is mapped. 0 when it is not known.
uintptr_t StackEnd(int tid);
// Whether the calling thread is on the stack that it has set aside for signal handlers.
bool OnSignalStack();
// Where that is: [begin, end). False when there is none.
bool SignalStack(uint64_t* begin, uint64_t* end);

}  // namespace memtape::os
