// SPDX-License-Identifier: MIT
// Matchers for JavaScript: they lie in C++'s memory, and JavaScript has a number for each.
#include <node_api.h>

#include <array>
#include <string>
#include <unordered_map>

#include "matcher.h"

namespace {

std::unordered_map<uint32_t, Matcher> matchers;
uint32_t next_id = 1;

std::string ToString(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

uint32_t ToId(napi_env env, napi_value value) {
  uint32_t id = 0;
  napi_get_value_uint32(env, value, &id);
  return id;
}

napi_value FromNumber(napi_env env, uint32_t number) {
  napi_value value = nullptr;
  napi_create_uint32(env, number, &value);
  return value;
}

std::array<napi_value, 2> Arguments(napi_env env, napi_callback_info info) {
  std::array<napi_value, 2> arguments{};
  size_t count = arguments.size();
  napi_get_cb_info(env, info, &count, arguments.data(), nullptr, nullptr);
  return arguments;
}

/** open(words): the number of a new matcher, which lives until it is closed. */
napi_value Open(napi_env env, napi_callback_info info) {
  const auto [words, unused] = Arguments(env, info);
  uint32_t count = 0;
  napi_get_array_length(env, words, &count);
  Matcher& matcher = matchers[next_id];
  for (uint32_t i = 0; i < count; i++) {
    napi_value word = nullptr;
    napi_get_element(env, words, i, &word);
    matcher.Add(ToString(env, word));
  }
  return FromNumber(env, next_id++);
}

/** count(matcher, text): how many words are in the text. */
napi_value Count(napi_env env, napi_callback_info info) {
  const auto [id, text] = Arguments(env, info);
  const auto found = matchers.find(ToId(env, id));
  return FromNumber(env, found == matchers.end() ? 0 : found->second.Count(ToString(env, text)));
}

/** close(matcher) */
napi_value Close(napi_env env, napi_callback_info info) {
  matchers.erase(ToId(env, Arguments(env, info)[0]));
  return nullptr;
}

/** live(): how many matchers are open. */
napi_value Live(napi_env env, napi_callback_info) {
  return FromNumber(env, static_cast<uint32_t>(matchers.size()));
}

napi_value Init(napi_env env, napi_value exports) {
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  };
  add("open", Open);
  add("count", Count);
  add("close", Close);
  add("live", Live);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
