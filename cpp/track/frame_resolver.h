// SPDX-License-Identifier: MIT
// Frame keys → frame records: JavaScript by V8's code events, native code by module. Drain thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/flat_map.h"
#include "base/page_arena.h"
#include "stack/module_registry.h"
#include "track/dictionary.h"
#include "v8/code_map.h"

namespace memtape {

class FrameResolver {
 public:
  FrameResolver(PageArena* arena) : modules_(arena) {}

  void Start(LogWriter* writer, Dictionary* dictionary);
  // The id of the frame that a key stands for at this moment.
  uint32_t Resolve(uint64_t key);
  // Reads the process's modules anew: something was loaded or unloaded.
  void ModulesChanged();
  v8::CodeMap& code() { return code_; }

 private:
  uint32_t ResolveCode(v8::CodeMap::Code* code, uint64_t address);
  uint32_t ResolveNative(uint64_t address);
  uint32_t FunctionOf(v8::CodeMap::Code* code, const v8::CodeName& name);
  void WriteModules();

  LogWriter* writer_ = nullptr;
  Dictionary* dictionary_ = nullptr;
  v8::CodeMap code_;
  ModuleRegistry modules_;
  MapReader reader_;
  bool attached_ = false;
  uint64_t written_version_ = 0;
  uint32_t rescans_ = 0;
  FlatMap cache_;  // key → frame id, while code_.generation() stays
  uint32_t cache_generation_ = 0;
};

}  // namespace memtape
