// SPDX-License-Identifier: MIT
// The wrappers of hooks.cc, memtape_<name> for each hooked function.
#pragma once

#include "hooks/originals.h"

extern "C" {
#define MEMTAPE_DECLARE(result, name, ...) result memtape_##name(__VA_ARGS__);
MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_DECLARE)
#undef MEMTAPE_DECLARE
}
