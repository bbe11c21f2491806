// SPDX-License-Identifier: MIT
// ELF import patching. A module's calls to malloc go through slots that the dynamic linker filled
// (JUMP_SLOT, GLOB_DAT) and its function-pointer tables hold such addresses as data (R_X86_64_64:
// OpenSSL's and sqlite's allocator tables in node). Slots in read-only relocation pages are made
// writable for the moment of the write.
//
// Everything below dl_iterate_phdr runs under the dynamic linker's lock, one thread at a time.
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>
#include <iterator>

#include "base/page_array.h"
#include "hooks/elf_module.h"
#include "hooks/patch.h"
#include "hooks/wrappers.h"
#include "os/os.h"

namespace memtape {
namespace {

#if defined(__x86_64__)
constexpr unsigned kJumpSlot = R_X86_64_JUMP_SLOT;
constexpr unsigned kGlobDat = R_X86_64_GLOB_DAT;
constexpr unsigned kAbsolute = R_X86_64_64;
#elif defined(__aarch64__)
constexpr unsigned kJumpSlot = R_AARCH64_JUMP_SLOT;
constexpr unsigned kGlobDat = R_AARCH64_GLOB_DAT;
constexpr unsigned kAbsolute = R_AARCH64_ABS64;
#endif

struct Hooked {
  const char* name;
  void* wrapper;
  void* original;
  void* canonical;  // the program's own address for it, if it has one
};
#define MEMTAPE_NAME(result, name, ...) \
  {#name, reinterpret_cast<void*>(&memtape_##name), nullptr, nullptr},
Hooked hooked[] = {MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_NAME)};
#undef MEMTAPE_NAME
#define MEMTAPE_NODE_NAME(result, name, ...) #name,
constexpr const char* kNodeFunctionNames[] = {MEMTAPE_NODE_FUNCTIONS(MEMTAPE_NODE_NAME)};
#undef MEMTAPE_NODE_NAME
constexpr size_t kNodeFunctions = std::size(kNodeFunctionNames);  // the last of them

struct Patch {
  void** slot;
  void* before;
  void* wrapper;
};
PageArray<Patch> patches;
std::atomic<Patches> installed{Patches::kNone};
// What the dynamic linker had loaded and unloaded at the last look.
unsigned long long seen_adds = 0, seen_subs = 0;

const Hooked* FindHooked(const char* name, Patches which) {
  for (size_t i = which == Patches::kAll ? 0 : std::size(hooked) - kNodeFunctions;
       i < std::size(hooked); i++) {
    if (strcmp(hooked[i].name, name) == 0) return &hooked[i];
  }
  return nullptr;
}

// Writes slots of one module.
class SlotWriter {
 public:
  explicit SlotWriter(const ElfModule& module) : module_(module) {}
  ~SlotWriter() {
    if (open_) mprotect(module_.relro(), module_.relro_bytes(), PROT_READ);
  }
  SlotWriter(const SlotWriter&) = delete;
  SlotWriter& operator=(const SlotWriter&) = delete;

  bool Write(void** slot, void* value) {
    if (!module_.IsData(slot)) return false;  // relocations in code
    const size_t offset =
        static_cast<size_t>(reinterpret_cast<char*>(slot) - static_cast<char*>(module_.relro()));
    if (!open_ && offset < module_.relro_bytes()) {
      // A security policy may forbid it.
      if (mprotect(module_.relro(), module_.relro_bytes(), PROT_READ | PROT_WRITE) != 0) {
        return false;
      }
      open_ = true;
    }
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    return true;
  }

