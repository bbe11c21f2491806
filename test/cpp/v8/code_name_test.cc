// SPDX-License-Identifier: MIT
#include "v8/code_name.h"

#include <gtest/gtest.h>

namespace memtape::v8 {
namespace {

struct Named {
  const char* name;
  const char* function;
  FrameKind kind = FrameKind::kWasm;
};

TEST(CodeNameTest, WasmFunctionsHaveOneNameInAllTiers) {
  for (const Named& one : {
           Named{"JS:rasterize-1-liftoff", "rasterize"},
           Named{"JS:rasterize-1-turbofan", "rasterize"},
           Named{"JS:wasm-function[12]-12-liftoff", "wasm-function[12]"},
           Named{"JS:std::vector<a-b>::at(int)-307-turbofan", "std::vector<a-b>::at(int)"},
           Named{"JS:draw-2-3-liftoff", "draw-2"},
           Named{"JS:-7-liftoff", "-7-liftoff"},
           Named{"JS:wasm-to-js:i:-0-turbofan", "wasm-to-js", FrameKind::kBuiltin},
           Named{"JS:wasm-to-js:i:-<anonymous>-turbofan", "wasm-to-js", FrameKind::kBuiltin},
           Named{"JS:js-to-wasm:ii:i", "js-to-wasm", FrameKind::kBuiltin},
           Named{"JS:wasm-to-json-4-liftoff", "wasm-to-json"},
           Named{"plain", "plain"},
           Named{"", ""},
       }) {
    const CodeName parsed = ParseWasmName(one.name);
    EXPECT_EQ(parsed.function, one.function) << one.name;
    EXPECT_EQ(parsed.kind, one.kind) << one.name;
    EXPECT_TRUE(parsed.url.empty());
  }
}

}  // namespace
}  // namespace memtape::v8
