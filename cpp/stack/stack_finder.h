// SPDX-License-Identifier: MIT
// Which stack a thread is on: its own, its alternate one for signal handlers, or one that it has
// switched to (setcontext, coroutines). A walk must not read beyond it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stack/unwinder.h"

namespace memtape {

// Belongs to one thread. Hook-safe; the kernel is asked where a stack is new only.
class StackFinder {
 public:
  // `end`: of the thread's own stack; 0 when it is not known.
  void Start(uint64_t end) {
    own_ = {end, end, 0, 0};
    other_ = {};
  }

  // For a walk that starts at `sp`, where the thread is. Null when it is on no known stack.
  const StackBounds* Find(uint64_t sp) {
    return __builtin_expect(sp - own_.lo < own_.hi - own_.lo, 1) ? &own_ : FindOther(sp);
  }

 private:
  struct Mapping {
    uint64_t begin;
    uint64_t end;
    uint64_t free_from;  // nothing is mapped between there and `begin`
  };

  const StackBounds* FindOther(uint64_t sp);
  void FindOwn();
  // The mapping that `address` is in.
  bool FindMapping(uint64_t address, Mapping* found);

  StackBounds own_;
  StackBounds other_;
  char text_[8192];  // lines of /proc/self/maps: a path has at most 4 KiB
};

}  // namespace memtape
