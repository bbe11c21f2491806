// SPDX-License-Identifier: MIT
#pragma once

#include <node_api.h>
#include <stdlib.h>

// A failing call aborts loudly: a test that goes on with a wrong size proves nothing.
inline void Check(napi_status status) {
  if (status != napi_ok) abort();
}
