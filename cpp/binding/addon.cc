// SPDX-License-Identifier: MIT
// The N-API addon: JavaScript's door to the core. Holds no state of its own but the core's address.
#include <cxxabi.h>
#include <dlfcn.h>
#include <errno.h>
#include <napi.h>
#include <stdlib.h>
#include <string.h>

#include <string>

#include "binding/last_marks.h"
#include "hooks/core_api.h"

#ifndef MEMTAPE_VERSION
#define MEMTAPE_VERSION "0.1.0"
#endif

namespace {

using memtape::CoreApi;
using memtape::CoreStartOptions;
using memtape::CoreSummary;

const CoreApi* core = nullptr;

const CoreApi* CoreAt(void* handle) {
  auto get = reinterpret_cast<const CoreApi* (*)()>(dlsym(handle, "memtape_core_api"));
  if (get == nullptr) return nullptr;
  const CoreApi* api = get();
  return api->version == memtape::kCoreApiVersion ? api : nullptr;
}

void Throw(Napi::Env env, const std::string& message, const char* code, int error) {
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("code", Napi::String::New(env, code));
  if (error != 0) thrown.Set("errno", Napi::Number::New(env, error));
  thrown.ThrowAsJavaScriptException();
}

// The core that is in this process, else the library at `path`, loaded out of everyone's sight.
const CoreApi* LoadCore(Napi::Env env, const std::string& path) {
  if (core == nullptr) core = CoreAt(RTLD_DEFAULT);
  if (core == nullptr) {
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      Throw(env, dlerror(), "ERR_DLOPEN_FAILED", 0);
      return nullptr;
    }
    core = CoreAt(handle);
  }
  if (core == nullptr) {
    Throw(env, "the preload library " + path + " is of another version", "ERR_MEMTAPE_VERSION", 0);
  }
  return core;
}

std::string Text(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

bool Flag(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

const char* ErrnoName(int error) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)
  if (const char* name = strerrorname_np(error)) return name;
#endif
  switch (error) {
    case EEXIST:
      return "EEXIST";
    case ENOSPC:
      return "ENOSPC";
    case EACCES:
      return "EACCES";
    case ENOENT:
      return "ENOENT";
    default:
      return "ERR_MEMTAPE_START";
  }
}

// What Node knows of itself: versions, arguments, and whether JavaScript frames can be seen.
void AddNodeMetadata(Napi::Env env, const char* js_reason) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const Napi::Object versions = process.Get("versions").As<Napi::Object>();
  Napi::Object metadata = Napi::Object::New(env);
  metadata.Set("node", versions.Get("node"));
  metadata.Set("v8", versions.Get("v8"));
  metadata.Set("execArgv", process.Get("execArgv"));
  metadata.Set("jsStacks", js_reason == nullptr ? "frames" : "none");
  if (js_reason != nullptr) metadata.Set("jsStacksReason", js_reason);
  const Napi::Object json = env.Global().Get("JSON").As<Napi::Object>();
  const Napi::Value text = json.Get("stringify").As<Napi::Function>().Call(json, {metadata});
  if (!text.IsString()) return;
  const std::string bytes = text.As<Napi::String>().Utf8Value();
  core->add_metadata(bytes.data(), bytes.size());
}

struct Environment {
  napi_env env = nullptr;
  bool attached = false;
  bool is_main = false;
  const char* js_reason = "nothing is being recorded";
};

uint64_t WorkerId(Napi::Env env) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const Napi::Value get = process.Get("getBuiltinModule");
  if (!get.IsFunction()) return 0;
  const Napi::Value module =
      get.As<Napi::Function>().Call(process, {Napi::String::New(env, "node:worker_threads")});
  if (!module.IsObject()) return 0;
  const Napi::Value id = module.As<Napi::Object>().Get("threadId");
  return id.IsNumber() ? static_cast<uint64_t>(id.As<Napi::Number>().Int64Value()) : 0;
}

void Attach(Napi::Env env) {
  Environment* state = env.GetInstanceData<Environment>();
  if (core == nullptr || !core->active() || state == nullptr) return;
  const uint64_t worker = WorkerId(env);
  state->js_reason = core->attach_isolate(worker, worker == 0);
  state->attached = state->js_reason == nullptr;
  state->is_main = worker == 0;
  if (!state->is_main) return;
  AddNodeMetadata(env, state->js_reason);
  memtape::InstallLastMarks(env, core);
}

void Detach(Environment* state) {
  if (state->attached && core != nullptr) core->detach_isolate();
  state->attached = false;
  state->js_reason = "nothing is being recorded";
}

