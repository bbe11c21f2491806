// SPDX-License-Identifier: MIT
#include "track/thread_state.h"

#include <errno.h>
#include <string.h>

#include "base/ticks.h"
#include "os/os.h"
#include "track/drain.h"
#include "track/late_isolates.h"
#include "track/origin.h"
#include "track/session.h"

namespace memtape {
namespace {

// Until the session makes the real one: all zero, hence inactive.
Control no_control;

constexpr size_t kMaxStates = kMaxSlots;
// Distinct call sites of malloc that a thread uses at a time: a few hundred in node.
constexpr size_t kWrapperEntries = 512;
std::atomic<ThreadState*> states[kMaxStates];

// A state that no thread has, made if need be.
ThreadState* TakeState(uint32_t tid) {
  for (std::atomic<ThreadState*>& place : states) {
    ThreadState* state = place.load(std::memory_order_acquire);
    if (state == nullptr) {
      state = static_cast<ThreadState*>(os::MapPages(sizeof(ThreadState)));
      if (state == nullptr) return nullptr;
      state->os_tid.store(tid, std::memory_order_relaxed);
      ThreadState* none = nullptr;
      if (place.compare_exchange_strong(none, state)) return state;
      os::UnmapPages(state, sizeof(ThreadState));
      continue;
    }
    uint32_t nobody = 0;
    if (state->os_tid.compare_exchange_strong(nobody, tid)) return state;
  }
  return nullptr;
}

ThreadState* StateOf(const RingWriter* ring) {
  for (std::atomic<ThreadState*>& place : states) {
    ThreadState* state = place.load(std::memory_order_acquire);
    if (state == nullptr || &state->ring == ring) return state;
  }
  return nullptr;
}

void PrepareUnwinding(ThreadState* state, uint32_t tid) {
  state->bounds.hi = os::StackEnd(static_cast<int>(tid));
  const bool native = CurrentSession().native();
  state->native = native;
  state->stack_finder.Start(state->bounds.hi);
  state->memo.Forget();
  if (state->unwind_ready[native]) return;
  const size_t entries = native ? UnwindCache::kDefaultEntries : kWrapperEntries;
  void* memory = os::MapPages(UnwindCache::BytesFor(entries));
  if (memory == nullptr) return;
  if (native) {
    void* frames = os::MapPages(WalkMemo::BytesFor(kMaxFrames));
    if (frames == nullptr) return os::UnmapPages(memory, UnwindCache::BytesFor(entries));
    state->memo.Init(frames, kMaxFrames);
  }
  state->unwind[native].Init(memory, entries);
  AttachUnwindCache(&state->unwind[native], native);
  state->unwind_ready[native] = true;
}

}  // namespace

uintptr_t StackEndOf(const RingWriter* ring) {
  const ThreadState* state = StateOf(ring);
  return state == nullptr ? 0 : state->bounds.hi;
}

void ReleaseThreadState(const RingWriter* ring) {
  ThreadState* state = StateOf(ring);
  if (state == nullptr) return;
  state->ring.Close();  // the thread may have died inside a hook
  state->os_tid.store(0);
}

void SweepThreadStates() {
  const int pid = os::Pid();
  for (std::atomic<ThreadState*>& place : states) {
    ThreadState* state = place.load(std::memory_order_acquire);
    if (state == nullptr) return;
    const uint32_t owner = state->os_tid.load();
    if (owner != 0 && !os::ThreadIsAlive(pid, static_cast<int>(owner))) state->os_tid.store(0);
  }
}

constinit ControlPointer control{&no_control};
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadState* thread_state = nullptr;

namespace {

ThreadState* Acquire(uint32_t session_number) {
  Session& session = CurrentSession();
  const uint32_t tid = static_cast<uint32_t>(os::Tid());
  ThreadState* state = thread_state;
  // A forked child has a copy of the state that its parent's thread owned.
  if (state != nullptr && state->os_tid.load(std::memory_order_relaxed) != tid) state = nullptr;
  if (state == nullptr) {
    state = TakeState(tid);
    if (state != nullptr) {
      state->js = {};
      state->js_memo.Forget();
      state->isolate = nullptr;
      state->js_unknown = false;
      state->late = {};
    }
  }
  if (state != nullptr) PrepareUnwinding(state, tid);
  const bool ready = state != nullptr && state->stacks.Init();
  const int64_t slot = ready ? session.rings.Acquire(tid, &state->ring) : -ENOMEM;
  if (slot < 0) {
    if (state != nullptr && state != thread_state) state->os_tid.store(0);
    control->dropped.fetch_add(1, std::memory_order_relaxed);
    session.Fail("no room for another thread's ring buffer", static_cast<int>(-slot));
    return nullptr;
  }
  RecognizeThread();
  state->session = session_number;
  // Nothing that an earlier session was told of its code is known in this one: attached anew.
  if (state->isolate != nullptr) state->js.c_entry_fp = nullptr;
  state->late.asked = nullptr;
  state->late.tries = 0;
  state->origin = OriginKeyIn(session_number);
  state->last_stack = state->gc_depth = state->gc_stack = 0;
  state->told_count = 0;
  state->thread = control->next_thread.fetch_add(1, std::memory_order_relaxed);
  session.rings.At(static_cast<uint32_t>(slot))
      .header->thread.store(state->thread, std::memory_order_release);
  thread_state = state;
  state->ring.Open();
  const uint64_t head[] = {uint64_t{state->thread} | uint64_t{tid} << 32,
                           static_cast<uint64_t>(current_origin.kind)};
  const RecordPart part = {head, sizeof head};
  PushTo(state, RingRecord::kThread, &part, 1);
  return state;
}

// Waits for room. False when the session has ended, or has to because the drain thread is stuck:
// the program must not wait for a disk that does not answer.
bool Wait(ThreadState* state, size_t words, uint64_t start) {
  constexpr uint64_t kPatienceNs = 10'000'000'000;
  uint64_t since = start;
  uint32_t rounds = control->rounds.load(std::memory_order_relaxed);
  while (!state->ring.HasRoom(words)) {
    if (control->active.load(std::memory_order_relaxed) == 0 ||
        state->session != control->session.load(std::memory_order_relaxed)) {
      return false;
    }
    const uint64_t now = os::MonotonicNs();
    const uint32_t rounds_now = control->rounds.load(std::memory_order_relaxed);
    if (rounds_now != rounds) {
      rounds = rounds_now;
      since = now;
    } else if (now - since > kPatienceNs) {
      CurrentSession().Fail("the drain thread does not get on", ETIMEDOUT);
    }
    HurryDrain();
    control->drain_wake.store(1, std::memory_order_release);
    os::FutexWake(reinterpret_cast<uint32_t*>(&control->drain_wake));
    os::SleepNs(20'000);
  }
  return true;
}

}  // namespace

ThreadState* AcquireThreadState(uint64_t caller) {
  // Announced before the look at the session, as in Enter.
  control->acquiring.fetch_add(1, std::memory_order_seq_cst);
  const uint32_t session = control->session.load(std::memory_order_seq_cst);
  ThreadState* state = session == 0 ? nullptr : thread_state;
  if (session != 0 && (state == nullptr || state->session != session)) state = Acquire(session);
  control->acquiring.fetch_sub(1, std::memory_order_release);
  if (state == nullptr) return nullptr;
  state->ready_session = session;
  AskForIsolate(state, caller);
  return state;
}

bool WasAbandoned(const void* frame) {
  const uintptr_t here = reinterpret_cast<uintptr_t>(frame);
  const ThreadState* state = thread_state;
  // What the earlier hook calls, handlers included, lies below it, or on the handlers' own stack.
  return state != nullptr && here >= state->entered_at && here < state->bounds.hi &&
         !os::OnSignalStack();
}

bool WaitForRoom(ThreadState* state, size_t words) {
  const uint64_t start = os::MonotonicNs();
  control->waiting.fetch_add(1, std::memory_order_relaxed);
  const bool room = Wait(state, words, start);
  control->waiting.fetch_sub(1, std::memory_order_relaxed);
  if (!room) {
    // What is stamped after the end of a session is no event of it; after a failure it is missed.
    if (CurrentSession().failed()) control->dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  CurrentSession().CountStall(os::MonotonicNs() - start);
  return true;
}

bool PushTo(ThreadState* state, RingRecord kind, const RecordPart* parts, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += parts[i].bytes;
  const size_t words = 2 + (bytes + 7) / 8;
  if (words > kMaxRingRecordWords) {
    control->dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  if (!EnsureRoom(state, words)) return false;
  uint64_t* const record = state->ring.Next();
  const uint64_t stamp = TicksBefore();
  record[0] = stamp;
  record[1] = RingVariableWord1(static_cast<uint8_t>(kind), static_cast<uint32_t>(words));
  uint8_t* out = reinterpret_cast<uint8_t*>(record + 2);
  for (size_t i = 0; i < count; i++) {
    if (parts[i].bytes > 0) memcpy(out, parts[i].data, parts[i].bytes);
    out += parts[i].bytes;
  }
  state->ring.Commit(words, stamp);
  return true;
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
