// SPDX-License-Identifier: MIT
// What the program headers of a loaded ELF module say: code ranges, build id, where the CFI is.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stack/cfi_sections.h"

namespace memtape {

struct ElfImage {
  static constexpr size_t kMaxCode = 6;
  static constexpr size_t kMaxBuildId = 32;

  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  uint64_t bias = 0;  // address - vaddr
  Range all;          // addresses of all loadable segments
  Range code[kMaxCode];
  size_t code_count = 0;
  uint8_t build_id[kMaxBuildId] = {};
  size_t build_id_size = 0;

  // The segment with the CFI. size 0: there is none.
  uint64_t hdr_vaddr = 0;
  uint64_t cfi_vaddr = 0;
  size_t cfi_size = 0;

  CfiImage MappedCfi() const {
    return {reinterpret_cast<const uint8_t*>(cfi_vaddr + bias), cfi_size, cfi_vaddr, hdr_vaddr};
  }
};

// From the headers of a module that cannot be unloaded during the call.
// `headers` is an array of ElfW(Phdr).
bool ReadMappedElf(uint64_t bias, const void* headers, size_t count, ElfImage* image);

// The same for a module that another thread may unload at any moment: `mem_fd` is /proc/self/mem,
// which answers with an error where a load would fault. It also shows what is really mapped, when
// the file has been replaced or deleted since. `address`: where file offset 0 is mapped.
bool ReadElfThroughFile(int mem_fd, uint64_t address, ElfImage* image);
// A copy of the CFI in fresh pages. The caller unmaps copy->size bytes at copy->data.
bool CopyCfiThroughFile(int mem_fd, const ElfImage& image, CfiImage* copy);

}  // namespace memtape
