// SPDX-License-Identifier: MIT
// A file of memtape's in a process that does not know of it: programs close every descriptor they
// did not open (daemons do), and the number may then be one of their own files. So each use is
// checked, and a file that was closed is opened again.
#pragma once

#include <stdint.h>

#include <atomic>

#include "base/text_buffer.h"
#include "os/os.h"

namespace memtape {

class OwnFile {
 public:
  // 0 or a negative errno. One thread.
  int Create(const char* path, bool overwrite, bool readable);
  // A descriptor that is this file's, or a negative errno. Any thread.
  int Descriptor();
  // Whoever still has the file mapped keeps it. One thread.
  void Close();
  // Deletes the file, wherever the program's working directory is by now; devices and files that
  // took its name stay.
  void Unlink() { os::UnlinkRegular(path_.c_str(), identity_); }
  bool open() const { return identity_ != os::FileIdentity{}; }

 private:
  std::atomic<int> fd_{-1};
  bool readable_ = false;
  os::FileIdentity identity_;
  TextBuffer<4096> path_;  // absolute
};

}  // namespace memtape
