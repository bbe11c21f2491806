// SPDX-License-Identifier: MIT
#include "stack/module_registry.h"

#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include <algorithm>
#include <new>

#include "os/os.h"
#include "stack/maps_text.h"

namespace memtape {
namespace {

constexpr char kVdso[] = "[vdso]";
constexpr size_t kMaxPath = 4096;

const char* BaseName(const char* path, size_t size, size_t* base_size) {
  const char* begin = path + size;
  while (begin > path && begin[-1] != '/') begin--;
  *base_size = static_cast<size_t>(path + size - begin);
  return begin;
}

bool SameBaseName(const char* a, size_t a_size, const char* b, size_t b_size) {
  size_t a_base_size, b_base_size;
  const char* a_base = BaseName(a, a_size, &a_base_size);
  const char* b_base = BaseName(b, b_size, &b_base_size);
  return a_base_size == b_base_size && memcmp(a_base, b_base, a_base_size) == 0;
}

bool SameBuildId(const ElfImage& a, const ElfImage& b) {
  return a.build_id_size == b.build_id_size && memcmp(a.build_id, b.build_id, a.build_id_size) == 0;
}

bool HasPrefix(const char* base, size_t size, const char* prefix) {
  const size_t length = strlen(prefix);
  return size >= length && memcmp(base, prefix, length) == 0;
}

// Libraries whose functions allocate for their callers: operator new, strdup, getline, fopen.
bool IsWrapperLibrary(const char* path, size_t size) {
  static constexpr const char* kPrefixes[] = {
      "libc.so", "libc-2.", "libc.musl-", "ld-musl-",  "ld-linux",  "libpthread", "libdl",
      "libm.so", "libm-2.", "libstdc++.", "libc++.so", "libc++abi", "libgcc_s.",
  };
  size_t base_size;
  const char* base = BaseName(path, size, &base_size);
  for (const char* prefix : kPrefixes) {
    if (HasPrefix(base, base_size, prefix)) return true;
  }
  return false;
}

void ReadProgramPath(char (&path)[kMaxPath]) {
  const int64_t length = os::ReadLink("/proc/self/exe", path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
}

bool IsProgram(const char* path) {
  char program[kMaxPath];
  ReadProgramPath(program);
  return strcmp(path, program) == 0;
}

// V8's builtins have no rows. They are part of the program, or of the library that Node.js is in.
bool HasBuiltins(const char* path, size_t size) {
  size_t base_size;
  const char* base = BaseName(path, size, &base_size);
  return HasPrefix(base, base_size, "libnode") || IsProgram(path);
}

const void* MainProgramHeaders() {
  return reinterpret_cast<const void*>(getauxval(AT_PHDR));
}

void Anchor() {}

bool ContainsThisCode(const ElfImage& image) {
  const uint64_t here = reinterpret_cast<uint64_t>(&Anchor);
  return here >= image.all.begin && here < image.all.end;
}

}  // namespace

// What several lines of /proc/self/maps say about one file.
struct ModuleRegistry::Candidate {
  MapsLine first;
  bool executable = false;
};

bool ModuleRegistry::RefreshFromLoader() {
  version_++;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        static_cast<ModuleRegistry*>(data)->AdmitMapped(info->dlpi_name, info->dlpi_addr,
                                                        info->dlpi_phdr, info->dlpi_phnum);
        return 0;
      },
      this);
  return FinishRefresh();
}

void ModuleRegistry::AdmitMapped(const char* name, uint64_t bias, const void* headers,
                                 size_t count) {
  ElfImage image;
  if (!ReadMappedElf(bias, headers, count, &image)) return;
  // glibc lists the program itself without a name, musl as it was called.
  char program[kMaxPath];
  if (name == nullptr || *name == 0 || headers == MainProgramHeaders()) {
    ReadProgramPath(program);
    name = program;
  } else if (strncmp(name, "linux-vdso", 10) == 0 || strncmp(name, "linux-gate", 10) == 0) {
    name = kVdso;
  }
  const size_t name_size = strlen(name);
  Module* module = FindKnown(image, name, name_size);
  if (module == nullptr) {
    module = Add(image, name, name_size);
    if (module == nullptr) return;
    if (NeedsTable(module)) module->cfi = CfiTable::Build(image.MappedCfi(), arena_);
  }
  MarkSeen(module);
}

