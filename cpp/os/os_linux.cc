// SPDX-License-Identifier: MIT
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>

#include "base/own_pages.h"
#include "base/page_order.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

namespace memtape::os {
namespace {

// A raw system call: libc's mmap and friends are the functions we interpose, and libc's syscall()
// would change errno under the program's feet.
long Call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory", "cc");
  return x0;
#endif
}

bool Failed(long result) {
  return static_cast<unsigned long>(result) >= -4095UL;
}

long L(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

size_t RoundUp(size_t length) {
  return (length + PageSize() - 1) & ~(PageSize() - 1);
}

// Which file is at `path`, if it is a regular one, links not followed.
FileIdentity RegularFile(const char* path) {
  struct stat status = {};
  if (Call(SYS_newfstatat, AT_FDCWD, L(path), L(&status), AT_SYMLINK_NOFOLLOW) != 0) return {};
  return S_ISREG(status.st_mode) ? FileIdentity{status.st_dev, status.st_ino} : FileIdentity{};
}

bool Unlink(const char* path) {
  return Call(SYS_unlinkat, AT_FDCWD, L(path), 0) == 0;
}

// Moves a descriptor beyond those that the program can have, if the hard limit allows, else to the
// upper end of them. Not too far up: the kernel's table is as long as the highest number.
int MoveUp(int fd) {
  constexpr uint64_t kHighest = 4096;
  constexpr uint64_t kRoom = 64;
  rlimit limit = {};
  if (fd < 0 || Call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, L(&limit)) != 0) return fd;
  long moved = -EINVAL;
  if (limit.rlim_cur <= kHighest && limit.rlim_max > limit.rlim_cur) {
    const rlimit raised = {std::min<rlim_t>(limit.rlim_cur + kRoom, limit.rlim_max),
                           limit.rlim_max};
    Call(SYS_prlimit64, 0, RLIMIT_NOFILE, L(&raised), 0);
    moved = Call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, static_cast<long>(limit.rlim_cur));
    Call(SYS_prlimit64, 0, RLIMIT_NOFILE, L(&limit), 0);
  } else if (limit.rlim_cur > 2 * kRoom) {
    const uint64_t lowest = std::min<uint64_t>(limit.rlim_cur, kHighest) - kRoom;
    moved = Call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, static_cast<long>(lowest));
  }
  if (Failed(moved)) return fd;
  Call(SYS_close, fd);
  return static_cast<int>(moved);
}

}  // namespace

size_t PageSize() {
  // A constant per architecture would not do: arm64 has 4, 16 and 64 KiB.
  return getauxval(AT_PAGESZ);
}

