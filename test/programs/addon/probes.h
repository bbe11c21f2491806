// SPDX-License-Identifier: MIT
#pragma once

#include <node_api.h>

// Adds the functions of probes.cc to an addon's exports.
void DefineProbes(napi_env env, napi_value exports);
