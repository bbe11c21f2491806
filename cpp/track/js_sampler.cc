// SPDX-License-Identifier: MIT
#include "track/js_sampler.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>

#include "base/guard.h"
#include "os/os.h"
#include "track/drain.h"
#include "track/thread_state.h"

namespace memtape {
namespace {

constexpr size_t kMaxIsolates = 1024;
constexpr uint64_t kLookNs = 100'000'000;
constexpr unsigned kLooksPerSample = 10;  // "at least once a second"

v8::IsolateState* isolates[kMaxIsolates];
pthread_mutex_t isolates_mutex = PTHREAD_MUTEX_INITIALIZER;
std::atomic<uint32_t> stopping{0};
pthread_t thread;
bool running = false;

void* Run(void*) {
  {
    const RecursionGuard guard;
    pthread_setname_np(pthread_self(), "memtape-js");
  }
  // With the guard down: V8 queues the request in memory that the isolate's thread frees.
  uint32_t rounds = 0;
  for (unsigned look = 1;; look++) {
    os::FutexWait(reinterpret_cast<uint32_t*>(&stopping), 0, kLookNs);
    if (stopping.load(std::memory_order_acquire) != 0) break;
    // Nobody else would notice that the drain thread stands still while few events come.
    const uint32_t now = control->rounds.load(std::memory_order_relaxed);
    if (now == rounds) HurryDrain();
    rounds = now;
    if (look % kLooksPerSample != 0) continue;
    pthread_mutex_lock(&isolates_mutex);
    for (v8::IsolateState* isolate : isolates) {
      if (isolate != nullptr) v8::RequestSample(isolate);
    }
    pthread_mutex_unlock(&isolates_mutex);
  }
  return nullptr;
}

// The first place that holds `wanted` gets `value`. Mutex held.
bool Replace(v8::IsolateState* wanted, v8::IsolateState* value) {
  for (v8::IsolateState*& isolate : isolates) {
    if (isolate != wanted) continue;
    isolate = value;
    return true;
  }
  return false;
}

void Start() {
  stopping.store(0, std::memory_order_relaxed);
  // Like the drain thread, it handles no signal.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 << 10);
  running = pthread_create(&thread, &attributes, Run, nullptr) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void AddSampledIsolate(v8::IsolateState* isolate) {
  const RecursionGuard guard;
  pthread_mutex_lock(&isolates_mutex);
  if (!Replace(isolate, isolate)) Replace(nullptr, isolate);
  // A worker may come to this when the session is over.
  if (!running && control->active.load() != 0) Start();
  pthread_mutex_unlock(&isolates_mutex);
}

void RemoveSampledIsolate(v8::IsolateState* isolate) {
  const RecursionGuard guard;
  pthread_mutex_lock(&isolates_mutex);
  Replace(isolate, nullptr);
  pthread_mutex_unlock(&isolates_mutex);
}

void InterruptSampledIsolates(v8::InterruptCallback* callback) {
  pthread_mutex_lock(&isolates_mutex);
  for (v8::IsolateState* isolate : isolates) {
    if (isolate != nullptr) v8::Interrupt(isolate, callback, nullptr);
  }
  pthread_mutex_unlock(&isolates_mutex);
}

void StopJsSampler() {
  pthread_mutex_lock(&isolates_mutex);
  const bool was_running = running;
  running = false;
  pthread_mutex_unlock(&isolates_mutex);
  if (!was_running) return;
  stopping.store(1, std::memory_order_release);
  os::FutexWake(reinterpret_cast<uint32_t*>(&stopping));
  pthread_join(thread, nullptr);
}

}  // namespace memtape