// Gives the module what it can have at no cost; true if its own rows must be built.
bool ModuleRegistry::NeedsTable(Module* module) {
  if (tables_ == Tables::kNone) return false;
  if (tables_ == Tables::kWrappers && (module->flags & ModuleRange::kWrapper) == 0) return false;
  module->cfi = FindTable(module->image);
  if (module->cfi != nullptr) return false;
  if (!IsProgram(module->path)) return true;
  main_ = module;
  if (tables_ == Tables::kNow) return true;
  // Only the program itself is sure to stay mapped, which a direct table needs.
  module->cfi = CfiTable::OpenDirect(module->image.MappedCfi(), arena_);
  return false;
}

bool ModuleRegistry::BuildMainRows() {
  if (main_ == nullptr || main_->cfi == nullptr || !main_->cfi->direct()) return false;
  const CfiTable* table = CfiTable::Build(main_->image.MappedCfi(), arena_);
  if (table == nullptr) return false;
  main_->cfi = table;
  return Publish();
}

bool ModuleRegistry::RefreshFromMaps(const char* text, size_t size) {
  const int mem_fd = os::OpenRead("/proc/self/mem");
  if (mem_fd < 0) return false;
  version_++;
  const char* at = text;
  const char* const end = text + size;
  Candidate candidate;
  MapsLine line;
  while (ReadMapsLine(&at, end, &line)) {
    const bool is_vdso =
        line.path_size == sizeof kVdso - 1 && memcmp(line.path, kVdso, line.path_size) == 0;
    const bool is_file = line.path_size > 0 && line.path[0] == '/';
    if (!is_file && !is_vdso) continue;
    const MapsLine& first = candidate.first;
    const bool continues = line.offset != 0 && line.inode == first.inode &&
                           line.path_size == first.path_size &&
                           memcmp(line.path, first.path, line.path_size) == 0;
    if (!continues) {
      AdmitFromMaps(mem_fd, candidate);
      candidate = {line, false};
    }
    candidate.executable |= line.executable;
  }
  AdmitFromMaps(mem_fd, candidate);
  os::Close(mem_fd);
  FindCopies(text, end);
  return FinishRefresh();
}

// Executable mappings of a loaded module's file outside the module.
void ModuleRegistry::FindCopies(const char* text, const char* end) {
  copy_count_ = 0;
  MapsLine copy, own;
  for (const char* at = text; ReadMapsLine(&at, end, &copy);) {
    if (!copy.executable || copy.inode == 0) continue;
    for (const Module* m = first_; m != nullptr; m = m->next) {
      const ElfImage::Range& all = m->image.all;
      if (m->seen_at_ != version_ || m->inode_ != copy.inode) continue;
      if (copy.begin >= all.begin && copy.begin < all.end) break;
      for (const char* other = text; ReadMapsLine(&other, end, &own);) {
        if (own.inode != copy.inode || !own.executable || own.begin < all.begin ||
            own.end > all.end || copy.offset - own.offset >= own.end - own.begin) {
          continue;
        }
        const uint64_t original = own.begin + (copy.offset - own.offset);
        const uint64_t bytes = std::min(copy.end - copy.begin, own.end - original);
        if (copy_count_ == kMaxCopies) return;
        copies_[copy_count_++] = {{copy.begin, copy.begin + bytes}, original};
        break;
      }
      break;
    }
  }
}

uint64_t ModuleRegistry::InModule(uint64_t address) const {
  for (size_t i = 0; i < copy_count_; i++) {
    const ElfImage::Range& range = copies_[i].range;
    if (address >= range.begin && address < range.end) {
      return copies_[i].original + (address - range.begin);
    }
  }
  return address;
}

void ModuleRegistry::AdmitFromMaps(int mem_fd, const Candidate& candidate) {
  // A file that is mapped as mere data has no executable lines.
  const MapsLine& first = candidate.first;
  if (!candidate.executable || first.offset != 0) return;
  for (Module* m = first_; m != nullptr; m = const_cast<Module*>(m->next)) {
    if (m->loaded && m->inode_ == first.inode && m->image.all.begin == first.begin &&
        first.inode != 0) {
      MarkSeen(m);
      return;
    }
  }
  ElfImage image;
  if (!ReadElfThroughFile(mem_fd, first.begin, &image)) return;
  Module* module = FindKnown(image, first.path, first.path_size);
  if (module == nullptr) {
    module = Add(image, first.path, first.path_size);
    if (module == nullptr) return;
    CfiImage copy;
    if (NeedsTable(module) && CopyCfiThroughFile(mem_fd, image, &copy)) {
      module->cfi = CfiTable::Build(copy, arena_);
      os::UnmapPages(const_cast<uint8_t*>(copy.data), copy.size);
    }
  }
  module->inode_ = first.inode;
  MarkSeen(module);
}

