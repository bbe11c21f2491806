// SPDX-License-Identifier: MIT
// However a program ends, by itself, by process.exit() or by an exception, the last that Node.js
// does for it is process.emit('exit'). A listener would come before those of the program, and would
// be seen by it, so `emit` is stood in for: on the object between `process` and
// EventEmitter.prototype, where nothing else is, by a native function, which no stack trace shows.
#include "binding/last_marks.h"

#include <string>
#include <string_view>
#include <vector>

#include "format/format.h"

namespace memtape {
namespace {

constexpr size_t kMaxErrorBytes = 200;

const CoreApi* core = nullptr;
// The object between, of the main thread's environment. Kept for those who took our `emit` from it.
Napi::ObjectReference* holder = nullptr;
bool installed = false;

Napi::Value PrototypeOf(const Napi::Object& object) {
  napi_value prototype = nullptr;
  const bool found = napi_get_prototype(object.Env(), object, &prototype) == napi_ok;
  return found ? Napi::Value(object.Env(), prototype) : object.Env().Undefined();
}

// Looked up for each call: the program may replace EventEmitter's.
Napi::Value Inherited(const Napi::Object& object) {
  const Napi::Value prototype = PrototypeOf(object);
  return prototype.IsObject() ? prototype.As<Napi::Object>().Get("emit") : prototype;
}

void Mark(std::string_view name) {
  if (core->active()) core->mark(name.data(), name.size());
}

// A collection would change what is live at the mark, so it comes after the last.
void MarkExit(bool last) {
  Mark(kExitMark);
  if (core->active()) core->end_js_heap(/*collect=*/last, /*hidden=*/false);
}

// A program may emit 'exit' itself, and go on.
bool IsExiting(const Napi::Value& process) {
  if (!process.IsObject()) return false;
  const Napi::Value exiting = process.As<Napi::Object>().Get("_exiting");
  return exiting.IsBoolean() && exiting.As<Napi::Boolean>().Value();
}

// What String(value) says. The value is the program's, so that may throw: then nothing.
std::string Text(Napi::Env env, napi_value value) {
  napi_value string = nullptr;
  char text[kMaxErrorBytes];
  size_t length = 0;
  if (napi_coerce_to_string(env, value, &string) != napi_ok ||
      napi_get_value_string_utf8(env, string, text, sizeof text, &length) != napi_ok) {
    env.GetAndClearPendingException();
    return "";
  }
  return {text, length};
}

std::string Property(const Napi::Value& object, const char* name) {
  napi_value value = nullptr;
  if (napi_get_named_property(object.Env(), object, name, &value) == napi_ok) {
    return Text(object.Env(), value);
  }
  object.Env().GetAndClearPendingException();
  return "";
}

void MarkUncaught(const Napi::Value& thrown) {
  bool is_error = false;
  napi_is_error(thrown.Env(), thrown, &is_error);
  std::string text = kUncaughtMarkPrefix;
  text += is_error ? Property(thrown, "name") + ": " + Property(thrown, "message")
                   : Text(thrown.Env(), thrown);
  Mark(std::string_view{text}.substr(0, kMaxErrorBytes));
}

Napi::Value Emit(const Napi::CallbackInfo& info) {
  const Napi::Value emit = Inherited(holder->Value());
  if (!emit.IsFunction()) return info.Env().Undefined();
  std::vector<napi_value> arguments;
  for (size_t i = 0; i < info.Length(); i++) arguments.push_back(info[i]);
  const std::string name = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  if (name == "uncaughtExceptionMonitor") MarkUncaught(info[1]);
  const bool is_exit = name == "exit" && IsExiting(info.This());
  // Before the listeners as well: one of them may call process.exit(), which does not come back.
  if (is_exit) MarkExit(/*last=*/false);
  const Napi::Value result = emit.As<Napi::Function>().Call(info.This(), arguments);
  if (is_exit) MarkExit(/*last=*/true);
  return result;
}

// What `process` inherits from, unless that is not Node.js's.
Napi::Object FindHolder(Napi::Env env) {
  const Napi::Value process = env.Global().Get("process");
  if (!process.IsObject()) return {};
  const Napi::Value between = PrototypeOf(process.As<Napi::Object>());
  if (!between.IsObject()) return {};
  const Napi::Object object = between.As<Napi::Object>();
  return Inherited(object).IsFunction() ? object : Napi::Object();
}

}  // namespace

void InstallLastMarks(Napi::Env env, const CoreApi* the_core) {
  core = the_core;
  if (holder == nullptr) {
    const Napi::Object found = FindHolder(env);
    if (found.IsEmpty()) return;
    holder = new Napi::ObjectReference(Napi::Persistent(found));
  }
  Napi::Object object = holder->Value();
  if (installed || object.HasOwnProperty("emit")) return;
  const auto emit = Napi::Function::New(env, Emit, "emit");
  const auto attributes = static_cast<napi_property_attributes>(napi_writable | napi_configurable);
  object.DefineProperty(Napi::PropertyDescriptor::Value("emit", emit, attributes));
  installed = true;
}

void RemoveLastMarks() {
  if (!installed) return;
  holder->Value().Delete("emit");
  installed = false;
}

}  // namespace memtape
