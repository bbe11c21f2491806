// SPDX-License-Identifier: MIT
// V8 isolates that are there when a Tracker starts, or come later, on threads where nobody loads
// the addon: workers, and the main thread under a worker's Tracker. Each is found and attached on
// its own thread, and never touched from another one unless that is sure to be in time:
//
//   a hook on the thread     the thread's current isolate is in a context: so it is alive, and
//   stays
//                            so until the hook returns. The hook asks V8 for an interrupt.
//   the interrupt            V8 calls back between two steps of JavaScript: the isolate is attached
//                            as by the addon.
//   the environment's end    Node.js calls back on the thread: the isolate is detached.
//   the recording's end      the thread that stops asks all that are attached, under the lock that
//                            they take to detach, for another interrupt: they detach themselves.
//
// V8 takes locks to be asked, and queues the request in a C++ container. A hook may be inside
// either: but then it was called by that container, through operator new. So only those allocations
// ask that do not come through the C++ library.
#pragma once

#include <stdint.h>

#include "track/thread_state.h"

namespace memtape {

// The recording that starts next, on this thread, looks for isolates on all others; this thread's
// is attached by the addon. Guard up.
void FindLateIsolates();
// That recording is over.
void ReleaseLateIsolates();

// A hook has been entered by a call from `caller` (0: not one that may ask). Asks if there is an
// isolate to ask, or has the next hook try. The ring may be open and is closed then; guard up.
void AskForIsolate(ThreadState* state, uint64_t caller);
// Inside a hook, now and then: whether the thread has got an isolate since.
void LookForIsolate(ThreadState* state);

}  // namespace memtape