// The two sources spell paths differently, where symbolic links are involved: names only count for
// files without a build id.
Module* ModuleRegistry::FindKnown(const ElfImage& image, const char* path, size_t path_size) {
  for (Module* m = first_; m != nullptr; m = const_cast<Module*>(m->next)) {
    if (m->image.bias != image.bias || m->image.all.begin != image.all.begin ||
        m->image.all.end != image.all.end || !SameBuildId(m->image, image)) {
      continue;
    }
    if (image.build_id_size > 0 || SameBaseName(m->path, strlen(m->path), path, path_size)) {
      return m;
    }
  }
  return nullptr;
}

Module* ModuleRegistry::Add(const ElfImage& image, const char* path, size_t path_size) {
  void* memory = arena_->Allocate(sizeof(Module), alignof(Module));
  char* text = static_cast<char*>(arena_->Allocate(path_size + 1, 1));
  if (memory == nullptr || text == nullptr) return nullptr;
  memcpy(text, path, path_size);
  text[path_size] = 0;
  Module* module = new (memory) Module;
  module->id = last_ == nullptr ? 1 : last_->id + 1;
  module->path = text;
  module->image = image;
  if (IsWrapperLibrary(path, path_size) || ContainsThisCode(image)) {
    module->flags |= ModuleRange::kWrapper;
  }
  if (HasBuiltins(text, path_size)) module->flags |= ModuleRange::kFramePointers;
  (last_ == nullptr ? first_ : *const_cast<Module**>(&last_->next)) = module;
  last_ = module;
  return module;
}

void ModuleRegistry::MarkSeen(Module* module) {
  module->seen_at_ = version_;
  if (module->loaded) return;
  module->loaded = true;
  module->changed_at = version_;
  dirty_ = true;
}

// Rows are relative to the linker's addresses: any load of the same file can share them.
const CfiTable* ModuleRegistry::FindTable(const ElfImage& image) const {
  if (image.build_id_size == 0) return nullptr;
  for (const Module* m = first_; m != nullptr; m = m->next) {
    if (m->cfi != nullptr && !m->cfi->direct() && SameBuildId(m->image, image)) return m->cfi;
  }
  return nullptr;
}

bool ModuleRegistry::FinishRefresh() {
  for (Module* m = first_; m != nullptr; m = const_cast<Module*>(m->next)) {
    if (!m->loaded || m->seen_at_ == version_) continue;
    m->loaded = false;
    m->changed_at = version_;
    dirty_ = true;
  }
  return dirty_ && Publish();
}

bool ModuleRegistry::Publish() {
  size_t count = 0;
  for (const Module* m = first_; m != nullptr; m = m->next) {
    if (m->loaded) count += m->image.code_count;
  }
  const size_t bytes = sizeof(ModuleMap) + count * sizeof(ModuleRange);
  void* memory = os::MapPages(bytes);
  if (memory == nullptr) return false;
  ModuleMap* map = new (memory) ModuleMap;
  map->bytes_ = bytes;
  for (const Module* m = first_; m != nullptr; m = m->next) {
    if (!m->loaded) continue;
    for (size_t i = 0; i < m->image.code_count; i++) {
      const ElfImage::Range& code = m->image.code[i];
      uint32_t at = map->count_++;
      for (; at > 0 && map->ranges_[at - 1].begin > code.begin; at--) {
        map->ranges_[at] = map->ranges_[at - 1];
      }
      map->ranges_[at] = {code.begin, code.end, m->image.bias, m->cfi, m->id, m->flags};
    }
  }
  map->older_ = newest_;
  newest_ = map;
  published_.store(map, std::memory_order_seq_cst);
  dirty_ = false;
  FreeUnheld();
  return true;
}

void ModuleRegistry::Attach(MapReader* reader) {
  reader->published_ = &published_;
  reader->next_ = readers_.load(std::memory_order_relaxed);
  while (!readers_.compare_exchange_weak(reader->next_, reader, std::memory_order_seq_cst)) {
  }
}

bool ModuleRegistry::IsHeld(const ModuleMap* map) const {
  for (const MapReader* r = readers_.load(std::memory_order_seq_cst); r != nullptr; r = r->next_) {
    if (r->held_.load(std::memory_order_seq_cst) == map) return true;
  }
  return false;
}

void ModuleRegistry::FreeUnheld() {
  ModuleMap** link = &newest_->older_;
  while (*link != nullptr) {
    ModuleMap* map = *link;
    if (IsHeld(map)) {
      link = &map->older_;
    } else {
      *link = map->older_;
      os::UnmapPages(map, map->bytes_);
    }
  }
}

size_t ModuleRegistry::live_versions() const {
  size_t count = 0;
  for (const ModuleMap* map = newest_; map != nullptr; map = map->older_) count++;
  return count;
}

}  // namespace memtape
