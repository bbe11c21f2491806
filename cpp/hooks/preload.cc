// SPDX-License-Identifier: MIT
#include "hooks/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include <span>
#include <string_view>

#include "base/guard.h"
#include "base/text_buffer.h"
#include "hooks/exec.h"
#include "hooks/patch.h"
#include "hooks/trace_environment.h"
#include "hooks/wrappers.h"
#include "os/os.h"
#include "os/proc.h"
#include "track/drain.h"
#include "track/session.h"

namespace memtape {
namespace {

void Complain(std::string_view what, std::string_view path, int error) {
  TextBuffer<sizeof(Path) + 512> line;
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

// "dir/name.bin" → "dir/name.suffix.bin"
void InsertSuffix(Path* path, std::string_view suffix) {
  const std::string_view text = path->view();
  const size_t slash = text.rfind('/');
  size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || (slash != std::string_view::npos && dot <= slash + 1)) {
    dot = text.size();
  }
  Path result;
  result.Add(text.substr(0, dot)).AddChar('.').Add(suffix);
  result.Add(text.substr(dot));
  *path = result;
}

bool IsNode() {
  return dlsym(RTLD_DEFAULT, "napi_create_function") != nullptr;
}

bool HasWord(std::string_view text, std::string_view word, char separator) {
  while (!text.empty()) {
    const size_t end = text.find(separator);
    if (text.substr(0, end) == word) return true;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return false;
}

// Whether Node.js was started with an option. The script's own arguments count as well: to tell
// them apart takes a list of the options that have a value.
bool HasNodeOption(std::string_view option) {
  const std::span<const char> arguments = os::ReadWholeFile("/proc/self/cmdline");
  if (HasWord({arguments.data(), arguments.size()}, option, '\0')) return true;
  const char* options = getenv("NODE_OPTIONS");
  return options != nullptr && HasWord(options, option, ' ');
}

// Under Node.js' permission model a script that may not load the addon is of no use, and one that
// may not be read keeps the program from starting. Null, or what to say of it.
const char* WhyNoAddon() {
  const bool early = HasNodeOption("--experimental-permission");  // also asks who may be required
  if (!early && !HasNodeOption("--permission")) return nullptr;
  if (!HasNodeOption("--allow-addons")) {
    return "Node.js' permission model lets no addon be loaded without --allow-addons";
  }
  if (early && !HasNodeOption("--allow-fs-read=*")) {
    return "this Node.js needs --allow-fs-read=* to load the addon under its permission model";
  }
  return nullptr;
}

// Node.js reads NODE_OPTIONS in main. The script loads the addon and takes the option out again.
void AddNodeOption() {
  Path own;
  char file[PATH_MAX];
  // The library may be reached by a link from elsewhere.
  if (!OwnPath(&own) || realpath(own.c_str(), file) == nullptr) return;
  // build/Release/libmemtape.so and prebuilds/<target>/libmemtape.glibc.so are both two folders
  // below the package's root.
  std::string_view root = file;
  for (int up = 0; up < 3; up++) {
    const size_t slash = root.rfind('/');
    if (slash == std::string_view::npos) return;
    root = root.substr(0, slash);
  }
  Path script;
  script.Add(root).Add("/dist/preload.cjs");
  if (access(script.c_str(), R_OK) != 0) return;
  HideScript(script.view());
  using Options = TextBuffer<64 << 10>;
  Options* options = static_cast<Options*>(os::MapPages(sizeof(Options)));
  if (options == nullptr) return;
  options->Add("--require ").AddQuoted(script.view());
  if (const char* before = getenv("NODE_OPTIONS"); before != nullptr && *before != '\0') {
    options->AddChar(' ').Add(before);
  }
  if (!options->full()) setenv("NODE_OPTIONS", options->c_str(), 1);
  os::UnmapPages(options, sizeof *options);
}

bool preloaded = false;

// The process has become another program (exec): what the earlier one recorded moves aside, so that
// the file that was asked for is that of the program which stayed.
void MoveAside(const Path& path) {
  Path aside = path;
  TextBuffer<32> suffix;
  InsertSuffix(&aside, suffix.AddNumber(static_cast<uint64_t>(os::Pid())).view());
  for (uint64_t i = 2; access(aside.c_str(), F_OK) == 0; i++) {
    aside = path;
    suffix.Clear();
    suffix.AddNumber(static_cast<uint64_t>(os::Pid())).AddChar('-').AddNumber(i);
    InsertSuffix(&aside, suffix.view());
  }
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
void OutputPath(const char* pattern, const Lineage& lineage, Path* path) {
  const bool has_pid = Expand(pattern, path);
  TextBuffer<32> pid;
  pid.AddNumber(static_cast<uint64_t>(os::Pid()));
  if (!has_pid && lineage.root != 0 && lineage.root != os::Pid()) InsertSuffix(path, pid.view());
  if (lineage.process == os::Pid()) MoveAside(*path);
}

void StartFromEnvironment() {
  const char* pattern = getenv("MEMTAPE_OUTPUT");
  if (pattern == nullptr || *pattern == '\0') return;
  Path path;
  Lineage lineage = ReadLineage();
  OutputPath(pattern, lineage, &path);
  SessionOptions options;
  options.path = path.c_str();
  options.overwrite = Flag("MEMTAPE_FORCE");
  options.native = Flag("MEMTAPE_NATIVE");
  options.follow = lineage.follow;
  if (const char* interval = getenv("MEMTAPE_INTERVAL")) {
    const long ms = strtol(interval, nullptr, 10);
    if (ms >= 1 && ms <= 60000) options.interval_ms = static_cast<uint32_t>(ms);
  }
  if (const char* interval = getenv("MEMTAPE_JS_HEAP")) {
    const long bytes = strtol(interval, nullptr, 10);
    if (bytes > 0) options.js_heap_interval = static_cast<uint64_t>(bytes);
  }
  if (path.full()) return Complain("the output path is too long", "MEMTAPE_OUTPUT", 0);
  const bool is_node = IsNode();
  options.no_js_stacks = is_node ? WhyNoAddon() : nullptr;
  const bool with_addon = is_node && options.no_js_stacks == nullptr;
  if (lineage.root == 0) lineage.root = os::Pid();
  lineage.process = os::Pid();
  if (!SaveTraceEnvironment(lineage)) return Complain("a variable is too long", "MEMTAPE_*", 0);
  PrepareExec();
  if (options.follow) {
    PassOnTraceEnvironment();
  } else {
    CleanTraceEnvironment(/*keep_addon=*/with_addon);
  }
  int error = 0;
  if (const char* problem = CurrentSession().Start(options, &error)) {
    return Complain(problem, path.view(), error);
  }
  if (with_addon) AddNodeOption();
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
