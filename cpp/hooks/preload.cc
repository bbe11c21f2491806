// SPDX-License-Identifier: MIT
#include "hooks/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include <string_view>

#include "base/guard.h"
#include "base/text_buffer.h"
#include "hooks/patch.h"
#include "hooks/wrappers.h"
#include "os/os.h"
#include "track/drain.h"
#include "track/session.h"

namespace memtape {
namespace {

constexpr size_t kMaxPath = 4096;
using Path = TextBuffer<kMaxPath>;

void Complain(std::string_view what, std::string_view path, int error) {
  TextBuffer<kMaxPath + 512> line;
  line.Add("memtape: ").Add(what).Add(": ").Add(path);
  if (error != 0) line.Add(" (").Add(strerror(error)).Add(")");
  line.Add("; the program runs without being recorded\n");
  os::Write(STDERR_FILENO, line.c_str(), line.size());
}

bool Flag(const char* name) {
  const char* value = getenv(name);
  return value != nullptr && strcmp(value, "1") == 0;
}

// %p: process id, %t: Unix time in seconds, %%: a percent sign. Tells whether %p was there.
bool Expand(std::string_view pattern, Path* out) {
  bool has_pid = false;
  for (size_t i = 0; i < pattern.size(); i++) {
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (pattern[i] != '%' || (next != 'p' && next != 't' && next != '%')) {
      out->AddChar(pattern[i]);
      continue;
    }
    i++;
    if (next == 'p') {
      out->AddNumber(static_cast<uint64_t>(os::Pid()));
      has_pid = true;
    } else if (next == 't') {
      out->AddNumber(os::UnixNs() / 1'000'000'000);
    } else {
      out->AddChar('%');
    }
  }
  return has_pid;
}

// "dir/name.bin" → "dir/name.123.bin"
void InsertPid(Path* path) {
  const std::string_view text = path->view();
  const size_t slash = text.rfind('/');
  size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || (slash != std::string_view::npos && dot <= slash + 1)) {
    dot = text.size();
  }
  Path result;
  result.Add(text.substr(0, dot)).AddChar('.').AddNumber(static_cast<uint64_t>(os::Pid()));
  result.Add(text.substr(dot));
  *path = result;
}

// This library's file, as the environment names it.
bool OwnPath(Path* path) {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&WasPreloaded), &info) == 0 || info.dli_fname == nullptr) {
    return false;
  }
  path->Add(info.dli_fname);
  return true;
}

