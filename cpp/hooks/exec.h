// SPDX-License-Identifier: MIT
#pragma once

namespace memtape {

// Looks up the functions behind those of exec.cc: that takes locks, which a process between fork
// and exec must not wait for.
void PrepareExec();

}  // namespace memtape
