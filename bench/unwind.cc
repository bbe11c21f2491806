// SPDX-License-Identifier: MIT
// Nanoseconds per frame of a native walk, by what answers: row cache, rows, FDE programs, memo.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/page_arena.h"
#include "os/os.h"
#include "stack/module_registry.h"
#include "stack/unwinder.h"
#include "stack/walk_memo.h"

namespace memtape {
namespace {

constexpr int kDepth = 30;
constexpr int kRounds = 200;  // the best one counts: other processes only ever add time
constexpr int kWalks = 500;
constexpr uint32_t kMaxFrames = 256;

double NowNs() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

PageArena arena(os::MapPages);
ModuleRegistry with_rows(&arena);
ModuleRegistry without_rows(&arena, ModuleRegistry::Tables::kMainLater);
UnwindCache cached, colliding, direct;
WalkMemo memo;
StackBounds bounds;
uint64_t pcs[kMaxFrames];
volatile uint64_t sink;

template <typename Walk>
void Measure(const char* name, Walk&& walk) {
  double best = 1e18;
  double frames = 0;
  for (int round = 0; round < kRounds; round++) {
    uint64_t total = 0;
    const double before = NowNs();
    for (int i = 0; i < kWalks; i++) total += walk();
    const double ns = (NowNs() - before) / kWalks;
    frames = static_cast<double>(total) / kWalks;
    if (ns < best) best = ns;
  }
  printf("%-34s %6.1f frames %8.1f ns a walk %7.2f ns a frame\n", name, frames, best,
         best / frames);
}

void MeasureHere() {
  const Regs start = CaptureRegs();
  const auto plain = [&](UnwindCache* cache) {
    return [&start, cache] { return Unwind(start, cache, bounds, pcs, kMaxFrames); };
  };
  Measure("row cache hit", plain(&cached));
  Measure("row cache miss, rows", plain(&colliding));
  Measure("row cache miss, FDE programs", plain(&direct));
  Measure("memo, same stack", [&] {
    const WalkMemo::Result result = memo.Walk(start, &cached, bounds);
    sink = result.hash;
    return result.depth;
  });
  Measure("memo, forgotten each time", [&] {
    memo.Forget();
    const WalkMemo::Result result = memo.Walk(start, &cached, bounds);
    sink = result.hash;
    return result.depth;
  });
  Measure("plain, and hashing the pcs", [&] {
    const size_t count = Unwind(start, &cached, bounds, pcs, kMaxFrames);
    uint64_t hash = HashSeed(WalkEnd::kRoot);
    for (size_t i = count; i-- > 0;) hash = HashFrame(hash, pcs[i]);
    sink = hash;
    return count;
  });
}

// A new leaf each time, as in a loop that allocates at several places.
[[gnu::noinline]] uint64_t WalkFromLeaf() {
  const WalkMemo::Result result = memo.Walk(CaptureRegs(), &cached, bounds);
  sink = result.hash;
  return result.depth;
}
[[gnu::noinline]] uint64_t LeafA() {
  volatile uint64_t room[4] = {};
  room[0] = WalkFromLeaf();
  return room[0];
}
[[gnu::noinline]] uint64_t LeafB() {
  volatile uint64_t room[20] = {};
  room[0] = WalkFromLeaf();
  return room[0];
}

[[gnu::noinline]] int Recurse(int depth) {
  volatile int local = depth;
  if (depth == 0) {
    MeasureHere();
    bool odd = false;
    Measure("memo, two leaf frames change", [&odd] {
      odd = !odd;
      return odd ? LeafA() : LeafB();
    });
  } else {
    Recurse(depth - 1);
  }
  return local;
}

void Init(UnwindCache* cache, ModuleRegistry* registry, size_t entries) {
  cache->Init(os::MapPages(UnwindCache::BytesFor(entries)), entries);
  registry->Attach(cache->reader());
}

void Decode() {
  double best = 1e18;
  uint32_t rows = 0;
  size_t bytes = 0;
  for (int i = 0; i < 5; i++) {
    PageArena own(os::MapPages);
    ModuleRegistry registry(&own);
    const double before = NowNs();
    registry.RefreshFromLoader();
    const double ns = NowNs() - before;
    if (ns < best) best = ns;
    rows = 0;
    bytes = 0;
    for (const Module* m = registry.modules(); m != nullptr; m = m->next) {
      if (m->cfi == nullptr) continue;
      rows += m->cfi->row_count();
      bytes += m->cfi->bytes();
    }
  }
  printf("%-34s %6u rows %10zu bytes %7.2f ms\n", "decode all modules", rows, bytes, best / 1e6);
}

int Main() {
  with_rows.RefreshFromLoader();
  without_rows.RefreshFromLoader();
  Init(&cached, &with_rows, UnwindCache::kDefaultEntries);
  Init(&colliding, &with_rows, 2);
  Init(&direct, &without_rows, 2);
  memo.Init(os::MapPages(WalkMemo::BytesFor(kMaxFrames)), kMaxFrames);
  // The main thread's stack, as far as this program goes.
  bounds.hi = (reinterpret_cast<uint64_t>(__builtin_frame_address(0)) + 4096) & ~uint64_t{4095};
  bounds.lo = bounds.hi - 1024 * 1024;
  Decode();
  Recurse(kDepth);
  return 0;
}

}  // namespace
}  // namespace memtape

int main() {
  return memtape::Main();
}
