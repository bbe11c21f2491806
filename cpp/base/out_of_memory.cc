// SPDX-License-Identifier: MIT
#include "base/out_of_memory.h"

#include "base/check.h"

namespace memtape {

[[gnu::tls_model("initial-exec")]] constinit thread_local OutOfMemoryHandler out_of_memory_handler =
    nullptr;

void OutOfMemory() {
  if (out_of_memory_handler != nullptr) out_of_memory_handler();
  CheckFailed("memtape: out of memory\n");
}

}  // namespace memtape
