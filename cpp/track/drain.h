// SPDX-License-Identifier: MIT
// The drain thread: takes events out of all rings in the order they happened and writes the
// capture. Everything it does is invisible to the hooks (its guard is always up).
#pragma once

namespace memtape {

class Session;
class UnwindCache;

// Resets all tables and takes stock of the process: before the first event. Caller's thread.
void DrainPrepare(Session* session);
// Any thread, at its first event: prepares its cache for unwinding in the running session.
void AttachUnwindCache(UnwindCache* cache, bool native);
// Runs until the session stops; then writes the trailer.
void DrainRun();

}  // namespace memtape
