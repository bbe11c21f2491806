// SPDX-License-Identifier: MIT
// The drain thread: takes events out of all rings in the order they happened and writes the
// capture. Everything it does is invisible to the hooks (its guard is always up).
#pragma once

#include <stdint.h>

#include <string_view>

namespace memtape {

class Session;
class UnwindCache;

// The life of the thread. When it is ready for the first event it calls `ready`; when that was
// false it had no memory to begin. Runs until the session stops, then writes the trailer.
void DrainRun(Session* session, void (*ready)(Session* session, bool success));
// Any thread, again and again while it waits for the drain thread: that must get on.
void HurryDrain();
// Any thread, before the process gives its privileges away: the drain thread's go, too.
void KeepDrainPriority();
// Any thread, at its first event: prepares its cache for unwinding in the running session.
// Before the first session: code whose frames are nobody's but ours.
void HideFrames(uint64_t start, uint64_t bytes);
void HideScript(std::string_view path);
void AttachUnwindCache(UnwindCache* cache, bool native);

}  // namespace memtape
