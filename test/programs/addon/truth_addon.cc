// SPDX-License-Identifier: MIT
// An addon that allocates exactly what it is told, in functions whose names are known.
// With TRUTH_ORACLE=FILE it writes V8's own idea of the stack of each allocation there, to check the test scripts with.

#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <thread>

#include "check.h"
#include "jobs.h"
#include "oracle.h"
#include "probes.h"
#include "threads.h"

#define EXPORTED extern "C" __attribute__((visibility("default"), noinline))

namespace {

constexpr size_t kMaxArguments = 3;

struct Arguments {
  napi_value values[kMaxArguments];
  napi_value self;
};

Arguments GetArguments(napi_env env, napi_callback_info info) {
  Arguments arguments;
  size_t count = kMaxArguments;
  Check(napi_get_cb_info(env, info, &count, arguments.values, &arguments.self, nullptr));
  return arguments;
}

size_t GetSize(napi_env env, napi_callback_info info) {
  uint32_t size = 0;
  Check(napi_get_value_uint32(env, GetArguments(env, info).values[0], &size));
  return size;
}

// Blocks go to JavaScript as plain numbers; the map of them must not allocate between two measured allocations.
napi_value ToHandle(napi_env env, void* address) {
  napi_value handle;
  Check(napi_create_double(env, static_cast<double>(reinterpret_cast<uintptr_t>(address)), &handle));
  return handle;
}

void* FromHandle(napi_env env, napi_value handle) {
  double address = 0;
  Check(napi_get_value_double(env, handle, &address));
  return reinterpret_cast<void*>(static_cast<uintptr_t>(address));
}

}  // namespace

EXPORTED napi_value TruthMalloc(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  return ToHandle(env, malloc(size));
}

EXPORTED napi_value TruthCalloc(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  return ToHandle(env, calloc(1, size));
}

// Grows a block of 7 bytes to SIZE: two allocations and one free.
EXPORTED napi_value TruthRealloc(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  return ToHandle(env, realloc(realloc(nullptr, 7), size));
}

EXPORTED napi_value TruthNewArray(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  return ToHandle(env, new char[size]);
}

EXPORTED napi_value TruthMmap(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) abort();
  return ToHandle(env, address);
}

// For loops that run hot: the oracle, a thousand times slower than malloc, is asked about some of the calls only.
EXPORTED napi_value TruthMallocAndFree(napi_env env, napi_callback_info info) {
  static int calls = 0;
  const size_t size = GetSize(env, info);
  if (++calls <= 100 || calls % 97 == 0) AskOracle(env, size);
  void* volatile block = malloc(size);
  free(block);
  return nullptr;
}

EXPORTED napi_value TruthFree(napi_env env, napi_callback_info info) {
  free(FromHandle(env, GetArguments(env, info).values[0]));
  return nullptr;
}

EXPORTED napi_value TruthDeleteArray(napi_env env, napi_callback_info info) {
  delete[] static_cast<char*>(FromHandle(env, GetArguments(env, info).values[0]));
  return nullptr;
}

// Calls back into JavaScript: call(function).
EXPORTED napi_value TruthCall(napi_env env, napi_callback_info info) {
  const Arguments arguments = GetArguments(env, info);
  napi_value result;
  // A pending exception is the script's to see.
  if (napi_call_function(env, arguments.self, arguments.values[0], 0, nullptr, &result) != napi_ok) {
    return nullptr;
  }
  return result;
}

// A block that the garbage collector frees.
EXPORTED void TruthFinalize(napi_env, void* data, void*) { free(data); }

EXPORTED napi_value TruthExternal(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  napi_value result;
  Check(napi_create_external_arraybuffer(env, malloc(size), size, TruthFinalize, nullptr, &result));
  return result;
}

namespace {

struct AsyncMalloc {
  size_t size;
  void* block;
  napi_async_work work;
  napi_deferred deferred;
};

}  // namespace

