// SPDX-License-Identifier: MIT
#include "base/guard.h"

namespace memtape {

[[gnu::tls_model("initial-exec")]] constinit thread_local int guard_depth = 0;

}  // namespace memtape
