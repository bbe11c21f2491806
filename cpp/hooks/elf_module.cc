// SPDX-License-Identifier: MIT
#include "hooks/elf_module.h"

#include <string.h>

#include "os/os.h"

namespace memtape {
namespace {

constexpr uint16_t kHiddenVersion = 0x8000;

uint32_t GnuHash(const char* name) {
  uint32_t hash = 5381;
  for (; *name != '\0'; name++) hash = hash * 33 + static_cast<uint8_t>(*name);
  return hash;
}

}  // namespace

bool ElfModule::Read(const dl_phdr_info& info) {
  bias_ = info.dlpi_addr;
  headers_ = info.dlpi_phdr;
  header_count_ = info.dlpi_phnum;
  start_ = UINTPTR_MAX;
  const ElfW(Dyn)* dynamic = nullptr;
  const uintptr_t page = os::PageSize();
  for (size_t i = 0; i < header_count_; i++) {
    const ElfW(Phdr)& header = headers_[i];
    const uintptr_t at = bias_ + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      start_ = at < start_ ? at : start_;
      end_ = at + header.p_memsz > end_ ? at + header.p_memsz : end_;
    } else if (header.p_type == PT_DYNAMIC) {
      dynamic = reinterpret_cast<const ElfW(Dyn)*>(at);
    } else if (header.p_type == PT_GNU_RELRO) {
      // Both rounded down, as the dynamic linker does: what lies beyond stays writable.
      relro_start_ = at & ~(page - 1);
      relro_end_ = (at + header.p_memsz) & ~(page - 1);
    }
  }
  if (dynamic == nullptr || start_ > end_) return false;
  ReadDynamic(dynamic);
  return symbols_ != nullptr && strings_ != nullptr;
}

// glibc has relocated the addresses in the dynamic section; musl leaves them relative, and so does
// everyone in the kernel's own module.
uintptr_t ElfModule::Address(ElfW(Addr) value) const {
  return value < bias_ ? value + bias_ : value;
}

void ElfModule::ReadDynamic(const ElfW(Dyn) * entry) {
  for (; entry->d_tag != DT_NULL; entry++) {
    const uintptr_t address = Address(entry->d_un.d_ptr);
    const size_t count = entry->d_un.d_val / sizeof(ElfW(Rela));
    switch (entry->d_tag) {
      case DT_SYMTAB:
        symbols_ = reinterpret_cast<const ElfW(Sym)*>(address);
        break;
      case DT_STRTAB:
        strings_ = reinterpret_cast<const char*>(address);
        break;
      case DT_GNU_HASH:
        hash_ = reinterpret_cast<const uint32_t*>(address);
        break;
      case DT_VERSYM:
        versions_ = reinterpret_cast<const uint16_t*>(address);
        break;
      case DT_RPATH:
      case DT_RUNPATH:
        has_library_path_ = true;
        break;
      case DT_RELA:
        relocations_[0].entries = reinterpret_cast<const ElfW(Rela)*>(address);
        break;
      case DT_RELASZ:
        relocations_[0].count = count;
        break;
      case DT_JMPREL:
        relocations_[1].entries = reinterpret_cast<const ElfW(Rela)*>(address);
        break;
      case DT_PLTRELSZ:
        relocations_[1].count = count;
        break;
    }
  }
}

bool ElfModule::IsData(const void* address) const {
  const uintptr_t a = reinterpret_cast<uintptr_t>(address);
  for (size_t i = 0; i < header_count_; i++) {
    const ElfW(Phdr)& header = headers_[i];
    const uintptr_t at = bias_ + header.p_vaddr;
    if (header.p_type == PT_LOAD && (header.p_flags & PF_W) != 0 && a >= at &&
        a + sizeof(void*) <= at + header.p_memsz) {
      return true;
    }
  }
  return false;
}

const ElfW(Sym) * ElfModule::FindSymbol(const char* name) const {
  if (hash_ == nullptr) return nullptr;
  const uint32_t buckets = hash_[0];
  const uint32_t first = hash_[1];
  const uint32_t bloom_words = hash_[2];
  const uint32_t bloom_shift = hash_[3];
  const uint64_t* const bloom = reinterpret_cast<const uint64_t*>(hash_ + 4);
  const uint32_t* const bucket = reinterpret_cast<const uint32_t*>(bloom + bloom_words);
  const uint32_t* const chain = bucket + buckets;
  if (buckets == 0 || bloom_words == 0) return nullptr;
  const uint32_t hash = GnuHash(name);
  const uint64_t word = bloom[hash / 64 % bloom_words];
  if ((word >> hash % 64 & word >> (hash >> bloom_shift) % 64 & 1) == 0) return nullptr;
  for (uint32_t i = bucket[hash % buckets]; i >= first; i++) {
    const uint32_t entry = chain[i - first];
    const bool hidden = versions_ != nullptr && (versions_[i] & kHiddenVersion) != 0;
    if ((entry | 1) == (hash | 1) && !hidden && strcmp(NameOf(symbols_[i]), name) == 0) {
      return &symbols_[i];
    }
    if ((entry & 1) != 0) break;
  }
  return nullptr;
}

void* ElfModule::FindFunction(const char* name) const {
  const ElfW(Sym)* symbol = FindSymbol(name);
  if (symbol == nullptr || symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0) return nullptr;
  void* address = reinterpret_cast<void*>(bias_ + symbol->st_value);
  switch (ELF64_ST_TYPE(symbol->st_info)) {
    case STT_FUNC:
    case STT_NOTYPE:
      return address;
    case STT_GNU_IFUNC:
      return reinterpret_cast<void* (*)()>(address)();
    default:
      return nullptr;
  }
}

void* ElfModule::FindCanonical(const char* name) const {
  const ElfW(Sym)* symbol = FindSymbol(name);
  if (symbol == nullptr || symbol->st_shndx != SHN_UNDEF || symbol->st_value == 0) return nullptr;
  return reinterpret_cast<void*>(bias_ + symbol->st_value);
}

bool IsThisLibrary(const ElfModule& module) {
  return module.Contains(reinterpret_cast<const void*>(&IsThisLibrary));
}

}  // namespace memtape
