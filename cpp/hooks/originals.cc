// SPDX-License-Identifier: MIT
#include "hooks/originals.h"

#include <link.h>

#include "base/check.h"
#include "hooks/elf_module.h"

namespace memtape {
namespace {

template <typename T>
void Find(T* function, const ElfModule& module, const char* name) {
  if (*function == nullptr) *function = reinterpret_cast<T>(module.FindFunction(name));
}

// The order of dl_iterate_phdr is that in which the dynamic linker looks: the program, preloaded
// libraries, the libraries that they need, and what was loaded later.
int FindInModule(dl_phdr_info* info, size_t, void*) {
  ElfModule module;
  if (!module.Read(*info) || IsThisLibrary(module)) return 0;
#define MEMTAPE_FIND(result, name, ...) Find(&originals.name, module, #name);
  MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_FIND)
#undef MEMTAPE_FIND
  return 0;
}

}  // namespace

Originals originals;
bool originals_resolved = false;

// Not by dlsym: it allocates, inside the lock of an allocator that is just starting; RTLD_NEXT
// skips what comes before this library, and RTLD_DEFAULT may find a stub of the program that leads
// to us.
void ResolveOriginals() {
  dl_iterate_phdr(FindInModule, nullptr);
  if (originals.mmap64 == nullptr) originals.mmap64 = originals.mmap;  // musl has one for both
  CHECK(originals.malloc != nullptr && originals.free != nullptr && originals.mmap != nullptr);
  originals_resolved = true;
}

}  // namespace memtape
