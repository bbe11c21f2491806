// SPDX-License-Identifier: MIT
#include "track/smaps.h"

#include <string.h>

#include <algorithm>

#include "os/os.h"
#include "stack/maps_text.h"

namespace memtape {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// "Rss:                 132 kB"
uint64_t Kilobytes(std::string_view line) {
  uint64_t value = 0;
  for (const char c : line) {
    if (c >= '0' && c <= '9') value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value * 1024;
}

// The lines behind a mapping's first begin with a capital, that one with a hexadecimal digit.
bool IsFirstLine(std::string_view line) {
  return !line.empty() && !(line[0] >= 'A' && line[0] <= 'Z');
}

}  // namespace

bool SmapsReader::Open() {
  fd_ = os::OpenRead("/proc/self/smaps");
  at_ = size_ = 0;
  has_next_ = false;
  return fd_ >= 0;
}

void SmapsReader::Close() {
  if (fd_ >= 0) os::Close(fd_);
  fd_ = -1;
}

// With its newline. Lines that are longer than the buffer end early: no path is that long.
bool SmapsReader::ReadLine(std::string_view* line) {
  while (true) {
    const void* newline = memchr(text_ + at_, '\n', size_ - at_);
    if (newline != nullptr || (at_ == 0 && size_ == sizeof text_)) {
      const size_t end = newline == nullptr
                             ? size_
                             : static_cast<size_t>(static_cast<const char*>(newline) - text_) + 1;
      *line = {text_ + at_, end - at_};
      at_ = end;
      return true;
    }
    memmove(text_, text_ + at_, size_ - at_);
    size_ -= at_;
    at_ = 0;
    const int64_t n = os::Read(fd_, text_ + size_, sizeof text_ - size_);
    if (n <= 0) return false;
    size_ += static_cast<size_t>(n);
  }
}

bool SmapsReader::Next(ResidentMapping* mapping) {
  bool found = has_next_;
  if (found) {
    *mapping = next_;
    memcpy(path_, next_path_, next_.path.size());
    mapping->path = {path_, next_.path.size()};
  }
  has_next_ = false;
  std::string_view line;
  while (ReadLine(&line)) {
    if (IsFirstLine(line)) {
      const char* at = line.data();
      MapsLine parsed;
      if (!ReadMapsLine(&at, line.data() + line.size(), &parsed)) continue;
      ResidentMapping* const into = found ? &next_ : mapping;
      char* const path = found ? next_path_ : path_;
      const size_t path_bytes = std::min(parsed.path_size, sizeof path_);
      memcpy(path, parsed.path, path_bytes);
      *into = {parsed.begin, parsed.end, 0, parsed.readable, parsed.executable, {path, path_bytes}};
      if (found) {
        has_next_ = true;
        return true;
      }
      found = true;
    } else if (StartsWith(line, "Rss:")) {
      mapping->resident = Kilobytes(line);
    }
  }
  return found;
}

}  // namespace memtape
