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

struct Search {
  bool is_program = true;  // the first module
  bool program_has_malloc = false;
  bool library_has_malloc = false;
};

// The order of dl_iterate_phdr is that in which the dynamic linker looks: the program, preloaded
// libraries, the libraries that they need, and what was loaded later.
int FindInModule(dl_phdr_info* info, size_t, void* data) {
  Search* const search = static_cast<Search*>(data);
  const bool is_program = search->is_program;
  search->is_program = false;
  ElfModule module;
  if (!module.Read(*info)) return 0;
  if (IsThisLibrary(module)) {
    own_code = {module.start(), module.end()};
    other_malloc_is_first = search->library_has_malloc && !search->program_has_malloc;
    return 0;
  }
  (is_program ? search->program_has_malloc : search->library_has_malloc) |=
      module.FindFunction("malloc") != nullptr;
  const bool had_libuv = originals.uv_queue_work != nullptr;
#define MEMTAPE_FIND(result, name, ...) Find(&originals.name, module, #name);
  MEMTAPE_HOOKED_FUNCTIONS(MEMTAPE_FIND)
#undef MEMTAPE_FIND
  if (!had_libuv && originals.uv_queue_work != nullptr) {
    libuv_code = {module.start(), module.end()};
  }
  return 0;
}

}  // namespace

Originals originals;
bool originals_resolved = false;
CodeRange libuv_code = {};
CodeRange own_code = {};
bool other_malloc_is_first = false;

// Not by dlsym: it allocates, inside the lock of an allocator that is just starting; RTLD_NEXT
// skips what comes before this library, and RTLD_DEFAULT may find a stub of the program that leads
// to us.
void ResolveOriginals() {
  Search search;
  dl_iterate_phdr(FindInModule, &search);
  if (originals.mmap64 == nullptr) originals.mmap64 = originals.mmap;  // musl has one for both
  CHECK(originals.malloc != nullptr && originals.free != nullptr && originals.mmap != nullptr);
  originals_resolved = true;
}

}  // namespace memtape
