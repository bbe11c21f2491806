// SPDX-License-Identifier: MIT
// Marks in the capture how the program ends: which exception nobody caught, and when it is over.
// What is live then, the program kept; soon after, Node.js stops the workers and frees nearly all.
#pragma once

#include <napi.h>

#include "hooks/core_api.h"

namespace memtape {

// In the environment of the main thread, both.
void InstallLastMarks(Napi::Env env, const CoreApi* core);
void RemoveLastMarks();

}  // namespace memtape
