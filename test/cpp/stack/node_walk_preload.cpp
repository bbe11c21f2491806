// SPDX-License-Identifier: MIT
// Preloaded into node by node_walk.mjs, which also builds it: walks the native stack in every n-th
// malloc, with memo and without, and reports how the walks ended. (.cpp: no program of its own.)
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <atomic>
#include <new>

#include "os/os.h"
#include "stack/module_registry.h"
#include "stack/unwinder.h"
#include "stack/walk_memo.h"

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
}

namespace memtape {
namespace {

constexpr uint32_t kMaxFrames = 1024;
constexpr size_t kMaxLostPcs = 16;

struct Thread {
  bool busy = false;
  uint64_t events = 0;
  UnwindCache cache;
  StackBounds bounds;
  WalkMemo memo;
  uint64_t pcs[kMaxFrames];
};

struct Report {
  std::atomic<uint64_t> mallocs, walks, root, end_of_chain, lost, cut, different;
  std::atomic<uint64_t> frames, reused, jit_frames, misses, memo_ticks, plain_ticks, threads;
  std::atomic<uint64_t> checked_pcs, not_after_call;
  // Where walks were lost, each place once.
  std::atomic<uint64_t> lost_pc[kMaxLostPcs];
};

PageArena g_arena(os::MapPages);
ModuleRegistry g_registry(&g_arena);
Report g_report;
std::atomic<bool> g_ready{false};
uint64_t g_every = 1;
double g_decode_ms = 0;

[[gnu::tls_model("initial-exec")]] thread_local Thread* t_thread = nullptr;
[[gnu::tls_model("initial-exec")]] thread_local bool t_starting = false;

void Add(std::atomic<uint64_t>* counter, uint64_t n) {
  counter->fetch_add(n, std::memory_order_relaxed);
}

Thread* StartThread() {
  t_starting = true;
  Thread* thread = new (os::MapPages(sizeof(Thread))) Thread;
  thread->cache.Init(os::MapPages(UnwindCache::BytesFor(UnwindCache::kDefaultEntries)),
                     UnwindCache::kDefaultEntries);
  thread->memo.Init(os::MapPages(WalkMemo::BytesFor(kMaxFrames)), kMaxFrames);
  g_registry.Attach(thread->cache.reader());
  pthread_attr_t attributes;
  void* low = nullptr;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
  }
  thread->bounds.lo = reinterpret_cast<uint64_t>(low);
  thread->bounds.hi = thread->bounds.lo + size;
  Add(&g_report.threads, 1);
  t_thread = thread;
  t_starting = false;
  return thread;
}

// Whether the bytes before `pc` are a call instruction: what no wrong return address has by chance,
// over a whole stack. (Read through the kernel: a wrong pc may point anywhere.)
bool FollowsCall(uint64_t pc) {
  uint8_t bytes[7];
  iovec to = {bytes, sizeof bytes};
  iovec from = {reinterpret_cast<void*>(pc - sizeof bytes), sizeof bytes};
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != sizeof bytes) return false;
  if (bytes[2] == 0xe8) return true;                  // call rel32
  for (size_t at = 0; at + 1 < sizeof bytes; at++) {  // call r/m64, of any length up to seven
    if (bytes[at] == 0xff && ((bytes[at + 1] >> 3) & 7) == 2) return true;
  }
  return false;
}

void CheckPcs(const Thread* thread, size_t count) {
  uint64_t wrong = 0;
  // The root's pc is no return address.
  for (size_t i = 0; i + 1 < count; i++) wrong += !FollowsCall(thread->pcs[i]);
  Add(&g_report.checked_pcs, count - 1);
  Add(&g_report.not_after_call, wrong);
}

void CountEnd(Thread* thread, WalkEnd end, uint64_t last_pc) {
  switch (end) {
    case WalkEnd::kRoot:
      // _start and clone say that they are the outermost frame; a zero is weaker evidence.
      Add(thread->cache.Find(last_pc).ra == SlotKind::kUndefined ? &g_report.root
                                                                 : &g_report.end_of_chain,
          1);
      return;
    case WalkEnd::kCut:
      return Add(&g_report.cut, 1);
    default: {
      Add(&g_report.lost, 1);
      for (std::atomic<uint64_t>& slot : g_report.lost_pc) {
        uint64_t empty = 0;
        if (slot.compare_exchange_strong(empty, last_pc) || slot == last_pc) break;
      }
    }
  }
}