 private:
  const ElfModule& module_;
  bool open_ = false;
};

// Whether the slot's value means the hooked function. Tables may have been given other functions
// since, and modules may have allocators of their own: those are not ours to replace.
bool MeansOriginal(const ElfModule& module, unsigned type, const ElfW(Sym) & symbol,
                   const Hooked& function, const void* value) {
  if (value == function.original || (value != nullptr && value == function.canonical)) return true;
  // Not bound yet: it points back into the module, to the code that asks the dynamic linker. What
  // the module defines itself may get bound to that.
  return type == kJumpSlot && symbol.st_shndx == SHN_UNDEF && module.Contains(value);
}

void Remember(void** slot, void* before, void* wrapper) {
  for (size_t i = 0; i < patches.size(); i++) {
    if (patches[i].slot != slot) continue;
    patches[i].before = before;  // of a module that was loaded where an earlier one had been
    return;
  }
  patches.push_back({slot, before, wrapper});
}

int PatchModule(dl_phdr_info* info, size_t, void* data) {
  const Patches which = installed.load(std::memory_order_relaxed);
  if (which == Patches::kNone) return 1;
  bool* const is_program = static_cast<bool*>(data);
  seen_adds = info->dlpi_adds;
  seen_subs = info->dlpi_subs;
  ElfModule module;
  if (!module.Read(*info)) return 0;
  if (*is_program) {
    for (Hooked& function : hooked) function.canonical = module.FindCanonical(function.name);
    *is_program = false;
  }
  // The dynamic linker itself must be able to work inside our hooks.
  const char* base = strrchr(info->dlpi_name, '/');
  const bool is_loader = base != nullptr && strncmp(base, "/ld-linux", 9) == 0;
  if (is_loader || IsThisLibrary(module)) return 0;
  SlotWriter writer(module);
  module.ForEachRelocation([&](const ElfW(Rela) & relocation, const ElfW(Sym) & symbol) {
    const unsigned type = static_cast<unsigned>(ELF64_R_TYPE(relocation.r_info));
    if (type != kJumpSlot && type != kGlobDat && type != kAbsolute) return;
    const Hooked* function = FindHooked(module.NameOf(symbol), which);
    if (function == nullptr || function->original == nullptr) return;
    void** const slot = module.Slot(relocation);
    void* const before = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (before == function->wrapper || !MeansOriginal(module, type, symbol, *function, before)) {
      return;
    }
    if (writer.Write(slot, function->wrapper)) Remember(slot, before, function->wrapper);
  });
  return 0;
}

int ReadCounters(dl_phdr_info* info, size_t, void* changed) {
  *static_cast<bool*>(changed) = info->dlpi_adds != seen_adds || info->dlpi_subs != seen_subs;
  return 1;
}

// Only what is loaded can be restored: slots of unloaded modules are gone.
int RestoreModule(dl_phdr_info* info, size_t, void*) {
  ElfModule module;
  if (!module.Read(*info)) return 0;
  SlotWriter writer(module);
  for (size_t i = 0; i < patches.size(); i++) {
    const Patch& patch = patches[i];
    // Another tool may have patched over ours since: then it calls us, and we pass the call on.
    if (module.Contains(patch.slot) &&
        __atomic_load_n(patch.slot, __ATOMIC_ACQUIRE) == patch.wrapper) {
      writer.Write(patch.slot, patch.before);
    }
  }
  return 0;
}

struct LibraryPath {
  const void* caller;
  bool found;
};

int ReadLibraryPath(dl_phdr_info* info, size_t, void* data) {
  LibraryPath* const path = static_cast<LibraryPath*>(data);
  ElfModule module;
  if (!module.Read(*info) || !module.Contains(path->caller)) return 0;
  path->found = module.has_library_path();
  return 1;
}

}  // namespace

const char* InstallPatches(Patches which) {
  // By a recording that failed and that nobody stopped, or by the process that forked this one:
  // what to restore one day is known from then.
  if (installed.load() == which) {
    PatchNewModules();
    return nullptr;
  }
  size_t i = 0;
#define MEMTAPE_ORIGINAL(result, name, ...) \
  hooked[i++].original = reinterpret_cast<void*>(originals.name);
  MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_ORIGINAL)
#undef MEMTAPE_ORIGINAL
  patches.Clear();
  installed.store(which);
  bool is_program = true;
  dl_iterate_phdr(PatchModule, &is_program);
  // Node.js itself imports nothing that it offers to addons, which come later.
  if (which == Patches::kNodeOnly || patches.size() > 0) return nullptr;
  installed.store(Patches::kNone);
  return "no module's imports can be patched: nothing to record";
}

void PatchNewModules() {
  if (installed.load(std::memory_order_acquire) == Patches::kNone) return;
  const int saved = errno;
  bool changed = false;
  dl_iterate_phdr(ReadCounters, &changed);
  bool is_program = true;
  if (changed) dl_iterate_phdr(PatchModule, &is_program);
  errno = saved;
}

void RemovePatches() {
  // Before the look at all modules: who patches new ones now is either done before it or sees this.
  installed.store(Patches::kNone);
  dl_iterate_phdr(RestoreModule, nullptr);
  patches.Clear();
}

bool AnyoneMayLoad(const char* file, const void* caller) {
  if (file == nullptr) return true;
  if (strchr(file, '/') != nullptr) return strchr(file, '$') == nullptr;
  LibraryPath path = {caller, true};
  dl_iterate_phdr(ReadLibraryPath, &path);
  return !path.found;
}

}  // namespace memtape
