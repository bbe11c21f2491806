// SPDX-License-Identifier: MIT
#include "log/capture_file.h"

#include "os/os.h"

namespace memtape {

int CaptureFile::Create(const char* path, bool overwrite, const FileHeader& header) {
  bytes_ = 0;
  error_ = 0;
  fd_ = os::OpenWrite(path, overwrite, /*readable=*/false);
  if (fd_ < 0) return error_ = fd_;
  uint8_t bytes[kFileHeaderBytes];
  WriteFileHeader(bytes, header);
  return Append(bytes) ? 0 : error_;
}

bool CaptureFile::Append(std::span<const uint8_t> block) {
  if (error_ != 0) return false;
  error_ = os::Write(fd_, block.data(), block.size());
  if (error_ != 0) {
    // A block that is there in part would be a torn tail; without it the file is whole.
    os::Truncate(fd_, bytes_);
    return false;
  }
  bytes_ += block.size();
  return true;
}

void CaptureFile::Close() {
  if (fd_ >= 0) os::Close(fd_);
  fd_ = -1;
}

}  // namespace memtape
