// SPDX-License-Identifier: MIT
#include "track/thread_state.h"

#include <string.h>

#include "base/ticks.h"
#include "os/os.h"
#include "track/session.h"

namespace memtape {
namespace {

// Until the session makes the real one: all zero, hence inactive.
Control no_control;

}  // namespace

Control* control = &no_control;
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadState* thread_state = nullptr;

ThreadState* AcquireThreadState() {
  Session& session = CurrentSession();
  const uint32_t tid = static_cast<uint32_t>(os::Tid());
  const int64_t slot = session.rings.Acquire(tid);
  ThreadState* state = slot < 0 ? nullptr : session.StateOf(static_cast<uint32_t>(slot));
  if (state == nullptr) {
    control->dropped.fetch_add(1, std::memory_order_relaxed);
    session.Fail("no room for another thread's ring buffer", static_cast<int>(-slot));
    return nullptr;
  }
  // What the thread knows of its isolate outlives a session; the rest starts anew.
  ThreadState* const before = thread_state;
  if (before != state) {
    state->js = before == nullptr ? v8::IsolateFrames{} : before->js;
    state->isolate = before == nullptr ? nullptr : before->isolate;
  }
  const Slot memory = session.rings.At(static_cast<uint32_t>(slot));
  state->ring.Reset(memory.header, memory.ring);
  state->stacks.Init();
  state->session = control->session.load(std::memory_order_relaxed);
  state->last_stack = state->gc_depth = state->gc_stack = 0;
  state->slot = static_cast<uint32_t>(slot);
  state->thread = control->next_thread.fetch_add(1, std::memory_order_relaxed);
  memory.header->thread.store(state->thread, std::memory_order_release);
  thread_state = state;
  state->ring.Open();
  const uint64_t head[] = {uint64_t{state->thread} | uint64_t{tid} << 32, 0};
  const RecordPart part = {head, sizeof head};
  PushTo(state, RingRecord::kThread, &part, 1);
  return state;
}

bool WaitForRoom(ThreadState* state, size_t words) {
  const uint64_t start = os::MonotonicNs();
  while (!state->ring.HasRoom(words)) {
    if (control->active.load(std::memory_order_relaxed) == 0 ||
        state->session != control->session.load(std::memory_order_relaxed)) {
      control->dropped.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    control->drain_wake.store(1, std::memory_order_release);
    os::FutexWake(reinterpret_cast<uint32_t*>(&control->drain_wake));
    os::SleepNs(20'000);
  }
  CurrentSession().CountStall(os::MonotonicNs() - start);
  return true;
}

void PushTo(ThreadState* state, RingRecord kind, const RecordPart* parts, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += parts[i].bytes;
  const size_t words = 2 + (bytes + 7) / 8;
  if (words > kMaxRingRecordWords || !EnsureRoom(state, words)) {
    control->dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  uint64_t* const record = state->ring.Next();
  const uint64_t stamp = TicksBefore();
  record[0] = stamp;
  record[1] = RingVariableWord1(static_cast<uint8_t>(kind), static_cast<uint32_t>(words));
  uint8_t* out = reinterpret_cast<uint8_t*>(record + 2);
  for (size_t i = 0; i < count; i++) {
    memcpy(out, parts[i].data, parts[i].bytes);
    out += parts[i].bytes;
  }
  state->ring.Commit(words, stamp);
}

void Push(RingRecord kind, const RecordPart* parts, size_t count) {
  if (ThreadState* state = Enter()) {
    PushTo(state, kind, parts, count);
    Leave(state);
  } else if (thread_state != nullptr && guard_depth > 0 &&
             control->active.load(std::memory_order_relaxed) != 0 &&
             thread_state->session == control->session.load(std::memory_order_relaxed)) {
    PushTo(thread_state, kind, parts, count);
  }
}

}  // namespace memtape
