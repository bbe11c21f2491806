// SPDX-License-Identifier: MIT
// Keeps the drain thread out of the program's way: with the kernel's idle policy it runs where a
// processor has nothing else to do, and leaves it at once when a thread of the program wakes up.
// That is worth 2 to 5 % of the wall time of programs that keep two processors busy, 6 to 10 % with
// native stacks (docs/overhead.md).
//
// Only where it may have its old priority back. A millisecond that it takes while others wait for
// the same processor costs it the next 340 (its weight is 3, theirs 1024): on a machine without an
// idle processor it was away for up to 10 s, and the program waited for room in its rings. A thread
// without privileges cannot leave the policy again, nor can a second thread take its place: it may
// stand still in the middle of any change to the tables.
#pragma once

#include <stdint.h>

#include <atomic>

#include "base/check.h"

namespace memtape {

class DrainPriority {
 public:
  // The longest that a step may take, or a wake-up be late, on a processor that is free.
  static constexpr uint64_t kLateNs = 100'000'000;
  // After that the old priority holds for a while, longer each time.
  static constexpr uint64_t kFirstPauseNs = 1'000'000'000;
  static constexpr uint64_t kLastPauseNs = 60'000'000'000;

  // The drain thread, before all else.
  void Start();
  // Between two rounds.
  void Lower(uint64_t now_ns);
  // Between any two steps of a few microseconds: gets the old priority back where it stood still.
  void Step() {
    if (MEMTAPE_UNLIKELY(++steps_ % kStepsPerLook == 0)) LookForDelay();
  }
  // Waits for `ns`, or until *word is not 0 and it is woken.
  void Sleep(std::atomic<uint32_t>* word, uint64_t ns);

  // Any thread, again and again while it waits for the drain thread: it must get on.
  void Raise();
  // Any thread: raises it for good. The process is about to give its privileges away.
  void Keep();
  bool is_low() const { return state_.load(std::memory_order_relaxed) == kLow; }

 private:
  static constexpr uint64_t kStepsPerLook = 64;

  void LookForDelay();

  enum State : uint32_t { kHigh, kLowering, kLow };

  std::atomic<uint32_t> state_{kHigh};
  std::atomic<bool> kept_{false};
  std::atomic<uint32_t> tid_{0};  // 0: it stays as it is
  uint64_t steps_ = 0, looked_ns_ = 0;
  bool lowered_ = false;  // and the time since then not yet looked at
  uint64_t lowered_ns_ = 0, next_ns_ = 0, pause_ns_ = 0;
};

}  // namespace memtape