// Takes this library out of LD_PRELOAD, and memtape's own variables, so that the program sees the
// environment that it was given and its children run as they always do.
void CleanEnvironment() {
  Path own;
  const char* preload = getenv("LD_PRELOAD");
  if (preload != nullptr && OwnPath(&own)) {
    Path rest;
    std::string_view text = preload;
    while (!text.empty()) {
      const size_t end = text.find_first_of(": ");
      const std::string_view entry = text.substr(0, end);
      if (!entry.empty() && entry != own.view()) {
        if (rest.size() > 0) rest.AddChar(':');
        rest.Add(entry);
      }
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
    if (rest.size() > 0) {
      setenv("LD_PRELOAD", rest.c_str(), 1);
    } else {
      unsetenv("LD_PRELOAD");
    }
  }
  for (const char* name : {"MEMTAPE_OUTPUT", "MEMTAPE_INTERVAL", "MEMTAPE_NATIVE", "MEMTAPE_FOLLOW",
                           "MEMTAPE_FORCE", "MEMTAPE_ROOT"}) {
    unsetenv(name);
  }
}

bool IsNode() {
  return dlsym(RTLD_DEFAULT, "napi_create_function") != nullptr;
}

// Node.js reads NODE_OPTIONS in main. The script loads the addon and takes the option out again.
void AddNodeOption() {
  Path own;
  if (!OwnPath(&own)) return;
  // build/Release/libmemtape.so and prebuilds/<target>/libmemtape.glibc.so are both two folders
  // below the package's root.
  std::string_view root = own.view();
  for (int up = 0; up < 3; up++) {
    const size_t slash = root.rfind('/');
    if (slash == std::string_view::npos) return;
    root = root.substr(0, slash);
  }
  Path script;
  const char* given = getenv("MEMTAPE_PRELOAD_SCRIPT");
  if (given != nullptr) {
    script.Add(given);
  } else {
    script.Add(root).Add("/dist/preload.cjs");
  }
  if (access(script.c_str(), R_OK) != 0) return;
  TextBuffer<64 << 10>* options =
      static_cast<TextBuffer<64 << 10>*>(os::MapPages(sizeof(TextBuffer<64 << 10>)));
  if (options == nullptr) return;
  options->Add("--require ").AddQuoted(script.view());
  if (const char* before = getenv("NODE_OPTIONS"); before != nullptr && *before != '\0') {
    options->AddChar(' ').Add(before);
  }
  if (!options->full()) setenv("NODE_OPTIONS", options->c_str(), 1);
  os::UnmapPages(options, sizeof *options);
}

bool preloaded = false;

// The process has replaced itself by another program (exec): what the earlier one recorded moves
// aside, so that the file that was asked for is that of the program which stayed.
void MoveAside(const Path& path) {
  Path aside = path;
  InsertPid(&aside);
  Path rings = path;
  rings.Add(".rings");
  Path rings_aside = aside;
  rings_aside.Add(".rings");
  if (os::Rename(path.c_str(), aside.c_str()) == 0) {
    os::Rename(rings.c_str(), rings_aside.c_str());
  }
}

// Where this process writes. The first process of a tree gets the file that was asked for, its
// children one each of their own.
void OutputPath(const char* pattern, Path* path) {
  const bool has_pid = Expand(pattern, path);
  TextBuffer<32> pid;
  pid.AddNumber(static_cast<uint64_t>(os::Pid()));
  const char* root = getenv("MEMTAPE_ROOT");
  if (root == nullptr) {
    setenv("MEMTAPE_ROOT", pid.c_str(), 1);
  } else if (pid.view() == root) {
    MoveAside(*path);
  } else if (!has_pid) {
    InsertPid(path);
  }
}

void StartFromEnvironment() {
  const char* pattern = getenv("MEMTAPE_OUTPUT");
  if (pattern == nullptr || *pattern == '\0') return;
  Path path;
  OutputPath(pattern, &path);
  SessionOptions options;
  options.path = path.c_str();
  options.overwrite = Flag("MEMTAPE_FORCE");
  options.native = Flag("MEMTAPE_NATIVE");
  options.follow = Flag("MEMTAPE_FOLLOW");
  if (const char* interval = getenv("MEMTAPE_INTERVAL")) {
    const long ms = strtol(interval, nullptr, 10);
    if (ms >= 1 && ms <= 60000) options.interval_ms = static_cast<uint32_t>(ms);
  }
  if (path.full()) return Complain("the output path is too long", "MEMTAPE_OUTPUT", 0);
  if (!options.follow) CleanEnvironment();
  int error = 0;
  if (const char* problem = CurrentSession().Start(options, &error)) {
    return Complain(problem, path.view(), error);
  }
  if (IsNode()) AddNodeOption();
}

// A file of /etc/ld.so.preload loads into programs that run with more rights than who started them:
// their environment is not to be trusted with a path to write to.
bool MayTrustEnvironment() {
  return getauxval(AT_SECURE) == 0;
}

[[gnu::constructor]] void OnLoad() {
  const RecursionGuard guard;
  ResolveOriginals();
  HideFrames(own_code.start, own_code.end - own_code.start);
  // The main program's handle stands for the global scope, which dlopen with RTLD_LOCAL (how the
  // addon loads this library) does not change.
  void* const program = dlopen(nullptr, RTLD_LAZY);
  preloaded = dlsym(program, "memtape_core_api") != nullptr;
  if (!preloaded || !MayTrustEnvironment()) return;
  // An allocator that comes before this library in LD_PRELOAD is what everyone is bound to.
  if (other_malloc_is_first) {
    InstallPatches(Patches::kAll);
  } else if (originals.uv_queue_work != nullptr || originals.napi_queue_async_work != nullptr) {
    InstallPatches(Patches::kNodeOnly);
  }
  StartFromEnvironment();
}

[[gnu::destructor]] void OnUnload() {
  CurrentSession().StopAtExit();
}

}  // namespace

bool WasPreloaded() {
  return preloaded;
}

}  // namespace memtape
