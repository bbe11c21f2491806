// SPDX-License-Identifier: MIT
// /proc/self/smaps, one mapping at a time: before Linux 6.7 the one source that says to the page
// what the kernel counts as resident. (statm is a sum of counters that each processor brings up to
// date now and then; mincore also shows pages of zeroes that were only read, which RSS leaves out.)
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <string_view>

namespace memtape {

struct ResidentMapping {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t resident = 0;  // bytes
  bool readable = false;
  bool executable = false;
  std::string_view path;  // empty: anonymous; valid until the next call
};

// Reads in pieces, so that its memory does not grow with the number of mappings.
class SmapsReader {
 public:
  // False where the kernel does not tell.
  bool Open();
  void Close();
  // False at the end.
  bool Next(ResidentMapping* mapping);

 private:
  bool ReadLine(std::string_view* line);

  int fd_ = -1;
  size_t at_ = 0, size_ = 0;
  bool has_next_ = false;  // next_ is the first line of the mapping to come
  ResidentMapping next_;
  char text_[16 << 10] = {};
  char path_[4096] = {};
  char next_path_[4096] = {};
};

}  // namespace memtape
