// SPDX-License-Identifier: MIT
// What is known of work on its way to another thread: the program's own functions, and the origin.
// No malloc and no lock: a process may fork, and a signal come, at any point here.
#pragma once

#include <stdint.h>

#include "track/origin.h"

namespace memtape {

struct Handover {
  void (*run)();   // the program's function, of whatever type
  void (*done)();  // what it wants to have called afterwards; may be null
  void* data;      // for run
  Origin origin;
};

// Null when there are too many. Whoever gets none passes the call on as it is.
Handover* TakeHandover();
void GiveBack(Handover* handover);

// By the address of the object that stands for the work (a uv_work_t, a napi_async_work). Any
// thread, but one key by one thread at a time. False when there is no place for it.
bool KeepHandover(const void* key, Handover* handover);
Handover* FindHandover(const void* key);    // null: not known
Handover* ForgetHandover(const void* key);  // the same, and it is no longer known

}  // namespace memtape
