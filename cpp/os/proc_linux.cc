// SPDX-License-Identifier: MIT
#include <string.h>

#include <string_view>

#include "base/page_array.h"
#include "base/text_buffer.h"
#include "os/os.h"
#include "os/proc.h"

namespace memtape::os {
namespace {

PageArray<char> buffer;

uint64_t ParseNumber(std::string_view text, size_t* at) {
  uint64_t value = 0;
  while (*at < text.size() && text[*at] >= '0' && text[*at] <= '9') {
    value = value * 10 + static_cast<uint64_t>(text[(*at)++] - '0');
  }
  return value;
}

uint64_t NumberInFile(const char* path) {
  const std::span<const char> text = ReadWholeFile(path);
  size_t at = 0;
  return ParseNumber({text.data(), text.size()}, &at);
}

// "0::/path" of cgroup v2, or "N:memory:/path" of v1.
std::string_view CgroupPath(std::string_view text, std::string_view controller) {
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first != std::string_view::npos && second != std::string_view::npos &&
        line.substr(first + 1, second - first - 1) == controller) {
      return line.substr(second + 1);
    }
    if (newline == std::string_view::npos) break;
    text.remove_prefix(newline + 1);
  }
  return {};
}

}  // namespace

std::span<const char> ReadWholeFile(const char* path) {
  buffer.Clear();
  const int fd = OpenRead(path);
  if (fd < 0) return {};
  while (true) {
    buffer.Reserve(buffer.size() + (16 << 10));
    const int64_t n = Read(fd, buffer.data() + buffer.size(), 16 << 10);
    if (n <= 0) break;
    buffer.Resize(buffer.size() + static_cast<size_t>(n));
  }
  Close(fd);
  return {buffer.data(), buffer.size()};
}

std::span<const char> ReadMaps() {
  return ReadWholeFile("/proc/self/maps");
}

uint64_t ResidentBytes() {
  // Opened each time: the program may close every descriptor that it knows nothing of.
  const int fd = OpenRead("/proc/self/statm");
  if (fd < 0) return 0;
  char text[128];
  const int64_t n = Read(fd, text, sizeof text);
  Close(fd);
  if (n <= 0) return 0;
  const std::string_view view = {text, static_cast<size_t>(n)};
  size_t at = 0;
  ParseNumber(view, &at);
  at++;
  return ParseNumber(view, &at) * PageSize();
}

size_t ThreadName(int tid, char name[16]) {
  TextBuffer<64> path;
  path.Add("/proc/self/task/").AddNumber(static_cast<uint64_t>(tid)).Add("/comm");
  const int fd = OpenRead(path.c_str());
  if (fd < 0) return 0;
  const int64_t n = Read(fd, name, 16);
  Close(fd);
  if (n <= 0) return 0;
  return static_cast<size_t>(n) - (name[n - 1] == '\n' ? 1 : 0);
}

bool ThreadIsRunnable(int tid) {
  TextBuffer<64> path;
  path.Add("/proc/self/task/").AddNumber(static_cast<uint64_t>(tid)).Add("/stat");
  const int fd = OpenRead(path.c_str());
  if (fd < 0) return false;
  char text[128];
  const int64_t n = Read(fd, text, sizeof text);
  Close(fd);
  // "1234 (name) R …": the name may hold anything, but not much of it.
  const std::string_view view = {text, n > 0 ? static_cast<size_t>(n) : 0};
  const size_t after_name = view.rfind(") ");
  return after_name != std::string_view::npos && after_name + 2 < view.size() &&
         view[after_name + 2] == 'R';
}

uint64_t CgroupMemoryLimit() {
  constexpr uint64_t kNone = uint64_t{1} << 60;  // "no limit" of cgroup v1 is a huge number
  std::span<const char> text = ReadWholeFile("/proc/self/cgroup");
  TextBuffer<1024> v2, v1;
  const std::string_view all = {text.data(), text.size()};
  v2.Add("/sys/fs/cgroup").Add(CgroupPath(all, "")).Add("/memory.max");
  v1.Add("/sys/fs/cgroup/memory").Add(CgroupPath(all, "memory")).Add("/memory.limit_in_bytes");
  for (const char* path : {v2.c_str(), v1.c_str(), "/sys/fs/cgroup/memory.max",
                           "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const uint64_t limit = NumberInFile(path);
    if (limit > 0 && limit < kNone) return limit;
  }
  return 0;
}

}  // namespace memtape::os
