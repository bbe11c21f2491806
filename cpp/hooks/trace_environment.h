// SPDX-License-Identifier: MIT
// The variables by which a program that starts records itself: LD_PRELOAD and MEMTAPE_*. Unless
// children are to be recorded, the program does not get to see them; when the process becomes
// another program (exec), they are given to that one.
#pragma once

#include "base/text_buffer.h"

namespace memtape {

using Path = TextBuffer<4096>;

// This library's file, as LD_PRELOAD names it.
bool OwnPath(Path* path);

// Who this process is among those that record: MEMTAPE_FOLLOW is 0 or 1, and in the environment of
// other programs than the first "1,root,process".
struct Lineage {
  bool follow;
  int root;     // the first process, 0: this one
  int process;  // which one the environment was made for: this one, if it came here by exec
};
Lineage ReadLineage();

// Remembers the variables as they are now, with the process's own lineage. False: that cannot be.
bool SaveTraceEnvironment(const Lineage& lineage);
// The two change the array of the environment and call no setenv, which replaces it: bash goes on
// with the one that was given to its main.
// Lets the children know where they come from.
void PassOnTraceEnvironment();
// Takes the variables out of the environment, this library out of LD_PRELOAD. The script that
// Node.js loads needs to know the addon, and takes that one out.
void CleanTraceEnvironment(bool keep_addon);

// An environment for exec: `environment` with those of the remembered variables that it lacks. When
// there is nothing to add, or this is a forked child, `environment` itself. Callable between fork
// and exec.
class ExecEnvironment {
 public:
  explicit ExecEnvironment(char* const* environment);
  ~ExecEnvironment();  // exec has failed
  ExecEnvironment(const ExecEnvironment&) = delete;
  ExecEnvironment& operator=(const ExecEnvironment&) = delete;

  char* const* get() const { return environment_; }

 private:
  char* const* environment_;
  void* pages_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace memtape
