// SPDX-License-Identifier: MIT
// The capture being written: appends whole blocks. The first failure is latched and everything
// after it is refused, so that the file ends in whole blocks. Drain thread only, after Create.
#pragma once

#include <stdint.h>

#include <span>

#include "format/encode.h"
#include "log/own_file.h"

namespace memtape {

class CaptureFile {
 public:
  // 0 or a negative errno.
  int Create(const char* path, bool overwrite, const FileHeader& header);
  bool Append(std::span<const uint8_t> block);
  void Close() { file_.Close(); }
  void Unlink() { file_.Unlink(); }
  int error() const { return error_; }
  uint64_t bytes() const { return bytes_; }

 private:
  OwnFile file_;
  int error_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace memtape
