// SPDX-License-Identifier: MIT
// The pages of a ring that its thread has gone through. They stay in the file and its cache, whence
// the thread's next record has them back: what is given back is this process's memory, and nothing
// that a reader after a kill needs.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "log/ring.h"
#include "os/os.h"

namespace memtape {

// Of one ring; the drain thread's. All zero to begin with.
class RingPages {
 public:
  // The thread that writes pays a page fault for a page that comes back, a microsecond or two. What
  // has put this much into its ring since the last call keeps its pages: with a call every 20 ms
  // others pay a thousandth of their time at most.
  static constexpr uint64_t kBusyBytes = size_t{32} << 10;
  // Below this it is not worth the call.
  static constexpr uint64_t kLeastBytes = size_t{64} << 10;

  // Now and then: lets go of what was read, `at` bytes so far, unless the ring is a busy one.
  void Release(uint8_t* ring, uint64_t at) {
    const bool busy = at - seen_ > kBusyBytes;
    seen_ = at;
    const uint64_t end = at / kUnit * kUnit;
    if (busy || end < released_ + kLeastBytes) return;
    const uint64_t from = end - std::min(end - released_, uint64_t{kRingBytes});
    const uint64_t start = from & (kRingBytes - 1);
    const uint64_t first = std::min(end - from, kRingBytes - start);
    os::LeaveToFile(ring + start, first);
    if (first < end - from) os::LeaveToFile(ring, end - from - first);
    released_ = end;
  }

 private:
  static constexpr uint64_t kUnit = size_t{64} << 10;  // whole pages everywhere

  uint64_t seen_ = 0;      // as of the last call
  uint64_t released_ = 0;  // up to here pages were given back
};

}  // namespace memtape
