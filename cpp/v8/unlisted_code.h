// SPDX-License-Identifier: MIT
// Code that V8 does not list when it is asked what code there is: optimized code that took a loop's
// place on the stack while the loop ran (on-stack replacement). It belongs to no function, but the
// loops that are running when recording starts run in it. A return address leads to it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "format/format.h"

namespace memtape::v8 {

struct UnlistedCode {
  uintptr_t start;
  size_t length;
  FrameKind kind;  // kMaglev or kTurbofan
};

// The optimized code that the call returning to `pc`, which must be in a frame of the calling
// thread's stack, is in. False when it is other code or was not found. Not in a hook.
bool FindUnlistedCode(uintptr_t pc, UnlistedCode* found);

}  // namespace memtape::v8
