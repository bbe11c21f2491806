// SPDX-License-Identifier: MIT
#include "track/drain_priority.h"

#include <algorithm>

#include "os/os.h"

namespace memtape {

void DrainPriority::Start() {
  tid_ = os::MayRaisePriority() ? static_cast<uint32_t>(os::Tid()) : 0;
  state_ = kHigh;
  kept_ = false;
  lowered_ = false;
  next_ns_ = 0;
  pause_ns_ = kFirstPauseNs;
}

void DrainPriority::Lower(uint64_t now_ns) {
  const uint32_t tid = tid_.load(std::memory_order_relaxed);
  if (tid == 0 || is_low()) return;
  if (lowered_) {
    // It was raised again. When it was of use for ten times as long as the pause, that begins anew.
    lowered_ = false;
    if (now_ns - lowered_ns_ > 10 * pause_ns_) pause_ns_ = kFirstPauseNs;
    next_ns_ = now_ns + pause_ns_;
    pause_ns_ = std::min(2 * pause_ns_, kLastPauseNs);
  }
  if (now_ns < next_ns_) return;
  // In this order: either we see that it is to be kept, or who wants that sees what we do.
  state_.store(kLowering, std::memory_order_seq_cst);
  if (kept_.load(std::memory_order_seq_cst) || !os::SetIdlePolicy(static_cast<int>(tid), true)) {
    state_.store(kHigh, std::memory_order_release);
    return;
  }
  lowered_ = true;
  lowered_ns_ = looked_ns_ = now_ns;
  // Last: who raises it before this does so again.
  state_.store(kLow, std::memory_order_release);
}

void DrainPriority::Raise() {
  uint32_t low = kLow;
  if (!is_low() || !state_.compare_exchange_strong(low, kHigh)) return;
  os::SetIdlePolicy(static_cast<int>(tid_.load(std::memory_order_relaxed)), false);
}

void DrainPriority::Keep() {
  kept_.store(true, std::memory_order_seq_cst);
  // Low already, and not yet so far as to say so, it might not get there for seconds.
  while (state_.load(std::memory_order_seq_cst) == kLowering) {
    os::SetIdlePolicy(static_cast<int>(tid_.load(std::memory_order_relaxed)), false);
    os::SleepNs(50'000);
  }
  Raise();
}

void DrainPriority::LookForDelay() {
  if (!is_low()) return;
  const uint64_t now = os::MonotonicNs();
  if (now - looked_ns_ > kLateNs) Raise();
  looked_ns_ = now;
}

void DrainPriority::Sleep(std::atomic<uint32_t>* word, uint64_t ns) {
  os::FutexWait(reinterpret_cast<uint32_t*>(word), 0, ns);
  if (!is_low()) return;
  const uint64_t now = os::MonotonicNs();
  if (now - looked_ns_ > ns + kLateNs) Raise();
  looked_ns_ = now;
}

}  // namespace memtape
