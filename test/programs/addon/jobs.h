// SPDX-License-Identifier: MIT
#pragma once

#include <node_api.h>

// Adds the functions of jobs.cc to an addon's exports.
void DefineJobs(napi_env env, napi_value exports);
