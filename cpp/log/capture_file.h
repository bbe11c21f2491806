// SPDX-License-Identifier: MIT
// The capture being written: appends whole blocks. The first failure is latched and everything
// after it is refused, so that the file ends in whole blocks. Drain thread only, after Create.
#pragma once

#include <stdint.h>

#include <span>

#include "format/encode.h"

namespace memtape {

class CaptureFile {
 public:
  // 0 or a negative errno.
  int Create(const char* path, bool overwrite, const FileHeader& header);
  bool Append(std::span<const uint8_t> block);
  void Close();
  int error() const { return error_; }
  uint64_t bytes() const { return bytes_; }

 private:
  int fd_ = -1;
  int error_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace memtape
