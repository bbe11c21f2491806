// SPDX-License-Identifier: MIT
#pragma once

#include <node_api.h>

// Adds the functions of threads.cc to an addon's exports.
void DefineThreads(napi_env env, napi_value exports);
