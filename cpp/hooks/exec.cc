// SPDX-License-Identifier: MIT
// A process that becomes another program by exec goes on being recorded: each function of the exec
// family passes on what that takes. They change nothing in a forked child, which is not recorded,
// and in a process that was not preloaded.
#include "hooks/exec.h"

#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <type_traits>

#include "hooks/trace_environment.h"
#include "track/session.h"

namespace memtape {
namespace {

// All others are made of these.
struct {
  int (*execve)(const char*, char* const*, char* const*);
  int (*execvpe)(const char*, char* const*, char* const*);
  int (*fexecve)(int, char* const*, char* const*);
} real;

template <typename Function, typename What>
int Exec(Function* function, What what, char* const* arguments, char* const* environment) {
  if (*function == nullptr) PrepareExec();
  if (*function == nullptr) {
    errno = ENOSYS;
    return -1;
  }
  const ExecEnvironment traced(environment);
  // The process ends here for its recording, as by SIGKILL.
  CurrentSession().Flush();
  return (*function)(what, arguments, traced.get());
}

}  // namespace

void PrepareExec() {
  const auto find = [](auto* function, const char* name) {
    *function = reinterpret_cast<std::remove_pointer_t<decltype(function)>>(dlsym(RTLD_NEXT, name));
  };
  find(&real.execve, "execve");
  find(&real.execvpe, "execvpe");
  find(&real.fexecve, "fexecve");
}

}  // namespace memtape

using namespace memtape;  // NOLINT: the wrappers below are C functions

// The arguments from `first` up to a null, as an array on this stack frame; `list` is then behind
// them.
// NOLINTBEGIN(bugprone-macro-parentheses): names of variables, not expressions.
#define COLLECT(array, first, list)                                              \
  size_t count = 0;                                                              \
  va_list list;                                                                  \
  va_start(list, first);                                                         \
  for (const char* next = first; next != nullptr; next = va_arg(list, char*)) {  \
    count++;                                                                     \
  }                                                                              \
  va_end(list);                                                                  \
  char** const array = static_cast<char**>(alloca((count + 1) * sizeof(char*))); \
  va_start(list, first);                                                         \
  array[0] = const_cast<char*>(first);                                           \
  for (size_t i = 1; i <= count; i++) array[i] = va_arg(list, char*)
// NOLINTEND(bugprone-macro-parentheses)

extern "C" {

int memtape_execve(const char* path, char* const* arguments, char* const* environment) {
  return Exec(&real.execve, path, arguments, environment);
}

int memtape_execv(const char* path, char* const* arguments) {
  return Exec(&real.execve, path, arguments, environ);
}

int memtape_execvp(const char* file, char* const* arguments) {
  return Exec(&real.execvpe, file, arguments, environ);
}

int memtape_execvpe(const char* file, char* const* arguments, char* const* environment) {
  return Exec(&real.execvpe, file, arguments, environment);
}

int memtape_fexecve(int fd, char* const* arguments, char* const* environment) {
  return Exec(&real.fexecve, fd, arguments, environment);
}

int memtape_execl(const char* path, const char* first, ...) {
  COLLECT(arguments, first, list);
  va_end(list);
  return Exec(&real.execve, path, arguments, environ);
}

int memtape_execlp(const char* file, const char* first, ...) {
  COLLECT(arguments, first, list);
  va_end(list);
  return Exec(&real.execvpe, file, arguments, environ);
}

int memtape_execle(const char* path, const char* first, ...) {
  COLLECT(arguments, first, list);
  char* const* const environment = va_arg(list, char* const*);
  va_end(list);
  return Exec(&real.execve, path, arguments, environment);
}

}  // extern "C"

// As in hooks.cc.
#define MEMTAPE_EXPORT(name) \
  asm(".globl " #name "\n.type " #name ", %function\n.set " #name ", memtape_" #name);
MEMTAPE_EXPORT(execve)
MEMTAPE_EXPORT(execv)
MEMTAPE_EXPORT(execvp)
MEMTAPE_EXPORT(execvpe)
MEMTAPE_EXPORT(fexecve)
MEMTAPE_EXPORT(execl)
MEMTAPE_EXPORT(execlp)
MEMTAPE_EXPORT(execle)
#undef MEMTAPE_EXPORT
