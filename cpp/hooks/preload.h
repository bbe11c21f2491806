// SPDX-License-Identifier: MIT
// The installer for LD_PRELOAD: starts recording before main when the environment asks for it.
#pragma once

namespace memtape {

// Whether the dynamic linker loaded this library at the start of the program, so that every module
// is bound to the hooks.
bool WasPreloaded();

}  // namespace memtape
