// SPDX-License-Identifier: MIT
// The wrappers of functions by which one thread makes another one work: threads that are started,
// and what addons queue for libuv's pool. The work carries the stack that asked for it (its
// origin). Calls, results and the order of everything stay as they are; a function of ours comes
// before the program's, and leads to it.
#include "hooks/handover.h"
#include "hooks/originals.h"
#include "hooks/wrappers.h"
#include "os/os.h"
#include "track/events.h"

namespace memtape {
namespace {

template <typename Function>
auto As(void (*function)()) {
  return reinterpret_cast<Function*>(function);
}

template <typename Function>
void (*Plain(Function* function))() {
  return reinterpret_cast<void (*)()>(function);
}

// The thread that runs the initializer of libuv's pool starts threads for everyone.
[[gnu::tls_model("initial-exec")]] constinit thread_local bool starts_pool = false;

bool HasUsualStack(const pthread_attr_t* attributes) {
  pthread_attr_t usual;
  size_t bytes = 0, usual_bytes = 0;
  if (attributes == nullptr) return true;
  if (pthread_attr_init(&usual) != 0) return false;
  const bool known = pthread_attr_getstacksize(attributes, &bytes) == 0 &&
                     pthread_attr_getstacksize(&usual, &usual_bytes) == 0;
  pthread_attr_destroy(&usual);
  return known && bytes == usual_bytes;
}

// What Node.js starts before any JavaScript, for collecting and compiling. (Its thread that waits
// for signals has a small stack; Workers have one of a size of their own.)
bool IsV8Platform(const void* caller, const pthread_attr_t* attributes) {
  return originals.napi_create_async_work != nullptr && libuv_code.Contains(caller) &&
         !HasJavaScript() && os::Tid() == os::Pid() && HasUsualStack(attributes);
}

Origin OriginOfThread(const pthread_attr_t* attributes, const Regs& caller) {
  if (starts_pool) return LibuvPoolOrigin();
  const Origin origin = MakeOrigin(Handing::kThread, caller);
  if (origin.key != 0) return origin;
  if (IsV8Platform(reinterpret_cast<const void*>(caller.pc), attributes)) {
    return V8PlatformOrigin();
  }
  RecognizeThread();
  Origin none;
  if (current_origin.kind != ThreadKind::kUnknown) none.kind = ThreadKind::kNative;
  return none;
}

// Whether what the calling thread does is being recorded.
bool IsRecorded() {
  return control->active.load(std::memory_order_relaxed) != 0 && guard_depth == 0;
}

using ThreadFunction = void*(void*);

void* RunThread(void* data) {
  Handover* const handover = static_cast<Handover*>(data);
  ThreadFunction* const run = As<ThreadFunction>(handover->run);
  void* const argument = handover->data;
  SetOrigin(handover->origin);
  GiveBack(handover);
  void* const result = run(argument);
  RecordThreadLeft();
  return result;
}

using NapiExecute = void(void* env, void* data);
using NapiComplete = void(void* env, int status, void* data);

void RunNapiWork(void* env, void* data) {
  const Handover* const handover = static_cast<Handover*>(data);
  const OriginScope scope(handover->origin);
  As<NapiExecute>(handover->run)(env, handover->data);
}

// The program may delete its work in there.
MEMTAPE_TAIL_CALLS void CompleteNapiWork(void* env, int status, void* data) {
  const Handover* const handover = static_cast<Handover*>(data);
  As<NapiComplete>(handover->done)(env, status, handover->data);
}

using UvWork = void(void* request);
using UvAfterWork = void(void* request, int status);

void RunUvWork(void* request) {
  const Handover* const handover = FindHandover(request);
  if (handover == nullptr) return;
  const OriginScope scope(handover->origin);
  As<UvWork>(handover->run)(request);
}

// The request is free to be used again in there. Called for cancelled work, too.
MEMTAPE_TAIL_CALLS void AfterUvWork(void* request, int status) {
  Handover* const handover = ForgetHandover(request);
  if (handover == nullptr) return;
  UvAfterWork* const done = As<UvAfterWork>(handover->done);
  GiveBack(handover);
  if (done != nullptr) done(request, status);
}

}  // namespace
}  // namespace memtape