Napi::Value Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = info[0].As<Napi::Object>();
  if (LoadCore(env, Text(options, "library")) == nullptr) return env.Undefined();
  const std::string path = Text(options, "path");
  CoreStartOptions start = {};
  start.path = path.c_str();
  start.overwrite = Flag(options, "force");
  start.native = Flag(options, "native");
  start.follow = Flag(options, "follow");
  start.js_heap_interval =
      static_cast<uint64_t>(options.Get("jsHeapInterval").As<Napi::Number>().Int64Value());
  start.interval_ms = options.Get("intervalMs").As<Napi::Number>().Uint32Value();
  int error = 0;
  if (const char* problem = core->start(&start, &error)) {
    std::string message = std::string(problem) + ": " + path;
    if (error != 0) message += std::string(" (") + strerror(error) + ")";
    Throw(env, message, error != 0 ? ErrnoName(error) : "ERR_MEMTAPE_START", error);
    return env.Undefined();
  }
  Attach(env);
  return env.Undefined();
}

Napi::Value Stop(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Environment* state = env.GetInstanceData<Environment>();
  if (state->attached) core->end_js_heap(/*collect=*/true, /*hidden=*/true);
  Detach(state);
  if (state->is_main) memtape::RemoveLastMarks();
  CoreSummary summary = {};
  if (core == nullptr || !core->stop(&summary)) return env.Null();
  Napi::Object result = Napi::Object::New(env);
  const auto number = [&](const char* name, uint64_t value) {
    result.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  result.Set("path", Napi::String::New(env, summary.path));
  number("durationNs", summary.duration_ns);
  number("allocations", summary.allocations);
  number("frees", summary.frees);
  number("allocatedBytes", summary.allocated_bytes);
  number("foreignFrees", summary.foreign_frees);
  number("missedFrees", summary.missed_frees);
  number("nested", summary.nested);
  number("dropped", summary.dropped);
  number("stalls", summary.stalls);
  number("stallNs", summary.stall_ns);
  number("peakBytes", summary.peak_bytes);
  number("liveBytes", summary.live_bytes);
  number("liveBlocks", summary.live_blocks);
  if (summary.error_text == nullptr) {
    result.Set("error", env.Null());
  } else {
    std::string error = summary.error_text;
    if (summary.error != 0) error += std::string(" (") + strerror(summary.error) + ")";
    result.Set("error", Napi::String::New(env, error));
  }
  return result;
}

Napi::Value Mark(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  if (core != nullptr && core->active()) core->mark(name.data(), name.size());
  return info.Env().Undefined();
}

Napi::Value NameThread(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  if (core != nullptr && core->active()) core->name_thread(name.data(), name.size());
  return info.Env().Undefined();
}

Napi::Value Status(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (core == nullptr) core = CoreAt(RTLD_DEFAULT);
  const Environment* state = env.GetInstanceData<Environment>();
  const bool active = core != nullptr && core->active();
  Napi::Object result = Napi::Object::New(env);
  result.Set("active", active);
  result.Set("mode", !active ? "off" : core->preloaded ? "preload" : "patch");
  result.Set("path", active ? Napi::String::New(env, core->path()).As<Napi::Value>() : env.Null());
  result.Set("jsStacks", state->attached ? "frames" : "none");
  result.Set("jsStacksReason", state->js_reason == nullptr
                                   ? env.Null()
                                   : Napi::String::New(env, state->js_reason).As<Napi::Value>());
  result.Set("heapBytes", active ? static_cast<double>(core->heap_bytes()) : 0.0);
  return result;
}

Napi::Value Demangle(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Array names = info[0].As<Napi::Array>();
  Napi::Array result = Napi::Array::New(env, names.Length());
  for (uint32_t i = 0; i < names.Length(); i++) {
    const std::string name = names.Get(i).As<Napi::String>().Utf8Value();
    int status = 0;
    char* plain = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
    result.Set(i, Napi::String::New(env, status == 0 ? plain : name.c_str()));
    free(plain);
  }
  return result;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  if (core == nullptr) core = CoreAt(RTLD_DEFAULT);
  Environment* state = new Environment();
  state->env = env;
  env.SetInstanceData(state);
  // Runs on this environment's thread before its isolate goes.
  env.AddCleanupHook(
      [](Environment* leaving) {
        if (leaving->attached && !leaving->is_main && core->active()) {
          // V8 hands a profile out in handles.
          const Napi::HandleScope scope(leaving->env);
          core->end_js_heap(/*collect=*/false, /*hidden=*/false);
        }
        Detach(leaving);
      },
      state);
  exports.Set("version", MEMTAPE_VERSION);
  exports.Set("start", Napi::Function::New(env, Start, "start"));
  exports.Set("stop", Napi::Function::New(env, Stop, "stop"));
  exports.Set("mark", Napi::Function::New(env, Mark, "mark"));
  exports.Set("nameThread", Napi::Function::New(env, NameThread, "nameThread"));
  exports.Set("status", Napi::Function::New(env, Status, "status"));
  exports.Set("demangle", Napi::Function::New(env, Demangle, "demangle"));
  Attach(env);
  return exports;
}

}  // namespace

NODE_API_MODULE(memtape, Init)
