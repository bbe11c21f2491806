// SPDX-License-Identifier: MIT
// The installer for a program that is already running: writes the wrappers into the import tables
// of every loaded module. Guard up.
#pragma once

namespace memtape {

// Null, or why nothing was patched. Install and Remove: one thread at a time.
const char* InstallPatches();
void RemovePatches();
// Between the two: patches what was loaded since. Any thread; cheap when nothing was. Keeps errno.
void PatchNewModules();

// Whether a library that `caller` loads by this name can be loaded by anybody else instead: whether
// the dynamic linker would not look at who asks (RUNPATH, $ORIGIN).
bool AnyoneMayLoad(const char* file, const void* caller);

}  // namespace memtape
