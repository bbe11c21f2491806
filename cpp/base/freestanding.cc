// SPDX-License-Identifier: MIT
// What the compiler and libstdc++'s headers call and the preload library, which must not need
// libstdc++, therefore brings itself. All of them mean a bug in memtape.
#include "base/check.h"

namespace std {

// From std::string_view::substr.
[[noreturn]] void __throw_out_of_range_fmt(const char* message, ...) {
  memtape::CheckFailed(message);
}

}  // namespace std

extern "C" [[noreturn]] void __cxa_pure_virtual() {
  memtape::CheckFailed("memtape: pure virtual call\n");
}
