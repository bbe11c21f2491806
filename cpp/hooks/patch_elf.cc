// SPDX-License-Identifier: MIT
// ELF import patching. A module's calls to malloc go through slots that the dynamic linker filled
// (JUMP_SLOT, GLOB_DAT) and its function-pointer tables hold such addresses as data (R_X86_64_64:
// OpenSSL's and sqlite's allocator tables in node). Slots in read-only relocation pages are made
// writable for the moment of the write.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "base/page_array.h"
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

struct HookedName {
  const char* name;
  void* wrapper;
};
const HookedName kNames[] = {
#define MEMTAPE_NAME(result, name, ...) {#name, reinterpret_cast<void*>(&memtape_##name)},
    MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_NAME)
#undef MEMTAPE_NAME
};

struct Patch {
  void** slot;
  void* before;
  void* wrapper;
};
PageArray<Patch> patches;
PageArray<uintptr_t> patched_modules;  // dynamic sections seen
unsigned long long patched_adds = 0;   // dlpi_adds at the last look

struct Module {
  uintptr_t bias;
  const ElfW(Sym) * symbols;
  const char* strings;
  uintptr_t relro_start, relro_end;
};

void* WrapperOf(const char* name) {
  for (const HookedName& hooked : kNames) {
    if (strcmp(hooked.name, name) == 0) return hooked.wrapper;
  }
  return nullptr;
}

void Write(const Module& module, void** slot, void* value) {
  const uintptr_t page_size = os::PageSize();
  const uintptr_t page = reinterpret_cast<uintptr_t>(slot) & ~(page_size - 1);
  const bool read_only = page >= module.relro_start && page < module.relro_end;
  if (read_only) mprotect(reinterpret_cast<void*>(page), page_size, PROT_READ | PROT_WRITE);
  __atomic_store_n(slot, value, __ATOMIC_RELEASE);
  if (read_only) mprotect(reinterpret_cast<void*>(page), page_size, PROT_READ);
}

void PatchRelocations(const Module& module, const ElfW(Rela) * relocations, size_t bytes) {
  for (size_t i = 0; i < bytes / sizeof *relocations; i++) {
    const ElfW(Rela)& relocation = relocations[i];
    const unsigned type = static_cast<unsigned>(ELF64_R_TYPE(relocation.r_info));
    if (type != kJumpSlot && type != kGlobDat && type != kAbsolute) continue;
    const ElfW(Sym)& symbol = module.symbols[ELF64_R_SYM(relocation.r_info)];
    // What the module defines itself is its own business.
    if (symbol.st_name == 0 || symbol.st_shndx != SHN_UNDEF) continue;
    void* wrapper = WrapperOf(module.strings + symbol.st_name);
    if (wrapper == nullptr) continue;
    void** slot = reinterpret_cast<void**>(module.bias + relocation.r_offset);
    void* before = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    // A weak import that nobody defines stays null: programs test for that.
    if (before == nullptr || before == wrapper) continue;
    patches.push_back({slot, before, wrapper});
    Write(module, slot, wrapper);
  }
}

bool IsOurs(const dl_phdr_info& info) {
  const uintptr_t own = reinterpret_cast<uintptr_t>(&patches);
  for (int i = 0; i < info.dlpi_phnum; i++) {
    const ElfW(Phdr)& header = info.dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    const uintptr_t start = info.dlpi_addr + header.p_vaddr;
    if (own >= start && own < start + header.p_memsz) return true;
  }
  return false;
}

bool IsLoader(const char* name) {
  const char* base = strrchr(name, '/');
  base = base == nullptr ? name : base + 1;
  return strncmp(base, "ld-", 3) == 0 || strncmp(base, "linux-vdso", 10) == 0;
}

