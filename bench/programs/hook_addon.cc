// SPDX-License-Identifier: MIT
// time(pairs) → [nanoseconds of a malloc, of a free], by the clock, in turns of 64 so that the
// clock itself does not count.
#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <initializer_list>

namespace {

constexpr int kTurn = 64;

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

napi_value Time(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  uint32_t pairs = 0;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok ||
      napi_get_value_uint32(env, argument, &pairs) != napi_ok) {
    return nullptr;
  }
  uint64_t malloc_ns = 0, free_ns = 0;
  void* volatile blocks[kTurn];
  for (uint32_t done = 0; done < pairs; done += kTurn) {
    const uint64_t before = Now();
    for (int i = 0; i < kTurn; i++) blocks[i] = malloc(64);
    const uint64_t between = Now();
    for (int i = 0; i < kTurn; i++) free(blocks[i]);
    free_ns += Now() - between;
    malloc_ns += between - before;
  }
  napi_value result, number;
  if (napi_create_array(env, &result) != napi_ok) return nullptr;
  uint32_t at = 0;
  for (const uint64_t ns : {malloc_ns, free_ns}) {
    napi_create_double(env, static_cast<double>(ns) / pairs, &number);
    napi_set_element(env, result, at++, number);
  }
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "time", NAPI_AUTO_LENGTH, Time, nullptr, &function) != napi_ok ||
      napi_set_named_property(env, exports, "time", function) != napi_ok) {
    return nullptr;
  }
  return exports;
}
