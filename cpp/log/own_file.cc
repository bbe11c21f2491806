// SPDX-License-Identifier: MIT
#include "log/own_file.h"

#include <errno.h>

namespace memtape {

int OwnFile::Create(const char* path, bool overwrite, bool readable) {
  Close();
  const int fd = os::OpenWrite(path, overwrite, readable);
  if (fd < 0) return fd;
  fd_.store(fd, std::memory_order_relaxed);
  readable_ = readable;
  identity_ = os::IdentityOf(fd);
  // The program may change its working directory; the kernel knows the file's real name.
  TextBuffer<64> link;
  link.Add("/proc/self/fd/").AddNumber(static_cast<uint64_t>(fd));
  char name[4096];
  const int64_t length = os::ReadLink(link.c_str(), name, sizeof name);
  path_.Clear();
  path_.Add(length > 0 ? std::string_view(name, static_cast<size_t>(length)) : path);
  return 0;
}

int OwnFile::Descriptor() {
  int fd = fd_.load(std::memory_order_acquire);
  if (!open()) return -EBADF;
  if (os::IdentityOf(fd) == identity_) return fd;
  const int again = os::OpenAgain(path_.c_str(), readable_);
  if (again < 0) return again;
  if (os::IdentityOf(again) != identity_) {
    os::Close(again);
    return -ESTALE;
  }
  if (fd_.compare_exchange_strong(fd, again, std::memory_order_acq_rel)) return again;
  os::Close(again);  // another thread was faster
  return fd;
}

void OwnFile::Close() {
  const int fd = fd_.exchange(-1, std::memory_order_acq_rel);
  if (open() && os::IdentityOf(fd) == identity_) os::Close(fd);
  identity_ = {};
}

}  // namespace memtape
