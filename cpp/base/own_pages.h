// SPDX-License-Identifier: MIT
// Which anonymous pages are memtape's own: whoever maps some says so here, and the look at RSS
// (track/resident_parts.h) tells them from the program's. Any thread; no lock, no malloc.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape {

// More than 500 threads have of them. What finds no room counts as nobody's memory.
inline constexpr size_t kMaxOwnRanges = 8192;

struct OwnRange {
  uint64_t begin, end;
};

// After pages have come, and before they are given back or move.
void OwnPagesCome(const void* begin, size_t bytes);
void OwnPagesGo(const void* begin);

// Writes all of them to `ranges`, which has room for kMaxOwnRanges; returns how many.
size_t CopyOwnPages(OwnRange* ranges);

}  // namespace memtape
