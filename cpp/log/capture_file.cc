// SPDX-License-Identifier: MIT
#include "log/capture_file.h"

#include <errno.h>

#include "os/os.h"

namespace memtape {

int CaptureFile::Create(const char* path, bool overwrite, const FileHeader& header) {
  bytes_ = 0;
  error_ = file_.Create(path, overwrite, /*readable=*/false);
  if (error_ != 0) return error_;
  uint8_t bytes[kFileHeaderBytes];
  WriteFileHeader(bytes, header);
  if (!Append(bytes)) file_.Unlink();
  return error_;
}

bool CaptureFile::Append(std::span<const uint8_t> block) {
  if (error_ != 0) return false;
  const int fd = file_.Descriptor();
  if (fd < 0) {
    error_ = fd;
    return false;
  }
  error_ =
      os::MayGrowTo(bytes_ + block.size()) ? os::Write(fd, block.data(), block.size()) : -EFBIG;
  if (error_ != 0) {
    // A block that is there in part would be a torn tail; without it the file is whole.
    os::Truncate(fd, bytes_);
    return false;
  }
  bytes_ += block.size();
  return true;
}

}  // namespace memtape
