// SPDX-License-Identifier: MIT
#include "v8/code_name.h"

#include <stddef.h>

namespace memtape::v8 {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Takes ":123" off the end of `text`; false if there is none.
bool TakeNumber(std::string_view* text, uint32_t* number) {
  size_t i = text->size();
  while (i > 0 && IsDigit((*text)[i - 1])) i--;
  if (i == text->size() || i == 0 || (*text)[i - 1] != ':') return false;
  *number = 0;
  for (size_t j = i; j < text->size(); j++) {
    *number = *number * 10 + static_cast<uint32_t>((*text)[j] - '0');
  }
  *text = text->substr(0, i - 1);
  return true;
}

// Takes V8's tier mark off the front: "~", "^", "+", "*", each perhaps with "'" after or "o"
// before.
bool TakeTier(std::string_view* text, FrameKind* kind) {
  size_t i = 0;
  if (text->size() > 1 && (*text)[0] == 'o' && ((*text)[1] == '*' || (*text)[1] == '+')) i = 1;
  if (i >= text->size()) return false;
  switch ((*text)[i]) {
    case '~':
      *kind = FrameKind::kInterpreted;
      break;
    case '^':
      *kind = FrameKind::kBaseline;
      break;
    case '+':
      *kind = FrameKind::kMaglev;
      break;
    case '*':
      *kind = FrameKind::kTurbofan;
      break;
    default:
      return false;
  }
  i++;
  if (i < text->size() && (*text)[i] == '\'') i++;
  *text = text->substr(i);
  return true;
}

// Takes "-12" or "-<anonymous>", and the tier behind it, off the end.
std::string_view WithoutWasmTier(std::string_view text) {
  const size_t tier = text.rfind('-');
  if (tier == std::string_view::npos || tier == 0) return text;
  const std::string_view head = text.substr(0, tier);
  if (head.ends_with("-<anonymous>")) return head.substr(0, head.size() - 12);
  size_t digits = head.size();
  while (digits > 0 && IsDigit(head[digits - 1])) digits--;
  if (digits == head.size() || digits < 2 || head[digits - 1] != '-') return text;
  return head.substr(0, digits - 1);
}

}  // namespace

CodeName ParseWasmName(std::string_view name) {
  CodeName result;
  result.kind = FrameKind::kWasm;
  const size_t colon = name.find(':');
  result.function =
      WithoutWasmTier(colon == std::string_view::npos ? name : name.substr(colon + 1));
  // "wasm-to-js:i:", with the types of the parameters and of what is returned.
  for (const std::string_view wrapper : {"wasm-to-js", "js-to-wasm"}) {
    const bool is_wrapper = result.function.starts_with(wrapper) &&
                            result.function.substr(wrapper.size()).starts_with(":");
    if (is_wrapper) return {FrameKind::kBuiltin, wrapper, {}, {}};
  }
  return result;
}

CodeName ParseCodeName(std::string_view name, std::string_view script_url) {
  CodeName result;
  const size_t colon = name.find(':');
  std::string_view rest = colon == std::string_view::npos ? name : name.substr(colon + 1);
  if (colon == std::string_view::npos || !TakeTier(&rest, &result.kind)) {
    // "Builtin:ArrayForEach", "RegExp:…", a WebAssembly function.
    result.function = rest;
    return result;
  }
  Place place;
  std::string_view head = rest;
  if (TakeNumber(&head, &place.column) && TakeNumber(&head, &place.line)) {
    result.definition = place;
    rest = head;
  }
  // "function url": the name may hold spaces, so the script's own url says where it ends.
  // Code that was compiled before V8 had read a sourceURL comment has no url in its name.
  result.url = script_url;
  if (!script_url.empty() && rest.ends_with(script_url)) {
    rest.remove_suffix(script_url.size());
  } else if (!rest.empty() && rest.back() == ' ') {
    rest.remove_suffix(1);
  } else if (const size_t space = rest.find(' '); space != std::string_view::npos) {
    if (script_url.empty()) result.url = rest.substr(space + 1);
    rest = rest.substr(0, space);
  }
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  result.function = rest;
  return result;
}

}  // namespace memtape::v8
