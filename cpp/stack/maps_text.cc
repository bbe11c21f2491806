// SPDX-License-Identifier: MIT
#include "stack/maps_text.h"

#include <string.h>

namespace memtape {
namespace {

// Digits of `base` at *at, followed by `terminator`, which is taken too.
bool ReadNumber(const char** at, const char* end, unsigned base, char terminator, uint64_t* value) {
  const char* p = *at;
  *value = 0;
  for (; p < end; p++) {
    unsigned digit = base;
    if (*p >= '0' && *p <= '9') digit = static_cast<unsigned>(*p - '0');
    if (*p >= 'a' && *p <= 'f') digit = static_cast<unsigned>(*p - 'a') + 10;
    if (digit >= base) break;
    *value = *value * base + digit;
  }
  if (p == *at || p == end || *p != terminator) return false;
  *at = p + 1;
  return true;
}

}  // namespace

// 7f0c2a000000-7f0c2a021000 r-xp 00001000 fd:01 1234                       /usr/lib/libc.so.6
bool ReadMapsLine(const char** at, const char* end, MapsLine* line) {
  const char* p = *at;
  if (p >= end) return false;
  const char* newline = static_cast<const char*>(memchr(p, '\n', static_cast<size_t>(end - p)));
  if (newline == nullptr) return false;
  *line = MapsLine{};
  if (!ReadNumber(&p, newline, 16, '-', &line->begin)) return false;
  if (!ReadNumber(&p, newline, 16, ' ', &line->end)) return false;
  constexpr ptrdiff_t kPermissions = 5;  // with the space
  if (newline - p < kPermissions) return false;
  line->readable = p[0] == 'r';
  line->executable = p[2] == 'x';
  p += kPermissions;
  uint64_t device;
  if (!ReadNumber(&p, newline, 16, ' ', &line->offset)) return false;
  if (!ReadNumber(&p, newline, 16, ':', &device)) return false;
  if (!ReadNumber(&p, newline, 16, ' ', &device)) return false;
  // The last number ends the line where there is no path (old kernels), else a space follows.
  const char* last = p;
  if (!ReadNumber(&p, newline, 10, ' ', &line->inode)) {
    if (!ReadNumber(&last, newline + 1, 10, '\n', &line->inode)) return false;
    p = newline;
  }
  while (p < newline && *p == ' ') p++;
  line->path = p;
  line->path_size = static_cast<size_t>(newline - p);
  *at = newline + 1;
  return true;
}

}  // namespace memtape
