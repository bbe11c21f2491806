// SPDX-License-Identifier: MIT
// The wrappers of what allocates, maps, loads, names and ends, all of one shape. Enter; call the
// original; record; leave. (handed_work.cc has those of threads and queued work.) They are exported
// under the original's name by the preload library and written into other modules' import tables
// by the patch installer.
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/ticks.h"
#include "hooks/originals.h"
#include "hooks/patch.h"
#include "hooks/wrappers.h"
#include "os/os.h"
#include "track/drain.h"
#include "track/events.h"
#include "track/session.h"

namespace memtape {
namespace {

#define RETURN_ADDRESS reinterpret_cast<uint64_t>(__builtin_return_address(0))

constexpr int kDontUnmap = 4;  // MREMAP_DONTUNMAP, Linux 5.7

// Allocations that differ in name, arguments and recorded size only.
template <typename Call>
inline void* Allocate(Allocator allocator, size_t size, const Regs& caller, Call&& call) {
  ThreadState* state = Enter(caller.pc);
  if (state == nullptr) return call();
  const WalkedStack stack = WalkStack(state, caller);
  void* pointer = call();
  if (pointer != nullptr) RecordAlloc(state, allocator, pointer, size, stack);
  Leave(state);
  return pointer;
}

template <typename Call>
inline void Release(void* pointer, uint64_t caller, Call&& call) {
  if (pointer == nullptr) return;
  ThreadState* state = Enter(caller);
  if (state != nullptr) RecordFree(state, pointer);
  call();
  if (state != nullptr) Leave(state);
}

template <typename Call>
inline void* Reallocate(void* old, size_t size, const Regs& caller, Call&& call) {
  ThreadState* state = Enter(caller.pc);
  if (state == nullptr) return call();
  const PendingRealloc pending = BeginRealloc(state, caller);
  void* pointer = call();
  // realloc(p, 0) frees p and returns null in glibc; any other null is a failure and p stays.
  const bool freed = pointer != nullptr || (size == 0 && old != nullptr);
  if (freed) FinishRealloc(state, pending, old, pointer, size);
  Leave(state);
  return pointer;
}

inline uint64_t Number(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

// Makes room for the record, too: there must be no wait between its stamp and itself.
inline uint32_t CaptureMapStack(ThreadState* state, const Regs& caller) {
  const uint32_t stack = CaptureStack(state, caller);
  EnsureRoom(state, kRingMapWords);
  return stack;
}

template <typename Call>
inline void* Map(size_t length, int prot, int flags, const Regs& caller, Call&& call) {
  ThreadState* state = Enter();
  if (state == nullptr) return call();
  const uint32_t stack = CaptureMapStack(state, caller);
  void* address = call();
  if (address != MAP_FAILED) {
    RecordMap(state, MapOp::kMmap, TicksAfter(), stack, Number(address), length,
              static_cast<uint64_t>(prot), static_cast<uint64_t>(flags));
  }
  Leave(state);
  return address;
}

template <typename Call>
inline int Change(MapOp op, void* address, size_t length, uint64_t prot, uint64_t flags,
                  const Regs& caller, Call&& call) {
  ThreadState* state = Enter();
  if (state == nullptr) return call();
  const uint32_t stack = CaptureMapStack(state, caller);
  // Before the call: once it has returned, another thread may map the same range.
  const uint64_t stamp = TicksBefore();
  const int result = call();
  if (result == 0) {
    RecordMap(state, op, stamp, stack, Number(address), length, prot, flags);
  } else if (op == MapOp::kMprotect && errno == ENOMEM) {
    // There is a hole in the range; the kernel has changed the pages before it.
    RecordMap(state, op, stamp, stack, Number(address), length, prot, kUpToHole);
  }
  Leave(state);
  return result;
}

bool NoteModules(ModulesChange change) {
  ThreadState* state = Enter();
  if (state == nullptr) return false;
  RecordModulesChange(state, change);
  Leave(state);
  return true;
}

// Waits until every stack that was captured so far has been named, while the code that is about to
// be unloaded is still there.
void SettleModules() {
  const uint32_t before = CurrentSession().modules_settled();
  if (guard_depth == 0 && NoteModules(ModulesChange::kUnloading)) {
    CurrentSession().WaitForModules(before);
  }
}

}  // namespace
}  // namespace memtape

using namespace memtape;  // NOLINT: the wrappers below are C functions

// The analyzer cannot know that ResolveOriginals fills the table.
// NOLINTBEGIN(clang-analyzer-core.CallAndMessage)
extern "C" {

void* memtape_malloc(size_t size) {
  auto original = ORIGINAL(malloc);
  return Allocate(Allocator::kMalloc, size, CALLER, [=] { return original(size); });
}

void* memtape_calloc(size_t count, size_t size) {
  auto original = ORIGINAL(calloc);
  return Allocate(Allocator::kCalloc, count * size, CALLER, [=] { return original(count, size); });
}

void* memtape_realloc(void* old, size_t size) {
  auto original = ORIGINAL(realloc);
  return Reallocate(old, size, CALLER, [=] { return original(old, size); });
}

// By realloc, as every libc has it: the original may call the hooked one.
void* memtape_reallocarray(void* old, size_t count, size_t size) {
  auto original = ORIGINAL(realloc);
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Reallocate(old, bytes, CALLER, [=] { return original(old, bytes); });
}

void memtape_free(void* pointer) {
  auto original = ORIGINAL(free);
  Release(pointer, RETURN_ADDRESS, [=] { original(pointer); });
}

void memtape_free_sized(void* pointer, size_t size) {
  auto original = ORIGINAL(free_sized);
  auto plain = ORIGINAL(free);
  Release(pointer, RETURN_ADDRESS,
          [=] { original != nullptr ? original(pointer, size) : plain(pointer); });
}

void memtape_free_aligned_sized(void* pointer, size_t alignment, size_t size) {
  auto original = ORIGINAL(free_aligned_sized);
  auto plain = ORIGINAL(free);
  Release(pointer, RETURN_ADDRESS,
          [=] { original != nullptr ? original(pointer, alignment, size) : plain(pointer); });
}

int memtape_posix_memalign(void** out, size_t alignment, size_t size) {
  auto original = ORIGINAL(posix_memalign);
  int result = 0;
  Allocate(Allocator::kPosixMemalign, size, CALLER, [&]() -> void* {
    result = original(out, alignment, size);
    return result == 0 ? *out : nullptr;
  });
  return result;
}

void* memtape_aligned_alloc(size_t alignment, size_t size) {
  auto original = ORIGINAL(aligned_alloc);
  return Allocate(Allocator::kAlignedAlloc, size, CALLER,
                  [=] { return original(alignment, size); });
}

void* memtape_memalign(size_t alignment, size_t size) {
  auto original = ORIGINAL(memalign);
  return Allocate(Allocator::kMemalign, size, CALLER, [=] { return original(alignment, size); });
}

void* memtape_valloc(size_t size) {
  auto original = ORIGINAL(valloc);
  return Allocate(Allocator::kValloc, size, CALLER, [=] { return original(size); });
}

void* memtape_pvalloc(size_t size) {
  auto original = ORIGINAL(pvalloc);
  if (original == nullptr) {  // a libc without it
    errno = ENOMEM;
    return nullptr;
  }
  return Allocate(Allocator::kPvalloc, size, CALLER, [=] { return original(size); });
}

void* memtape_mmap(void* address, size_t length, int prot, int flags, int fd, off_t offset) {
  auto original = ORIGINAL(mmap);
  return Map(length, prot, flags, CALLER,
             [=] { return original(address, length, prot, flags, fd, offset); });
}

void* memtape_mmap64(void* address, size_t length, int prot, int flags, int fd, off_t offset) {
  auto original = ORIGINAL(mmap64);
  return Map(length, prot, flags, CALLER,
             [=] { return original(address, length, prot, flags, fd, offset); });
}

int memtape_munmap(void* address, size_t length) {
  auto original = ORIGINAL(munmap);
  return Change(MapOp::kMunmap, address, length, 0, 0, CALLER,
                [=] { return original(address, length); });
}

void* memtape_mremap(void* old, size_t old_length, size_t new_length, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void* target = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  auto original = ORIGINAL(mremap);
  ThreadState* state = Enter();
  if (state == nullptr) return original(old, old_length, new_length, flags, target);
  const uint32_t stack = CaptureMapStack(state, CALLER);
  const uint64_t stamp = TicksBefore();
  void* address = original(old, old_length, new_length, flags, target);
  if (address != MAP_FAILED && (flags & kDontUnmap) != 0) {
    // The old range stays, empty: for the books a second mapping.
    RecordMap(state, MapOp::kMmap, TicksAfter(), stack, Number(address), new_length,
              PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  } else if (address != MAP_FAILED) {
    RecordMap(state, MapOp::kMremap, stamp, stack, Number(old), old_length, Number(address),
              new_length);
  }
  Leave(state);
  return address;
}

int memtape_mprotect(void* address, size_t length, int prot) {
  auto original = ORIGINAL(mprotect);
  return Change(MapOp::kMprotect, address, length, static_cast<uint64_t>(prot), 0, CALLER,
                [=] { return original(address, length, prot); });
}

int memtape_pkey_mprotect(void* address, size_t length, int prot, int key) {
  auto original = ORIGINAL(pkey_mprotect);
  if (original == nullptr) {  // a libc without it
    errno = ENOSYS;
    return -1;
  }
  return Change(MapOp::kMprotect, address, length, static_cast<uint64_t>(prot), 0, CALLER,
                [=] { return original(address, length, prot, key); });
}

int memtape_madvise(void* address, size_t length, int advice) {
  auto original = ORIGINAL(madvise);
  return Change(MapOp::kMadvise, address, length, 0, static_cast<uint64_t>(advice), CALLER,
                [=] { return original(address, length, advice); });
}

// glibc looks at dlopen's return address to find the caller's RUNPATH. Where that matters, the
// original must be reached by a jump, and modules that it loads can only be patched later on.
MEMTAPE_TAIL_CALLS void* memtape_dlopen(const char* file, int mode) {
  auto original = ORIGINAL(dlopen);
  NoteModules(ModulesChange::kLoading);
  if (!AnyoneMayLoad(file, __builtin_return_address(0))) return original(file, mode);
  void* const handle = original(file, mode);
  const RecursionGuard guard;
  PatchNewModules();
  return handle;
}

int memtape_dlclose(void* handle) {
  auto original = ORIGINAL(dlclose);
  SettleModules();
  const int result = original(handle);
  // Its addresses may mean something else from here on.
  control->stack_epoch.fetch_add(1, std::memory_order_relaxed);
  NoteModules(ModulesChange::kUnloaded);
  const RecursionGuard guard;
  PatchNewModules();
  return result;
}

int memtape_pthread_setname_np(pthread_t thread, const char* name) {
  auto original = ORIGINAL(pthread_setname_np);
  const int result = original(thread, name);
  if (result != 0) return result;
  if (ThreadState* state = Enter()) {
    const bool own = pthread_equal(thread, pthread_self()) != 0;
    RecordThreadName(state, own ? NameSource::kSet : NameSource::kSetByOther, name);
    Leave(state);
  }
  return result;
}

int memtape_prctl(int option, ...) {
  va_list arguments;
  va_start(arguments, option);
  const unsigned long a = va_arg(arguments, unsigned long);
  const unsigned long b = va_arg(arguments, unsigned long);
  const unsigned long c = va_arg(arguments, unsigned long);
  const unsigned long d = va_arg(arguments, unsigned long);
  va_end(arguments);
  auto original = ORIGINAL(prctl);
  const int result = original(option, a, b, c, d);
  if (option != PR_SET_NAME || result != 0) return result;
  if (ThreadState* state = Enter()) {
    char name[16];  // what became of it: the kernel takes 15 bytes
    RecordThreadName(state, NameSource::kSet, {name, os::OwnThreadName(name)});
    Leave(state);
  }
  return result;
}

// The child finds the control page wiped and is not recorded. The parent is outside all hooks
// meanwhile: the state, of which the child has a copy, must not say that it is in one for good.
pid_t memtape_fork() {
  auto original = ORIGINAL(fork);
  ThreadState* state = Enter();
  if (state == nullptr) return original();
  const uint32_t stack = CaptureStack(state, CALLER);
  const uint32_t session = state->session;
  Leave(state);
  const pid_t pid = original();
  if (pid <= 0) return pid;
  state = Enter();
  if (state == nullptr) return pid;
  RecordFork(state, static_cast<uint32_t>(pid), state->session == session ? stack : 0);
  Leave(state);
  return pid;
}

// Threads change their user together.
int memtape_setuid(uid_t user) {
  auto original = ORIGINAL(setuid);
  KeepDrainPriority();
  return original(user);
}

int memtape_seteuid(uid_t user) {
  auto original = ORIGINAL(seteuid);
  KeepDrainPriority();
  return original(user);
}

int memtape_setreuid(uid_t real, uid_t effective) {
  auto original = ORIGINAL(setreuid);
  KeepDrainPriority();
  return original(real, effective);
}

int memtape_setresuid(uid_t real, uid_t effective, uid_t saved) {
  auto original = ORIGINAL(setresuid);
  KeepDrainPriority();
  return original(real, effective, saved);
}

// These end the process without running destructors: shells do, after every command.
void memtape__exit(int status) {
  auto original = ORIGINAL(_exit);
  CurrentSession().StopAtExit();
  original(status);
}

void memtape__Exit(int status) {
  auto original = ORIGINAL(_Exit);
  CurrentSession().StopAtExit();
  original(status);
}

}  // extern "C"
// NOLINTEND(clang-analyzer-core.CallAndMessage)

MEMTAPE_PROCESS_FUNCTIONS(MEMTAPE_EXPORT)
