// SPDX-License-Identifier: MIT
// probe(ask): allocates. At the first calls and every TRUTH_EVERY-th later one it allocates a size of its own, 1 GiB and the
// number of the call, and asks for the stack in the same place, before or after.
#include "probes.h"

#include <stdlib.h>

#include <atomic>

#include "check.h"
#include "oracle.h"

#define EXPORTED extern "C" __attribute__((visibility("default"), noinline))

namespace {

constexpr size_t kFirst = 50;
constexpr size_t kBase = size_t{1} << 30;  // nothing else asks for so much; the pages are never touched

size_t Every() {
  const char* const text = getenv("TRUTH_EVERY");
  const int every = text == nullptr ? 0 : atoi(text);
  return every > 0 ? static_cast<size_t>(every) : 1;
}

std::atomic<size_t> calls{0};

void AllocateAndFree(size_t size) {
  void* volatile block = malloc(size);
  if (block == nullptr) abort();
  free(block);
}

}  // namespace

EXPORTED napi_value TruthProbe(napi_env env, napi_callback_info info) {
  static const size_t every = Every();
  const size_t call = ++calls;
  if (call > kFirst && call % every != 0) {
    AllocateAndFree(40);
    return nullptr;
  }
  napi_value ask;
  size_t count = 1;
  Check(napi_get_cb_info(env, info, &count, &ask, nullptr, nullptr));
  const bool asks_first = (call / every) % 2 == 0;
  if (asks_first) AskOracle(env, kBase + call, ask);
  AllocateAndFree(kBase + call);
  if (!asks_first) AskOracle(env, kBase + call, ask);
  return nullptr;
}

void DefineProbes(napi_env env, napi_value exports) {
  napi_value function;
  Check(napi_create_function(env, "probe", NAPI_AUTO_LENGTH, TruthProbe, nullptr, &function));
  Check(napi_set_named_property(env, exports, "probe", function));
}
