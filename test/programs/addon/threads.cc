// SPDX-License-Identifier: MIT
// What a program may expect of pthread_create, whoever stands in for it: arguments, results, stacks, endings, names.

#include "threads.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "check.h"

namespace {

size_t OwnStackBytes(void** low) {
  pthread_attr_t attributes;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) abort();
  if (pthread_attr_getstack(&attributes, low, &bytes) != 0) abort();
  pthread_attr_destroy(&attributes);
  return bytes;
}

struct Seen {
  void* argument = nullptr;
  size_t stack_bytes = 0;
  void* stack_low = nullptr;
  int errno_at_start = -1;
};

void* Return(void* argument) {
  Seen* seen = static_cast<Seen*>(argument);
  seen->errno_at_start = errno;
  seen->argument = argument;
  seen->stack_bytes = OwnStackBytes(&seen->stack_low);
  free(malloc(103079));
  return reinterpret_cast<void*>(intptr_t{4711});
}

void* Exit(void*) { pthread_exit(reinterpret_cast<void*>(intptr_t{815})); }

std::atomic<int> cleaned{0};

void* WaitForCancel(void* started) {
  pthread_cleanup_push([](void*) { cleaned++; }, nullptr);
  *static_cast<std::atomic<bool>*>(started) = true;
  for (;;) pthread_testcancel();
  pthread_cleanup_pop(0);
}

// The first thing that is not as it should be, or "".
const char* CheckThreads() {
  pthread_t thread;
  void* result = nullptr;
  Seen seen;
  if (pthread_create(&thread, nullptr, Return, &seen) != 0) return "create";
  if (pthread_join(thread, &result) != 0) return "join";
  if (result != reinterpret_cast<void*>(intptr_t{4711})) return "result";
  if (seen.argument != &seen) return "argument";
  if (seen.errno_at_start != 0) return "errno";

  if (pthread_create(&thread, nullptr, Exit, nullptr) != 0) return "create for exit";
  if (pthread_join(thread, &result) != 0) return "join after exit";
  if (result != reinterpret_cast<void*>(intptr_t{815})) return "result of exit";

  std::atomic<bool> started{false};
  if (pthread_create(&thread, nullptr, WaitForCancel, &started) != 0) return "create for cancel";
  while (!started) {
  }
  if (pthread_cancel(thread) != 0 || pthread_join(thread, &result) != 0) return "cancel";
  if (result != PTHREAD_CANCELED || cleaned != 1) return "result of cancel";

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // The smallest stack there may be, plus what this library's thread-local storage takes of it.
  const size_t small = (static_cast<size_t>(PTHREAD_STACK_MIN) + (32 << 10) + 4095) & ~size_t{4095};
  if (pthread_attr_setstacksize(&attributes, small) != 0) return "set stack size";
  if (pthread_create(&thread, &attributes, Return, &seen) != 0) return "create with a small stack";
  pthread_join(thread, nullptr);
  if (seen.stack_bytes != small) return "size of a small stack";

  const size_t own_bytes = 256 << 10;
  void* own = mmap(nullptr, own_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pthread_attr_setstack(&attributes, own, own_bytes) != 0) return "set stack";
  if (pthread_create(&thread, &attributes, Return, &seen) != 0) return "create with its own stack";
  pthread_join(thread, nullptr);
  munmap(own, own_bytes);
  if (seen.stack_low != own || seen.stack_bytes != own_bytes) return "own stack";
  pthread_attr_destroy(&attributes);

  // More than there is room for.
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, size_t{1} << 46);
  for (int i = 0; i < 100; i++) {
    if (pthread_create(&thread, &attributes, Return, &seen) != EAGAIN) return "a create that fails";
  }
  pthread_attr_destroy(&attributes);
  return "";
}

napi_value CheckThreadsForJs(napi_env env, napi_callback_info) {
  napi_value result;
  Check(napi_create_string_utf8(env, CheckThreads(), NAPI_AUTO_LENGTH, &result));
  return result;
}

struct Named {
  std::atomic<bool> ready{false};
  uint32_t size = 0;
};

void* WaitForName(void* data) {
  Named* named = static_cast<Named*>(data);
  free(malloc(named->size));
  named->ready = true;
  for (;;) pause();
}

// nameOther(name, size): a thread that allocates, is then given a name by this one, and stays.
napi_value NameOther(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2];
  Check(napi_get_cb_info(env, info, &count, values, nullptr, nullptr));
  char name[16];
  Named named;
  Check(napi_get_value_string_utf8(env, values[0], name, sizeof name, nullptr));
  Check(napi_get_value_uint32(env, values[1], &named.size));
  pthread_t thread;
  if (pthread_create(&thread, nullptr, WaitForName, &named) != 0) abort();
  while (!named.ready) {
  }
  if (pthread_setname_np(thread, name) != 0) abort();
  pthread_detach(thread);
  return nullptr;
}

}  // namespace

void DefineThreads(napi_env env, napi_value exports) {
  napi_value value;
  Check(napi_create_function(env, nullptr, 0, CheckThreadsForJs, nullptr, &value));
  Check(napi_set_named_property(env, exports, "checkThreads", value));
  Check(napi_create_function(env, nullptr, 0, NameOther, nullptr, &value));
  Check(napi_set_named_property(env, exports, "nameOther", value));
}
