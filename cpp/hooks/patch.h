// SPDX-License-Identifier: MIT
// The installer for a program that is already running: writes the wrappers into the import tables
// of every loaded module. Guard up; one thread at a time.
#pragma once

namespace memtape {

// Null, or why nothing was patched.
const char* InstallPatches();
// Patches what was loaded since. Cheap when nothing was.
void PatchNewModules();
void RemovePatches();

}  // namespace memtape
