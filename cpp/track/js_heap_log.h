// SPDX-License-Identifier: MIT
// Profiles of a thread's JavaScript heap: ring records → capture. One for each ring. Drain thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/page_array.h"
#include "track/dictionary.h"
#include "track/frame_resolver.h"

namespace memtape {

class JsHeapLog {
 public:
  // Payloads of kJsHeapNodes and kJsHeap.
  void OnNodes(uint32_t thread, const uint64_t* payload, size_t words, LogWriter* writer,
               Dictionary* dictionary, FrameResolver* resolver);
  void OnProfile(uint32_t thread, const uint64_t* payload, LogWriter* writer,
                 Dictionary* dictionary);
  void Free();

 private:
  PageArray<uint32_t> path_;  // frame ids, outermost first; 0: left out
  PageArray<JsHeapStack> stacks_;
  uint64_t stack_count_ = 0;  // of the profile that is coming
};

}  // namespace memtape
