// SPDX-License-Identifier: MIT
// The time stamp counter: the cheapest clock that is the same on every core (invariant TSC, arm64
// generic timer). Order between threads rests on it: see TicksAfter.
#pragma once

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace memtape {

// For a stamp taken before an action (free): a later store cannot become visible before this
// instruction retires, so the stamp is never later than the action's effect.
inline uint64_t TicksBefore() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks)::"memory");
  return ticks;
#endif
}

// For a stamp taken after an action (malloc): waits until every earlier load has completed, or
// the counter could be read before the lock that handed the block over was taken.
inline uint64_t TicksAfter() {
#if defined(__x86_64__)
  unsigned int core;
  return __rdtscp(&core);
#else
  uint64_t ticks;
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
  return ticks;
#endif
}

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace memtape