void Walk(Thread* thread, const Regs& start) {
  const uint64_t t0 = __rdtsc();
  const WalkMemo::Result result = thread->memo.Walk(start, &thread->cache, thread->bounds);
  const uint64_t t1 = __rdtsc();
  WalkEnd end;
  const size_t count = Unwind(start, &thread->cache, thread->bounds, thread->pcs, kMaxFrames, &end);
  const uint64_t t2 = __rdtsc();
  Add(&g_report.memo_ticks, t1 - t0);
  Add(&g_report.plain_ticks, t2 - t1);
  Add(&g_report.walks, 1);
  Add(&g_report.frames, count);
  Add(&g_report.reused, result.reused);
  uint64_t hash = HashSeed(end);
  uint64_t jit = 0;
  for (size_t i = count; i-- > 0;) {
    hash = HashFrame(hash, thread->pcs[i]);
    if (thread->cache.map()->Find(thread->pcs[i] - 1) == nullptr) jit++;
  }
  Add(&g_report.jit_frames, jit);
  if (result.depth != count || result.end != end || result.hash != hash) {
    Add(&g_report.different, 1);
  }
  constexpr uint64_t kCheckEvery = 64;
  if (thread->events % kCheckEvery == 0) CheckPcs(thread, count);
  CountEnd(thread, end, thread->pcs[count - 1]);
}

void OnMalloc(const Regs& start) {
  if (!g_ready.load(std::memory_order_acquire) || t_starting) return;
  Thread* thread = t_thread != nullptr ? t_thread : StartThread();
  Add(&g_report.mallocs, 1);
  if (thread->busy || ++thread->events % g_every != 0) return;
  thread->busy = true;
  Walk(thread, start);
  thread->busy = false;
}

double CpuMs() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

[[gnu::constructor]] void Start() {
  const char* every = getenv("MEMTAPE_TEST_EVERY");
  if (every != nullptr) g_every = strtoull(every, nullptr, 10);
  const double before = CpuMs();
  g_registry.RefreshFromLoader();
  g_decode_ms = CpuMs() - before;
  unsetenv("LD_PRELOAD");
  g_ready = true;
}

const char* PathOf(uint64_t pc) {
  const ModuleRange* range = g_registry.current()->Find(pc - 1);
  for (const Module* m = g_registry.modules(); range != nullptr && m != nullptr; m = m->next) {
    if (m->id == range->module_id) return m->path;
  }
  return "";
}

[[gnu::destructor]] void Finish() {
  g_ready = false;
  const char* path = getenv("MEMTAPE_TEST_REPORT");
  const int fd = path == nullptr ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) return;
  const Report& r = g_report;
  const Module* main = g_registry.modules();
  const auto n = [](const std::atomic<uint64_t>& value) {
    return static_cast<unsigned long long>(value.load());
  };
  dprintf(fd,
          "{\"mallocs\": %llu, \"walks\": %llu, \"root\": %llu, \"endOfChain\": %llu, "
          "\"lost\": %llu, \"cut\": %llu, \"different\": %llu, \"frames\": %llu, "
          "\"reused\": %llu, \"jitFrames\": %llu, \"memoTicks\": %llu, \"plainTicks\": %llu, "
          "\"threads\": %llu, \"decodeMs\": %.2f, \"mainRows\": %u, \"mainBytes\": %zu, "
          "\"arenaBytes\": %zu, \"checkedPcs\": %llu, \"notAfterCall\": %llu, \"lostAt\": [",
          n(r.mallocs), n(r.walks), n(r.root), n(r.end_of_chain), n(r.lost), n(r.cut),
          n(r.different), n(r.frames), n(r.reused), n(r.jit_frames), n(r.memo_ticks),
          n(r.plain_ticks), n(r.threads), g_decode_ms, main->cfi->row_count(), main->cfi->bytes(),
          g_arena.mapped_bytes(), n(r.checked_pcs), n(r.not_after_call));
  for (size_t i = 0; i < kMaxLostPcs && r.lost_pc[i] != 0; i++) {
    dprintf(fd, "%s\"%llx %s\"", i == 0 ? "" : ", ", n(r.lost_pc[i]), PathOf(r.lost_pc[i]));
  }
  dprintf(fd, "]}\n");
  close(fd);
}

}  // namespace
}  // namespace memtape

#define EXPORT extern "C" [[gnu::visibility("default")]]

EXPORT void* malloc(size_t size) {
  void* pointer = __libc_malloc(size);
  memtape::OnMalloc(MEMTAPE_CALLER_REGS());
  return pointer;
}

EXPORT void* calloc(size_t count, size_t size) {
  void* pointer = __libc_calloc(count, size);
  memtape::OnMalloc(MEMTAPE_CALLER_REGS());
  return pointer;
}

EXPORT void* realloc(void* old, size_t size) {
  void* pointer = __libc_realloc(old, size);
  memtape::OnMalloc(MEMTAPE_CALLER_REGS());
  return pointer;
}
