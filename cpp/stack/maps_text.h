// SPDX-License-Identifier: MIT
// The lines of /proc/self/maps.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape {

struct MapsLine {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t offset = 0;
  uint64_t inode = 0;
  bool readable = false;
  bool executable = false;
  const char* path = nullptr;  // not terminated; empty for anonymous memory
  size_t path_size = 0;
};

// Reads the line at *at and moves *at to the next one. False at the end and at a malformed or cut
// line.
bool ReadMapsLine(const char** at, const char* end, MapsLine* line);

}  // namespace memtape
