// SPDX-License-Identifier: MIT
// One loaded ELF module, as far as its imports and exports go. Reads what the dynamic linker reads,
// calls nothing: inside dl_iterate_phdr's callback, any thread, before constructors too.
#pragma once

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

namespace memtape {

class ElfModule {
 public:
  // False for what has no dynamic section.
  bool Read(const dl_phdr_info& info);

  bool Contains(const void* address) const {
    const uintptr_t a = reinterpret_cast<uintptr_t>(address);
    return a >= start_ && a < end_;
  }
  uintptr_t start() const { return start_; }
  uintptr_t end() const { return end_; }
  // Where a slot of the module may be written, once MakeWritable was called.
  bool IsData(const void* address) const;

  // The function that the module exports under this name (of its default version), or null.
  void* FindFunction(const char* name) const;
  // Where the module's own uses of an imported function point to: a program that is not
  // position-independent may have a place of its own for it, which is then everyone's address of
  // the function. Null if it has none.
  void* FindCanonical(const char* name) const;

  const char* NameOf(const ElfW(Sym) & symbol) const { return strings_ + symbol.st_name; }
  // Whether it says where libraries that it loads by name are to be looked for.
  bool has_library_path() const { return has_library_path_; }

  // Calls visit(relocation, symbol) for every relocation that names a symbol.
  template <typename Visit>
  void ForEachRelocation(Visit&& visit) const {
    for (const Table& table : relocations_) {
      for (size_t i = 0; i < table.count; i++) {
        const ElfW(Rela)& relocation = table.entries[i];
        const size_t index = ELF64_R_SYM(relocation.r_info);
        if (index != 0) visit(relocation, symbols_[index]);
      }
    }
  }
  void** Slot(const ElfW(Rela) & relocation) const {
    return reinterpret_cast<void**>(bias_ + relocation.r_offset);
  }

  // The part that the dynamic linker makes read-only after it has filled it in.
  void* relro() const { return reinterpret_cast<void*>(relro_start_); }
  size_t relro_bytes() const { return relro_end_ - relro_start_; }

 private:
  struct Table {
    const ElfW(Rela) * entries;
    size_t count;
  };

  void ReadDynamic(const ElfW(Dyn) * entry);
  uintptr_t Address(ElfW(Addr) value) const;
  const ElfW(Sym) * FindSymbol(const char* name) const;

  uintptr_t bias_ = 0, start_ = 0, end_ = 0;
  uintptr_t relro_start_ = 0, relro_end_ = 0;
  const ElfW(Phdr) * headers_ = nullptr;
  size_t header_count_ = 0;
  const ElfW(Sym) * symbols_ = nullptr;
  const char* strings_ = nullptr;
  const uint32_t* hash_ = nullptr;
  const uint16_t* versions_ = nullptr;
  bool has_library_path_ = false;
  Table relocations_[2] = {};
};

// Whether the module is this library.
bool IsThisLibrary(const ElfModule& module);

}  // namespace memtape
