// SPDX-License-Identifier: MIT
// For ThreadSanitizer, which sees no kernel call of ours: pages that one thread has given back may
// be the next ones that another thread gets. The kernel does one after the other.
#pragma once

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace memtape {

#if defined(__SANITIZE_THREAD__)
inline char page_order;
// Before pages are given back or move away, and after new ones have come.
inline void PagesGo() {
  __tsan_release(&page_order);
}
inline void PagesCome() {
  __tsan_acquire(&page_order);
}
#else
inline void PagesGo() {}
inline void PagesCome() {}
#endif

}  // namespace memtape