void* MapPages(size_t length) {
  const long p = Call(SYS_mmap, 0, static_cast<long>(RoundUp(length)), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (Failed(p)) return nullptr;
  PagesCome();
  Call(SYS_madvise, p, static_cast<long>(RoundUp(length)), MADV_DONTDUMP);
  OwnPagesCome(reinterpret_cast<void*>(p), RoundUp(length));
  return reinterpret_cast<void*>(p);
}

void UnmapPages(void* address, size_t length) {
  PagesGo();
  OwnPagesGo(address);
  Call(SYS_munmap, L(address), static_cast<long>(RoundUp(length)));
}

void* GrowPages(void* address, size_t old_length, size_t new_length) {
  PagesGo();
  OwnPagesGo(address);
  const long p = Call(SYS_mremap, L(address), static_cast<long>(RoundUp(old_length)),
                      static_cast<long>(RoundUp(new_length)), MREMAP_MAYMOVE);
  PagesCome();
  if (Failed(p)) {
    OwnPagesCome(address, RoundUp(old_length));
    return nullptr;
  }
  OwnPagesCome(reinterpret_cast<void*>(p), RoundUp(new_length));
  return reinterpret_cast<void*>(p);
}

void LeaveToFile(void* address, size_t length) {
  Call(SYS_madvise, L(address), static_cast<long>(length), MADV_DONTNEED);
}

bool WipeOnFork(void* address, size_t length) {
  return !Failed(Call(SYS_madvise, L(address), static_cast<long>(length), MADV_WIPEONFORK));
}

namespace {

// The kernel reads ahead of a page that is missing: 128 KiB of zeroes each time, of which most
// threads never use more than the first page.
void ReadNothingAhead(long address, size_t length) {
  Call(SYS_madvise, address, static_cast<long>(length), MADV_RANDOM);
}

}  // namespace

uint8_t* MapShared(int fd, uint64_t offset, size_t length) {
  const long p = Call(SYS_mmap, 0, static_cast<long>(length), PROT_READ | PROT_WRITE, MAP_SHARED,
                      fd, static_cast<long>(offset));
  if (Failed(p)) return nullptr;
  ReadNothingAhead(p, length);
  return reinterpret_cast<uint8_t*>(p);
}

uint8_t* MapTwice(int fd, uint64_t offset, size_t length) {
  const long room = Call(SYS_mmap, 0, static_cast<long>(2 * length), PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (Failed(room)) return nullptr;
  for (long copy = 0; copy < 2; copy++) {
    const long at = room + copy * static_cast<long>(length);
    const long p = Call(SYS_mmap, at, static_cast<long>(length), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED, fd, static_cast<long>(offset));
    if (Failed(p)) {
      UnmapPages(reinterpret_cast<void*>(room), 2 * length);
      return nullptr;
    }
  }
  ReadNothingAhead(room, 2 * length);
  return reinterpret_cast<uint8_t*>(room);
}

namespace {

// <linux/fs.h> of 6.7, which may be younger than the one that is installed.
struct PageRegion {
  uint64_t start, end, categories;
};
struct ScanArguments {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);
constexpr uint64_t kPageIsPresent = 1 << 3, kPageIsZero = 1 << 5, kPageIsHuge = 1 << 6;

}  // namespace

bool FindResident(uint64_t start, uint64_t end, size_t max_pages, std::span<ResidentRange> ranges,
                  ResidentRanges* found) {
  constexpr size_t kMostAtOnce = 256;
  PageRegion regions[kMostAtOnce];
  // Opened each time: the program may close every descriptor that it knows nothing of.
  const int fd = OpenRead("/proc/self/pagemap");
  if (fd < 0) return false;
  ScanArguments scan = {};
  scan.size = sizeof scan;
  scan.start = start;
  scan.end = end;
  scan.vec = reinterpret_cast<uint64_t>(regions);
  scan.vec_len = std::min(kMostAtOnce, ranges.size());
  scan.max_pages = max_pages;
  scan.category_mask = kPageIsPresent | kPageIsZero;
  scan.category_inverted = kPageIsZero;
  // Not whether they are a file's: the kernel would have to look at each page itself.
  scan.return_mask = kPageIsHuge;
  const long count = Call(SYS_ioctl, fd, static_cast<long>(kPagemapScan), L(&scan));
  Close(fd);
  if (Failed(count)) return false;
  for (size_t i = 0; i < static_cast<size_t>(count); i++) {
    ranges[i] = {regions[i].start, regions[i].end, regions[i].categories == kPageIsHuge};
  }
  *found = {static_cast<size_t>(count), scan.walk_end};
  return true;
}

bool ReadResidency(uint64_t start, size_t length, uint8_t* pages) {
  return !Failed(Call(SYS_mincore, static_cast<long>(start), static_cast<long>(length), L(pages)));
}

int OpenRead(const char* path) {
  return static_cast<int>(Call(SYS_openat, AT_FDCWD, L(path), O_RDONLY | O_CLOEXEC));
}

int OpenWrite(const char* path, bool overwrite, bool readable) {
  const int flags = (readable ? O_RDWR : O_WRONLY) | O_CREAT | O_CLOEXEC | O_NOCTTY;
  const auto open = [&](int more) {
    return static_cast<int>(Call(SYS_openat, AT_FDCWD, L(path), flags | more, 0666));
  };
  int fd = open(O_EXCL);
  if (fd == -EEXIST && overwrite) {
    const bool unlinked = RegularFile(path) != FileIdentity{} && Unlink(path);
    fd = open(unlinked ? O_EXCL : O_TRUNC);
  }
  return MoveUp(fd);
}

int OpenAgain(const char* path, bool readable) {
  const int flags = (readable ? O_RDWR : O_WRONLY) | O_APPEND | O_CLOEXEC | O_NOCTTY;
  return MoveUp(static_cast<int>(Call(SYS_openat, AT_FDCWD, L(path), flags)));
}

FileIdentity IdentityOf(int fd) {
  struct stat status = {};
  if (fd < 0 || Call(SYS_fstat, fd, L(&status)) != 0) return {};
  return {status.st_dev, status.st_ino};
}

bool MayGrowTo(uint64_t length) {
  rlimit limit = {};
  return Call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, L(&limit)) != 0 || length <= limit.rlim_cur;
}

int Write(int fd, const void* data, size_t length) {
  const char* from = static_cast<const char*>(data);
  while (length > 0) {
    const long n = Call(SYS_write, fd, L(from), static_cast<long>(length));
    if (n == -EINTR) continue;
    if (Failed(n)) return static_cast<int>(n);
    if (n == 0) return -EIO;
    from += n;
    length -= static_cast<size_t>(n);
  }
  return 0;
}

void TryWrite(int fd, const void* data, size_t length) {
  pollfd poll = {fd, POLLOUT, 0};
  const timespec no_time = {0, 0};
  if (Call(SYS_ppoll, L(&poll), 1, L(&no_time), 0, 0) == 1 && poll.revents == POLLOUT) {
    Call(SYS_write, fd, L(data), static_cast<long>(length));
  }
}

const char* ErrorText(int error) {
  switch (error) {
    case EACCES:
      return "permission denied";
    case EBADF:
    case ENOENT:
    case ESTALE:
      return "the file is gone";
    case EDQUOT:
      return "disk quota exceeded";
    case EFBIG:
      return "file size limit exceeded";
    case EIO:
      return "input/output error";
    case EMFILE:
      return "too many threads";
    case ENOMEM:
      return "out of memory";
    case ENOSPC:
      return "no space left on device";
    case EROFS:
      return "read-only file system";
    default:
      return nullptr;
  }
}

int64_t ReadAt(int fd, void* data, size_t length, uint64_t offset) {
  return Call(SYS_pread64, fd, L(data), static_cast<long>(length), static_cast<long>(offset));
}

int64_t Read(int fd, void* data, size_t length) {
  return Call(SYS_read, fd, L(data), static_cast<long>(length));
}

int Allocate(int fd, uint64_t offset, uint64_t length) {
  if (!MayGrowTo(offset + length)) return -EFBIG;
  long result;
  do {
    result = Call(SYS_fallocate, fd, 0, static_cast<long>(offset), static_cast<long>(length));
  } while (result == -EINTR);
  if (result != -EOPNOTSUPP && result != -ENOSYS) return static_cast<int>(result);
  // File systems without fallocate: write the blocks. Short of that a full disk would be a SIGBUS.
  static const char kZeroes[4096] = {};
  for (uint64_t at = 0; at < length; at += sizeof kZeroes) {
    const long n =
        Call(SYS_pwrite64, fd, L(kZeroes), sizeof kZeroes, static_cast<long>(offset + at));
    if (n != sizeof kZeroes) return Failed(n) ? static_cast<int>(n) : -ENOSPC;
  }
  return 0;
}

int Truncate(int fd, uint64_t length) {
  return static_cast<int>(Call(SYS_ftruncate, fd, static_cast<long>(length)));
}

int Close(int fd) {
  return static_cast<int>(Call(SYS_close, fd));
}

void UnlinkRegular(const char* path, const FileIdentity& identity) {
  if (identity != FileIdentity{} && RegularFile(path) == identity) Unlink(path);
}

int Rename(const char* from, const char* to) {
  return static_cast<int>(
      Call(SYS_renameat2, AT_FDCWD, L(from), AT_FDCWD, L(to), RENAME_NOREPLACE));
}

int64_t ReadLink(const char* path, char* buffer, size_t length) {
  return Call(SYS_readlinkat, AT_FDCWD, L(path), L(buffer), static_cast<long>(length));
}

uint64_t MonotonicNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

uint64_t UnixNs() {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

int Pid() {
  return static_cast<int>(Call(SYS_getpid));
}
int ParentPid() {
  return static_cast<int>(Call(SYS_getppid));
}
int Tid() {
  return static_cast<int>(Call(SYS_gettid));
}

size_t OwnThreadName(char name[16]) {
  if (Failed(Call(SYS_prctl, PR_GET_NAME, reinterpret_cast<long>(name)))) return 0;
  return strnlen(name, 16);
}

uint64_t ChildrenPeakBytes() {
  rusage usage = {};
  if (Failed(Call(SYS_getrusage, RUSAGE_CHILDREN, reinterpret_cast<long>(&usage)))) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

bool ThreadIsAlive(int pid, int tid) {
  return Call(SYS_tgkill, pid, tid, 0) != -ESRCH;
}

uint64_t ThreadCpuNs(int tid) {
  // The clock of a thread by its number, as the kernel builds it: CPUCLOCK_PERTHREAD | _SCHED.
  const long clock = static_cast<long>(~static_cast<unsigned>(tid) << 3 | 4 | 2);
  timespec t = {};
  Call(SYS_clock_gettime, clock, L(&t));
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

void Yield() {
  Call(SYS_sched_yield);
}

bool MayRaisePriority() {
  // What capabilities say does not count for in a user namespace, so this tries. A policy other
  // than the usual one is the user's choice.
  const long nice = 20 - Call(SYS_getpriority, PRIO_PROCESS, 0);
  if (Call(SYS_sched_getscheduler, 0) != SCHED_OTHER || nice <= -20) return false;
  if (Failed(Call(SYS_setpriority, PRIO_PROCESS, 0, nice - 1))) return false;
  Call(SYS_setpriority, PRIO_PROCESS, 0, nice);
  return true;
}

bool SetIdlePolicy(int tid, bool idle) {
  const sched_param none = {};
  return !Failed(Call(SYS_sched_setscheduler, tid, idle ? SCHED_IDLE : SCHED_OTHER, L(&none)));
}

bool MemoryBarrierOnAllThreads() {
  if (!Failed(Call(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) &&
      !Failed(Call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED))) {
    return true;
  }
  return !Failed(Call(SYS_membarrier, MEMBARRIER_CMD_GLOBAL));
}

void SleepNs(uint64_t ns) {
  const timespec t = {static_cast<time_t>(ns / 1'000'000'000),
                      static_cast<long>(ns % 1'000'000'000)};
  Call(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, L(&t), 0);
}

void FutexWait(uint32_t* word, uint32_t expected, uint64_t ns) {
  const timespec t = {static_cast<time_t>(ns / 1'000'000'000),
                      static_cast<long>(ns % 1'000'000'000)};
  Call(SYS_futex, L(word), FUTEX_WAIT_PRIVATE, expected, L(&t));
}

void FutexWake(uint32_t* word) {
  Call(SYS_futex, L(word), FUTEX_WAKE_PRIVATE, 1 << 20);
}

uintptr_t StackEnd(int tid) {
  const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  // The main thread's stack ends where the kernel put the environment and the auxiliary vector;
  // libc puts every other thread's control block at the top of its stack. pthread_getattr_np would
  // know too, but takes locks and allocates.
  const uintptr_t end =
      tid == Pid() ? getauxval(AT_RANDOM) : reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  constexpr uintptr_t kMaxStack = uintptr_t{1} << 32;
  return end > here && end - here < kMaxStack ? end & ~uintptr_t{15} : 0;
}

bool OnSignalStack() {
  stack_t stack = {};
  return Call(SYS_sigaltstack, 0, L(&stack)) == 0 && (stack.ss_flags & SS_ONSTACK) != 0;
}

bool SignalStack(uint64_t* begin, uint64_t* end) {
  stack_t stack = {};
  if (Failed(Call(SYS_sigaltstack, 0, L(&stack))) || (stack.ss_flags & SS_DISABLE) != 0) {
    return false;
  }
  *begin = reinterpret_cast<uint64_t>(stack.ss_sp);
  *end = *begin + stack.ss_size;
  return true;
}

uint64_t RandomU64() {
  uint64_t value = 0;
  if (Call(SYS_getrandom, L(&value), sizeof value, 0) != sizeof value) {
    value = MonotonicNs() * 0x9E3779B97F4A7C15u ^ static_cast<uint64_t>(Pid());
  }
  return value;
}

}  // namespace memtape::os