int PatchModule(dl_phdr_info* info, size_t, void*) {
  patched_adds = info->dlpi_adds;
  const ElfW(Phdr)* dynamic_header = nullptr;
  Module module = {};
  module.bias = info->dlpi_addr;
  const uintptr_t page = os::PageSize();
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_DYNAMIC) dynamic_header = &header;
    if (header.p_type == PT_GNU_RELRO) {
      const uintptr_t start = module.bias + header.p_vaddr;
      module.relro_start = start & ~(page - 1);
      // The dynamic linker rounds the end down; what lies beyond stays writable.
      module.relro_end = (start + header.p_memsz) & ~(page - 1);
    }
  }
  if (dynamic_header == nullptr || IsLoader(info->dlpi_name) || IsOurs(*info)) return 0;
  const uintptr_t dynamic = module.bias + dynamic_header->p_vaddr;
  for (size_t i = 0; i < patched_modules.size(); i++) {
    if (patched_modules[i] == dynamic) return 0;
  }
  patched_modules.push_back(dynamic);
  const ElfW(Rela)* rela = nullptr;
  const ElfW(Rela)* plt = nullptr;
  size_t rela_bytes = 0;
  size_t plt_bytes = 0;
  // glibc has relocated the addresses in this table; musl leaves them relative.
  const auto address = [&](ElfW(Addr) value) {
    return value < module.bias ? value + module.bias : value;
  };
  for (const ElfW(Dyn)* entry = reinterpret_cast<const ElfW(Dyn)*>(dynamic);
       entry->d_tag != DT_NULL; entry++) {
    switch (entry->d_tag) {
      case DT_SYMTAB:
        module.symbols = reinterpret_cast<const ElfW(Sym)*>(address(entry->d_un.d_ptr));
        break;
      case DT_STRTAB:
        module.strings = reinterpret_cast<const char*>(address(entry->d_un.d_ptr));
        break;
      case DT_RELA:
        rela = reinterpret_cast<const ElfW(Rela)*>(address(entry->d_un.d_ptr));
        break;
      case DT_RELASZ:
        rela_bytes = entry->d_un.d_val;
        break;
      case DT_JMPREL:
        plt = reinterpret_cast<const ElfW(Rela)*>(address(entry->d_un.d_ptr));
        break;
      case DT_PLTRELSZ:
        plt_bytes = entry->d_un.d_val;
        break;
    }
  }
  if (module.symbols == nullptr || module.strings == nullptr) return 0;
  if (rela != nullptr) PatchRelocations(module, rela, rela_bytes);
  if (plt != nullptr) PatchRelocations(module, plt, plt_bytes);
  return 0;
}

int ReadAdds(dl_phdr_info* info, size_t, void* adds) {
  *static_cast<unsigned long long*>(adds) = info->dlpi_adds;
  return 1;
}

// Restoring needs the bounds of the module's read-only part again; unloaded modules must not be
// touched.
int RestoreModule(dl_phdr_info* info, size_t, void*) {
  Module module = {};
  module.bias = info->dlpi_addr;
  uintptr_t low = UINTPTR_MAX;
  uintptr_t high = 0;
  const uintptr_t page = os::PageSize();
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    const uintptr_t start = module.bias + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      low = start < low ? start : low;
      high = start + header.p_memsz > high ? start + header.p_memsz : high;
    } else if (header.p_type == PT_GNU_RELRO) {
      module.relro_start = start & ~(page - 1);
      module.relro_end = (start + header.p_memsz) & ~(page - 1);
    }
  }
  for (size_t i = 0; i < patches.size(); i++) {
    const Patch& patch = patches[i];
    const uintptr_t slot = reinterpret_cast<uintptr_t>(patch.slot);
    if (slot < low || slot >= high) continue;
    // Another tool may have patched over ours since: then it calls us, and we pass the call on.
    if (__atomic_load_n(patch.slot, __ATOMIC_ACQUIRE) == patch.wrapper) {
      Write(module, patch.slot, patch.before);
    }
  }
  return 0;
}

}  // namespace

const char* InstallPatches() {
  patches.Clear();
  patched_modules.Clear();
  dl_iterate_phdr(PatchModule, nullptr);
  return patches.size() > 0 ? nullptr : "no module imports malloc: nothing to record";
}

void PatchNewModules() {
  unsigned long long adds = 0;
  dl_iterate_phdr(ReadAdds, &adds);
  if (adds != patched_adds) dl_iterate_phdr(PatchModule, nullptr);
}

void RemovePatches() {
  dl_iterate_phdr(RestoreModule, nullptr);
  patches.Clear();
  patched_modules.Clear();
}

}  // namespace memtape