using namespace memtape;  // NOLINT: the wrappers below are C functions

extern "C" {

int memtape_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, ThreadFunction* run,
                           void* argument) {
  auto original = ORIGINAL(pthread_create);
  const Origin origin = OriginOfThread(attributes, CALLER);
  const bool known = origin.key != 0 || origin.kind != ThreadKind::kUnknown;
  Handover* const handover = known || IsRecorded() ? TakeHandover() : nullptr;
  if (handover == nullptr) return original(thread, attributes, run, argument);
  *handover = {Plain(run), nullptr, argument, origin};
  const int result = original(thread, attributes, RunThread, handover);
  if (result != 0) GiveBack(handover);
  return result;
}

// The thread goes on for a while: what its frames and its thread-local storage have to destroy.
// Stays on the stack, of which libc unwinds all frames.
void memtape_pthread_exit(void* result) {
  auto original = ORIGINAL(pthread_exit);
  RecordThreadLeft();
  original(result);
}

MEMTAPE_TAIL_CALLS int memtape_pthread_once(pthread_once_t* once, void (*run)()) {
  auto original = ORIGINAL(pthread_once);
  // Only where nothing can throw: libuv is written in C.
  if (!libuv_code.Contains(reinterpret_cast<const void*>(run))) return original(once, run);
  const bool before = starts_pool;
  starts_pool = true;
  const int result = original(once, run);
  starts_pool = before;
  return result;
}

int memtape_napi_create_async_work(void* env, void* resource, void* name, NapiExecute* execute,
                                   NapiComplete* complete, void* data, void** work) {
  auto original = ORIGINAL(napi_create_async_work);
  Handover* const handover = execute != nullptr && work != nullptr ? TakeHandover() : nullptr;
  if (handover == nullptr) return original(env, resource, name, execute, complete, data, work);
  *handover = {Plain(execute), Plain(complete), data, {}};
  const int status = original(env, resource, name, RunNapiWork,
                              complete == nullptr ? nullptr : CompleteNapiWork, handover, work);
  if (status != 0) {
    GiveBack(handover);
  } else {
    KeepHandover(*work, handover);  // or it runs without an origin
  }
  return status;
}

int memtape_napi_queue_async_work(void* env, void* work) {
  auto original = ORIGINAL(napi_queue_async_work);
  Handover* const handover = FindHandover(work);
  if (handover != nullptr) handover->origin = MakeOrigin(Handing::kWork, CALLER);
  return original(env, work);
}

int memtape_napi_delete_async_work(void* env, void* work) {
  auto original = ORIGINAL(napi_delete_async_work);
  // Before: another thread may get a new one at the same address at once.
  Handover* const handover = ForgetHandover(work);
  const int status = original(env, work);
  if (handover != nullptr) GiveBack(handover);
  return status;
}

int memtape_uv_queue_work(void* loop, void* request, UvWork* work, UvAfterWork* after) {
  auto original = ORIGINAL(uv_queue_work);
  Handover* handover = nullptr;
  if (const Origin origin = work == nullptr ? Origin() : MakeOrigin(Handing::kWork, CALLER);
      origin.key != 0) {
    handover = TakeHandover();
    if (handover != nullptr) *handover = {Plain(work), Plain(after), nullptr, origin};
  }
  if (handover == nullptr) return original(loop, request, work, after);
  if (!KeepHandover(request, handover)) {
    GiveBack(handover);
    return original(loop, request, work, after);
  }
  const int result = original(loop, request, RunUvWork, AfterUvWork);
  if (result != 0) {
    ForgetHandover(request);
    GiveBack(handover);
  }
  return result;
}

}  // extern "C"

MEMTAPE_THREAD_FUNCTIONS(MEMTAPE_EXPORT)
