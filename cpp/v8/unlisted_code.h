// SPDX-License-Identifier: MIT
// Code that V8 does not list when it is asked what code there is: optimized code that took a loop's
// place on the stack while the loop ran (on-stack replacement). It belongs to no function; V8 keeps
// it for the next time that the loop runs, until the next full collection.
//
// Where it is is found once, when recording starts, by looking through the pages that have listed
// code. Nothing found so is trusted, as it may be dead: only when a return address on the stack is
// in it, it is alive and may be read.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "format/format.h"

namespace memtape::v8 {

struct UnlistedCode {
  uintptr_t start;
  size_t length;
  FrameKind kind;  // kMaglev or kTurbofan
};

// Optimized code in the pages of `addresses` that does not start at one of `listed`; both sorted.
// Returns how much of `out` was used.
size_t FindUnlistedCode(std::span<const uintptr_t> listed, std::span<const uintptr_t> addresses,
                        std::span<UnlistedCode> out);

// Whether it is still there. The memory may be gone.
bool IsStillThere(const UnlistedCode& code);

}  // namespace memtape::v8
