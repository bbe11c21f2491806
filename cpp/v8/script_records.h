// SPDX-License-Identifier: MIT
// Scripts → ring records: each once, with the lengths of its lines.
#pragma once

#include "v8/layout.h"

namespace memtape::v8 {

struct IsolateState;

// The script, and its lines when it is told for the first time. A script that is evaluated gets its
// name from a comment in it, which V8 has not always read when it tells of the first code.
void SendScript(IsolateState* state, const Script& script);

}  // namespace memtape::v8
