// SPDX-License-Identifier: MIT
// Frame keys → frame records: JavaScript by V8's code events, native code by module. Drain thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "base/flat_map.h"
#include "base/page_arena.h"
#include "base/text_buffer.h"
#include "stack/module_registry.h"
#include "track/dictionary.h"
#include "v8/code_map.h"

namespace memtape {

class FrameResolver {
 public:
  explicit constexpr FrameResolver(PageArena* arena)
      : default_modules_(arena, ModuleRegistry::Tables::kWrappers),
        native_modules_(arena, ModuleRegistry::Tables::kMainLater) {}

  // `native`: unwinding tables for all modules, not only for those with allocator wrappers.
  void Start(LogWriter* writer, Dictionary* dictionary, bool native);
  // Forgets everything but the modules.
  void Clear();
  // For the caches of threads that unwind.
  ModuleRegistry& modules(bool native) { return native ? native_modules_ : default_modules_; }
  // The frames that a key stands for at this moment, leaf first: more than one where V8 inlined.
  // Valid until the next call.
  std::span<const uint32_t> Resolve(uint64_t key);
  // Changes when a key may stand for something else than before.
  uint64_t epoch() {
    if (cache_generation_ != code_.generation()) ClearCache();
    return epoch_;
  }
  // Something is being loaded, which will show as addresses that no module has, or was unloaded.
  void ModulesChanged(bool unloaded);
  // Frames of this code are left out: memtape's own.
  void Hide(uint64_t start, uint64_t bytes) {
    hidden_start_ = start;
    hidden_bytes_ = bytes;
  }
  // The same for a script, by its path.
  void HideScript(std::string_view path) { hidden_script_.Add(path); }
  v8::CodeMap& code() { return code_; }
  // A frame that memtape adds.
  uint32_t Label(std::string_view text);
  // A function of which is known where it begins, not what called on in it.
  struct NamedFunction {
    std::string_view name;
    std::string_view file;
    uint32_t script_id;  // 0: V8's own
    uint32_t line, column;
  };
  // `thread`: whose isolate it is in. 0 if it is memtape's own.
  uint32_t FrameOf(uint32_t thread, const NamedFunction& function);

 private:
  void ResolveInto(uint64_t key);
  void ResolveCode(v8::CodeMap::Code* code, uint64_t address);
  uint32_t ResolveNative(uint64_t address);
  uint32_t FunctionOf(v8::CodeMap::Code* code, const v8::CodeName& name);
  void WriteSourceMap(std::string_view url, uint32_t file);
  void ReadModules();
  void WriteModules();
  void ClearCache();

  LogWriter* writer_ = nullptr;
  Dictionary* dictionary_ = nullptr;
  v8::CodeMap code_;
  ModuleRegistry default_modules_;
  ModuleRegistry native_modules_;
  ModuleRegistry* modules_ = nullptr;
  uint64_t hidden_start_ = 0, hidden_bytes_ = 0;
  TextBuffer<4096> hidden_script_;
  uint64_t written_version_ = 0;
  uint32_t rescans_ = 0;
  // Key → index into runs_ of a count and as many frame ids, while code_.generation() stays.
  FlatMap cache_;
  PageArray<uint32_t> runs_;
  FlatMap source_maps_;  // files whose map was written
  uint32_t cache_generation_ = 0;
  uint64_t epoch_ = 0;
};

}  // namespace memtape
