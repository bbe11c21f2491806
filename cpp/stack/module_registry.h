// SPDX-License-Identifier: MIT
// The owner's side of the module map: finds modules, builds their tables, publishes versions.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "base/page_arena.h"
#include "stack/elf_image.h"
#include "stack/module_map.h"

namespace memtape {

// One load of one file. Loading the same file at the same place again brings the same Module back.
struct Module {
  uint32_t id = 0;     // from 1, dense, in order of the list
  uint32_t flags = 0;  // ModuleRange::Flags
  bool loaded = false;
  uint64_t changed_at = 0;  // ModuleRegistry::version() when `loaded` last changed
  const char* path = nullptr;
  ElfImage image;
  const CfiTable* cfi = nullptr;
  const Module* next = nullptr;

 private:
  friend class ModuleRegistry;
  uint64_t inode_ = 0;
  uint64_t seen_at_ = 0;
};

// All calls but Attach belong to one thread at a time, outside the hooks. None allocates with
// malloc; memory comes from `arena` and the kernel.
class ModuleRegistry {
 public:
  enum class Tables : uint8_t {
    kNow,
    // The main program's rows, ~20 ms of work for node, wait for BuildMainRows. Until then look-ups
    // run the FDE programs, at ~10 times the cost.
    kMainLater,
    kWrappers,  // only for modules that SkipWrappers steps out of
    kNone,      // who only asks which module an address is in
  };

  explicit constexpr ModuleRegistry(PageArena* arena, Tables tables = Tables::kNow)
      : arena_(arena), tables_(tables) {}
  ModuleRegistry(const ModuleRegistry&) = delete;
  ModuleRegistry& operator=(const ModuleRegistry&) = delete;

  // From dl_iterate_phdr, which takes the loader's lock. True if a new version was published.
  bool RefreshFromLoader();
  // From the text of /proc/self/maps, for threads that must not wait for the loader's lock.
  bool RefreshFromMaps(const char* text, size_t size);

  // See kMainLater. True if a new version was published.
  bool BuildMainRows();

  // Any thread, no locks. The reader must live as long as the process.
  void Attach(MapReader* reader);

  const Module* modules() const { return first_; }  // loaded ones and others, by id
  // V8 of Node.js 20 maps its builtins a second time, near the code that it compiles. Of an address
  // in such a mapping, where the same code is in its module; any other as it is. As of the last
  // RefreshFromMaps.
  uint64_t InModule(uint64_t address) const;
  uint64_t version() const { return version_; }
  const ModuleMap* current() const { return published_.load(std::memory_order_acquire); }
  // Versions that some reader still held at the last publication, and the current one.
  size_t live_versions() const;

 private:
  struct Candidate;
  struct Copy {
    ElfImage::Range range;
    uint64_t original = 0;  // of range.begin
  };
  static constexpr size_t kMaxCopies = 8;

  void AdmitMapped(const char* name, uint64_t bias, const void* headers, size_t count);
  void AdmitFromMaps(int mem_fd, const Candidate& candidate);
  void FindCopies(const char* text, const char* end);
  Module* FindKnown(const ElfImage& image, const char* path, size_t path_size);
  Module* Add(const ElfImage& image, const char* path, size_t path_size);
  bool NeedsTable(Module* module);
  void MarkSeen(Module* module);
  const CfiTable* FindTable(const ElfImage& image) const;
  bool FinishRefresh();
  bool Publish();
  void FreeUnheld();
  bool IsHeld(const ModuleMap* map) const;

  PageArena* const arena_;
  const Tables tables_;
  Module* first_ = nullptr;
  Module* last_ = nullptr;
  Module* main_ = nullptr;
  Copy copies_[kMaxCopies];
  size_t copy_count_ = 0;
  uint64_t version_ = 0;  // counts refreshes
  bool dirty_ = false;
  std::atomic<const ModuleMap*> published_{nullptr};
  ModuleMap* newest_ = nullptr;
  std::atomic<MapReader*> readers_{nullptr};
};

}  // namespace memtape
