// SPDX-License-Identifier: MIT
#include "track/late_isolates.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>

#include <atomic>

#include "os/os.h"
#include "stack/elf_image.h"
#include "track/events.h"
#include "track/js_sampler.h"
#include "track/origin.h"
#include "v8/api.h"
#include "v8/isolate.h"
#include "v8/layout.h"

namespace memtape {
namespace {

// The thread that started the recording. 0: nobody is asked.
std::atomic<uint32_t> starter{0};

bool Contains(const ElfImage::Range& range, uint64_t address) {
  return address - range.begin < range.end - range.begin;
}

struct Search {
  uint64_t address;
  ElfImage::Range found;
};

int FindModule(dl_phdr_info* info, size_t, void* data) {
  Search* const search = static_cast<Search*>(data);
  ElfImage image;
  if (!ReadMappedElf(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, &image)) return 0;
  if (!Contains(image.all, search->address)) return 0;
  search->found = image.all;
  return 1;
}

// The C++ library, by whose operators all containers allocate and free.
ElfImage::Range cpp_library;

// False where V8 has a C++ library of its own inside: then nobody can tell its calls from others.
bool FindCppLibrary() {
  const auto address = [](const char* name) {
    return reinterpret_cast<uint64_t>(dlsym(RTLD_DEFAULT, name));
  };
  Search search = {address("_Znwm"), {}};
  dl_iterate_phdr(FindModule, &search);
  cpp_library = search.found;
  const uint64_t v8 = reinterpret_cast<uint64_t>(v8::GetApi().request_interrupt);
  return Contains(cpp_library, address("_ZdlPv")) && !Contains(cpp_library, v8);
}

bool IsAttached(const ThreadState* state) {
  return state->isolate != nullptr && state->isolate_session == state->session;
}

// The isolate to ask, or null. V8's helper threads show the isolate that they work for.
v8::Isolate* IsolateToAsk(const ThreadState* state) {
  const uint32_t attached_otherwise = starter.load(std::memory_order_relaxed);
  if (attached_otherwise == 0 || IsAttached(state) ||
      state->os_tid.load(std::memory_order_relaxed) == attached_otherwise ||
      current_origin.kind == ThreadKind::kV8Platform) {
    return nullptr;
  }
  const v8::Api& api = v8::GetApi();
  v8::Isolate* const isolate = api.try_get_current();
  if (isolate == nullptr || isolate == state->late.asked) return nullptr;
  // Not while it is made or disposed of.
  return api.in_context(isolate) ? isolate : nullptr;
}

void OnEnvironmentEnd(void* data) {
  ThreadState* const state = thread_state;
  if (state != data) return;
  state->late.watched = nullptr;
  DetachIsolate();
}

// False where there is no environment of Node.js: somebody else's isolate, whose end nobody tells.
bool WatchForEnd(ThreadState* state, v8::Isolate* isolate) {
  if (state->late.watched == isolate) return true;
  const v8::Api& api = v8::GetApi();
  if (api.get_current_environment(api.get_current_context(isolate)) == nullptr) return false;
  api.add_environment_cleanup_hook(isolate, OnEnvironmentEnd, state);
  state->late.watched = isolate;
  return true;
}

void OnInterrupt(v8::Isolate* isolate, void* data) {
  ThreadState* const state = thread_state;
  const uint32_t session = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(data));
  if (control->session.load() != session || state == nullptr || state->session != session ||
      state->late.asked != isolate || IsAttached(state)) {
    return;
  }
  constexpr unsigned kMaxTries = 100;
  if (!v8::CanAttach(os::StackEnd(os::Tid()))) {
    if (++state->late.tries == kMaxTries) return;
    state->late.asked = nullptr;
    state->ready_session = 0;
    return;
  }
  if (!WatchForEnd(state, isolate)) return;
  AttachIsolate(/*worker_id=*/0, /*is_main=*/os::Tid() == os::Pid());
  // Who ended it meanwhile may have come too early to see this isolate.
  if (control->session.load() != session) DetachIsolate();
}

void OnRelease(v8::Isolate*, void*) {
  const ThreadState* const state = thread_state;
  if (state != nullptr && state->isolate_session != control->session.load()) DetachIsolate();
}

}  // namespace

void FindLateIsolates() {
  const bool possible = v8::GetApi().CanAttachLate() && v8::GetLayout().known && FindCppLibrary();
  starter.store(possible ? static_cast<uint32_t>(os::Tid()) : 0, std::memory_order_relaxed);
}

void ReleaseLateIsolates() {
  InterruptSampledIsolates(OnRelease);
}

void AskForIsolate(ThreadState* state, uint64_t caller) {
  v8::Isolate* const isolate = IsolateToAsk(state);
  if (isolate == nullptr) return;
  if (caller == 0 || Contains(cpp_library, caller)) {
    state->ready_session = 0;
    return;
  }
  state->late.asked = isolate;
  const uintptr_t session = state->session;
  const int saved = errno;
  // As outside of hooks: V8 waits for a lock whose holder may wait for the drain thread, and frees
  // later what it allocates now.
  state->ring.Close();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  guard_depth = 0;
  v8::GetApi().request_interrupt(isolate, OnInterrupt, reinterpret_cast<void*>(session));
  guard_depth = kInsideHook;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  errno = saved;
}

void LookForIsolate(ThreadState* state) {
  if (IsolateToAsk(state) != nullptr) state->ready_session = 0;
}

}  // namespace memtape
