// SPDX-License-Identifier: MIT
#include "hooks/trace_environment.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/preload.h"
#include "os/os.h"

extern "C" char** environ;

namespace memtape {
namespace {

constexpr char kPreload[] = "LD_PRELOAD";
constexpr char kFollow[] = "MEMTAPE_FOLLOW";
constexpr char kAddon[] = "MEMTAPE_ADDON";
constexpr const char* kVariables[] = {kFollow,
                                      "MEMTAPE_OUTPUT",
                                      "MEMTAPE_INTERVAL",
                                      "MEMTAPE_NATIVE",
                                      "MEMTAPE_FORCE",
                                      "MEMTAPE_JS_HEAP",
                                      kAddon};
constexpr size_t kVariableCount = sizeof kVariables / sizeof *kVariables;

// "NAME=value", in pages of their own: a program may overwrite the strings that it was started
// with, to change what ps shows.
struct Saved {
  int pid;
  Path library;
  TextBuffer<8192> preload;                         // without this library
  TextBuffer<4096 + 32> variables[kVariableCount];  // empty: not set
};
Saved* saved = nullptr;

// Whether `list`, separated by colons and spaces, has the entry; what else it has goes to `rest`.
template <typename Text>
bool SplitOff(std::string_view list, std::string_view entry, Text* rest) {
  bool found = false;
  bool first = true;
  while (!list.empty()) {
    const size_t end = list.find_first_of(": ");
    const std::string_view next = list.substr(0, end);
    found |= next == entry;
    if (!next.empty() && next != entry) {
      if (!first) rest->AddChar(':');
      rest->Add(next);
      first = false;
    }
    if (end == std::string_view::npos) break;
    list.remove_prefix(end + 1);
  }
  return found;
}

bool HasName(const char* entry, std::string_view name) {
  return strncmp(entry, name.data(), name.size()) == 0 && entry[name.size()] == '=';
}

const char* FindIn(char* const* environment, std::string_view name) {
  for (; *environment != nullptr; environment++) {
    if (HasName(*environment, name)) return *environment + name.size() + 1;
  }
  return nullptr;
}

}  // namespace

bool OwnPath(Path* path) {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&WasPreloaded), &info) == 0 || info.dli_fname == nullptr) {
    return false;
  }
  path->Add(info.dli_fname);
  return true;
}

Lineage ReadLineage() {
  Lineage lineage = {};
  const char* value = getenv(kFollow);
  if (value == nullptr) return lineage;
  char* end = nullptr;
  lineage.follow = strtol(value, &end, 10) == 1;
  if (*end == ',') lineage.root = static_cast<int>(strtol(end + 1, &end, 10));
  if (*end == ',') lineage.process = static_cast<int>(strtol(end + 1, &end, 10));
  return lineage;
}

bool SaveTraceEnvironment(const Lineage& lineage) {
  Saved* now = static_cast<Saved*>(os::MapPages(sizeof(Saved)));
  if (now == nullptr) return false;
  now->pid = lineage.process;
  if (!OwnPath(&now->library)) return false;
  now->preload.Add(kPreload).AddChar('=');
  if (const char* list = getenv(kPreload)) SplitOff(list, now->library.view(), &now->preload);
  now->variables[0].Add(kFollow).Add(lineage.follow ? "=1," : "=0,");
  now->variables[0].AddNumber(static_cast<uint64_t>(lineage.root)).AddChar(',');
  now->variables[0].AddNumber(static_cast<uint64_t>(lineage.process));
  for (size_t i = 1; i < kVariableCount; i++) {
    const char* value = getenv(kVariables[i]);
    if (value != nullptr) now->variables[i].Add(kVariables[i]).AddChar('=').Add(value);
    if (now->variables[i].full()) return false;
  }
  saved = now;
  return true;
}

void PassOnTraceEnvironment() {
  for (char** entry = environ; *entry != nullptr; entry++) {
    if (HasName(*entry, kFollow)) *entry = const_cast<char*>(saved->variables[0].c_str());
  }
}

void CleanTraceEnvironment(bool keep_addon) {
  char** kept = environ;
  for (char** entry = environ; *entry != nullptr; entry++) {
    bool ours = false;
    for (const char* name : kVariables) {
      ours |= HasName(*entry, name) && !(keep_addon && name == kAddon);
    }
    if (HasName(*entry, kPreload)) {
      ours = saved->preload.size() == sizeof kPreload;  // no other library
      *entry = const_cast<char*>(saved->preload.c_str());
    }
    if (!ours) *kept++ = *entry;
  }
  *kept = nullptr;
}

// One block of pages: the pointers, then LD_PRELOAD. What is saved stays where it is.
ExecEnvironment::ExecEnvironment(char* const* environment) : environment_(environment) {
  if (saved == nullptr || saved->pid != os::Pid() || environment == nullptr) return;
  size_t count = 0;
  while (environment[count] != nullptr) count++;
  const char* given = FindIn(environment, kPreload);
  const size_t preload_bytes =
      sizeof kPreload + saved->library.size() + 2 + (given == nullptr ? 0 : strlen(given));
  const size_t pointer_bytes = (count + 1 + kVariableCount + 1) * sizeof(char*);
  bytes_ = pointer_bytes + preload_bytes;
  pages_ = os::MapPages(bytes_);
  if (pages_ == nullptr) return;
  char** next = static_cast<char**>(pages_);
  char* const preload = static_cast<char*>(pages_) + pointer_bytes;
  Path ignored;
  const bool has_library = given != nullptr && SplitOff(given, saved->library.view(), &ignored);
  for (size_t i = 0; i < count; i++) {
    if (has_library || !HasName(environment[i], kPreload)) *next++ = environment[i];
  }
  if (!has_library) {
    char* end = stpcpy(stpcpy(stpcpy(preload, kPreload), "="), saved->library.c_str());
    if (given != nullptr) stpcpy(stpcpy(end, ":"), given);
    *next++ = preload;
  }
  for (size_t i = 0; i < kVariableCount; i++) {
    if (saved->variables[i].size() == 0 || FindIn(environment, kVariables[i]) != nullptr) continue;
    *next++ = const_cast<char*>(saved->variables[i].c_str());
  }
  environment_ = static_cast<char* const*>(pages_);
}

ExecEnvironment::~ExecEnvironment() {
  if (pages_ != nullptr) os::UnmapPages(pages_, bytes_);
}

}  // namespace memtape
