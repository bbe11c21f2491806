// SPDX-License-Identifier: MIT
#pragma once

#include <node_api.h>
#include <stddef.h>

// Writes V8's own idea of the stack, Error.stack, to the file TRUTH_ORACLE, if that is set: "@SIZE\n" and the text.
void AskOracle(napi_env env, size_t size);

// The same with what the function `ask` returns.
void AskOracle(napi_env env, size_t size, napi_value ask);
