// SPDX-License-Identifier: MIT
// The names that V8's logger gives to code.
#pragma once

#include <stdint.h>

#include <string_view>

#include "format/format.h"

namespace memtape::v8 {

// A place in a script: lines and columns count from 1, 0 is unknown.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
};

// What one code name of V8's logger says, such as "JS:*f file.js:3:9".
struct CodeName {
  FrameKind kind = FrameKind::kBuiltin;
  std::string_view function;
  std::string_view url;
  Place definition;
};
CodeName ParseCodeName(std::string_view name, std::string_view script_url);
// The same of WebAssembly: "JS:name-12-liftoff", where "wasm-function[12]" stands for no name. One
// function has one name in all tiers. Kind kBuiltin: what V8 puts between it and JavaScript.
CodeName ParseWasmName(std::string_view name);

}  // namespace memtape::v8
