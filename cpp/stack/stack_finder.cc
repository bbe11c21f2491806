// SPDX-License-Identifier: MIT
#include "stack/stack_finder.h"

#include <string.h>

#include "os/os.h"
#include "stack/maps_text.h"
#include "stack/step.h"

namespace memtape {
// Through a buffer that lies here already: pages for one might join the mapping that is looked for.
bool StackFinder::FindMapping(uint64_t address, Mapping* found) {
  const int fd = os::OpenRead("/proc/self/maps");
  if (fd < 0) return false;
  size_t size = 0;
  uint64_t end_before = 0;
  bool is_found = false;
  while (!is_found) {
    const int64_t n = os::Read(fd, text_ + size, sizeof text_ - size);
    if (n <= 0) break;
    size += static_cast<size_t>(n);
    const char* at = text_;
    for (MapsLine line; !is_found && ReadMapsLine(&at, text_ + size, &line);) {
      *found = {line.begin, line.end, end_before};
      is_found = StackRange{line.begin, line.end}.Contains(address);
      end_before = line.end;
    }
    size -= static_cast<size_t>(at - text_);
    memmove(text_, at, size);
  }
  os::Close(fd);
  return is_found;
}

[[gnu::noinline]] const StackBounds* StackFinder::FindOther(uint64_t sp) {
  if (StackRange{own_.alt_lo, own_.alt_hi}.Contains(sp)) return &own_;
  FindOwn();
  if (StackRange{own_.lo, own_.hi}.Contains(sp)) return &own_;
  // Before all else: it may lie in one mapping with another stack.
  StackRange signals;
  if (os::SignalStack(&signals.lo, &signals.hi) && signals.Contains(sp)) {
    own_.alt_lo = signals.lo;
    own_.alt_hi = signals.hi;
    return &own_;
  }
  if (StackRange{other_.lo, other_.hi}.Contains(sp)) return &other_;
  Mapping mapping;
  if (!FindMapping(sp, &mapping)) return nullptr;
  other_ = {mapping.begin, mapping.end, 0, 0};
  return &other_;
}

// The main thread's stack grows: nothing else comes to lie where it may.
void StackFinder::FindOwn() {
  Mapping mapping;
  if (own_.lo == own_.hi && own_.hi != 0 && FindMapping(own_.hi - 8, &mapping)) {
    own_.lo = mapping.free_from;
  }
}

}  // namespace memtape