EXPORTED void TruthAsyncExecute(napi_env, void* data) {
  auto* request = static_cast<AsyncMalloc*>(data);
  request->block = malloc(request->size);
}

EXPORTED void TruthAsyncComplete(napi_env env, napi_status, void* data) {
  auto* request = static_cast<AsyncMalloc*>(data);
  Check(napi_resolve_deferred(env, request->deferred, ToHandle(env, request->block)));
  Check(napi_delete_async_work(env, request->work));
  delete request;
}

// asyncMalloc(size): allocates on libuv's pool; returns a promise of the handle.
EXPORTED napi_value TruthAsyncMalloc(napi_env env, napi_callback_info info) {
  auto* request = new AsyncMalloc{GetSize(env, info), nullptr, nullptr, nullptr};
  napi_value name, promise;
  Check(napi_create_string_utf8(env, "truth", NAPI_AUTO_LENGTH, &name));
  Check(napi_create_promise(env, &request->deferred, &promise));
  Check(napi_create_async_work(env, nullptr, name, TruthAsyncExecute, TruthAsyncComplete, request,
                               &request->work));
  Check(napi_queue_async_work(env, request->work));
  return promise;
}

EXPORTED void TruthThreadBody(size_t size, void** block) { *block = malloc(size); }

// threadMalloc(size): allocates on a thread that Node.js knows nothing of.
EXPORTED napi_value TruthThreadMalloc(napi_env env, napi_callback_info info) {
  void* block = nullptr;
  std::thread(TruthThreadBody, GetSize(env, info), &block).join();
  return ToHandle(env, block);
}

// class Holder { constructor(size); grow(size); get lazy() }: the other ways in which JavaScript enters native code.
EXPORTED napi_value TruthHolderConstruct(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  void* volatile block = malloc(size);
  (void)block;
  return GetArguments(env, info).self;
}

EXPORTED napi_value TruthHolderGrow(napi_env env, napi_callback_info info) {
  const size_t size = GetSize(env, info);
  AskOracle(env, size);
  return ToHandle(env, malloc(size));
}

EXPORTED napi_value TruthHolderLazy(napi_env env, napi_callback_info) {
  constexpr size_t kSize = 130003;
  AskOracle(env, kSize);
  return ToHandle(env, malloc(kSize));
}

namespace {

napi_value DefineHolder(napi_env env) {
  const napi_property_descriptor properties[] = {
      {"grow", nullptr, TruthHolderGrow, nullptr, nullptr, nullptr, napi_default_method, nullptr},
      {"lazy", nullptr, nullptr, TruthHolderLazy, nullptr, nullptr, napi_default, nullptr},
  };
  napi_value holder;
  Check(napi_define_class(env, "Holder", NAPI_AUTO_LENGTH, TruthHolderConstruct, nullptr,
                          sizeof properties / sizeof *properties, properties, &holder));
  return holder;
}

constexpr struct {
  const char* name;
  napi_callback function;
} kFunctions[] = {
    {"malloc", TruthMalloc},
    {"calloc", TruthCalloc},
    {"realloc", TruthRealloc},
    {"newArray", TruthNewArray},
    {"mmap", TruthMmap},
    {"mallocAndFree", TruthMallocAndFree},
    {"free", TruthFree},
    {"deleteArray", TruthDeleteArray},
    {"call", TruthCall},
    {"external", TruthExternal},
    {"asyncMalloc", TruthAsyncMalloc},
    {"threadMalloc", TruthThreadMalloc},
};

}  // namespace

NAPI_MODULE_INIT() {
  for (const auto& [name, function] : kFunctions) {
    napi_value value;
    Check(napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value));
    Check(napi_set_named_property(env, exports, name, value));
  }
  Check(napi_set_named_property(env, exports, "Holder", DefineHolder(env)));
  DefineJobs(env, exports);
  DefineThreads(env, exports);
  DefineProbes(env, exports);
  return exports;
}
