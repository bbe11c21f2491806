// SPDX-License-Identifier: MIT
// The installer for a program that is already running: writes the wrappers into the import tables
// of every loaded module. Guard up.
#pragma once

namespace memtape {

// What is replaced: everything, or only what the preload library does not export.
enum class Patches : unsigned char { kNone, kNodeOnly, kAll };
// Null, or why nothing was patched. Install and Remove: one thread at a time.
const char* InstallPatches(Patches which);
void RemovePatches();
// Between the two: patches what was loaded since. Any thread; cheap when nothing was. Keeps errno.
void PatchNewModules();

// Whether a library that `caller` loads by this name can be loaded by anybody else instead: whether
// the dynamic linker would not look at who asks (RUNPATH, $ORIGIN).
bool AnyoneMayLoad(const char* file, const void* caller);

}  // namespace memtape
