// SPDX-License-Identifier: MIT
// Asks every attached isolate once a second how large its heap is. A thread of its own: V8 takes a
// lock to be asked, which a thread may hold while it waits for the drain thread.
#pragma once

#include "v8/isolate.h"

namespace memtape {

// Isolates to ask; the first one starts the thread. Called on the isolate's thread; Remove returns
// when nobody is asking it any more.
void AddSampledIsolate(v8::IsolateState* isolate);
void RemoveSampledIsolate(v8::IsolateState* isolate);

// Has each of them call back when it next runs JavaScript. Guard up.
void InterruptSampledIsolates(v8::InterruptCallback* callback);

// With the session, once it records nothing any more. Guard up.
void StopJsSampler();

}  // namespace memtape
