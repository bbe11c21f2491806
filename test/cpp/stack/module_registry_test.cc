// SPDX-License-Identifier: MIT
#include "stack/module_registry.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "os/os.h"

namespace memtape {
namespace {

// In every glibc, and no test needs it.
constexpr char kLibrary[] = "libresolv.so.2";
constexpr char kFunction[] = "inet_net_ntop";

std::string Maps() {
  std::ifstream file("/proc/self/maps");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string BaseName(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

class ModuleRegistryTest : public testing::Test {
 protected:
  bool FromMaps() {
    const std::string maps = Maps();
    return registry_.RefreshFromMaps(maps.data(), maps.size());
  }

  const Module* Find(const std::string& part) const {
    for (const Module* m = registry_.modules(); m != nullptr; m = m->next) {
      if (strstr(m->path, part.c_str()) != nullptr) return m;
    }
    return nullptr;
  }

  const ModuleRange* RangeOf(const void* function) const {
    return registry_.current()->Find(reinterpret_cast<uint64_t>(function));
  }

  MapReader readers_[2];  // these live as long as the registry
  PageArena arena_{os::MapPages};
  ModuleRegistry registry_{&arena_};
};

TEST_F(ModuleRegistryTest, HasNoMapBeforeTheFirstRefresh) {
  MapReader& reader = readers_[0];
  EXPECT_FALSE(reader.Sync());
  registry_.Attach(&reader);
  EXPECT_FALSE(reader.Sync());
  EXPECT_EQ(reader.map(), nullptr);
}

TEST_F(ModuleRegistryTest, FindsTheModuleOfAnAddress) {
  ASSERT_TRUE(registry_.RefreshFromLoader());
  const ModuleRange* libc = RangeOf(reinterpret_cast<void*>(&gnu_get_libc_version));
  ASSERT_NE(libc, nullptr);
  EXPECT_EQ(libc->module_id, Find("libc.so")->id);
  EXPECT_EQ(libc->bias, Find("libc.so")->image.bias);
  EXPECT_NE(libc->cfi, nullptr);
  EXPECT_TRUE(libc->flags & ModuleRange::kWrapper);
  const int on_the_stack = 0;
  EXPECT_EQ(RangeOf(&on_the_stack), nullptr);
  EXPECT_EQ(registry_.current()->Find(0), nullptr);
  EXPECT_EQ(registry_.current()->Find(UINT64_MAX), nullptr);
  const ModuleMap& map = *registry_.current();
  for (uint32_t i = 0; i < map.count(); i++) {
    const ModuleRange& range = map.range(i);
    EXPECT_LT(range.begin, range.end);
    const uint64_t previous_end = i > 0 ? map.range(i - 1).end : 0;
    EXPECT_LE(previous_end, range.begin);
    EXPECT_EQ(map.Find(range.begin), &range);
    EXPECT_EQ(map.Find(range.end - 1), &range);
    EXPECT_NE(map.Find(range.begin - 1), &range);
    EXPECT_NE(map.Find(range.end), &range);
  }
}

TEST_F(ModuleRegistryTest, ListsTheVdsoAndTheProgram) {
  registry_.RefreshFromLoader();
  ASSERT_NE(Find("[vdso]"), nullptr);
  EXPECT_NE(Find("[vdso]")->cfi, nullptr);
  EXPECT_NE(Find(program_invocation_short_name), nullptr);
  EXPECT_EQ(registry_.modules()->id, 1u);
}

TEST_F(ModuleRegistryTest, MapsAndLoaderAgree) {
  registry_.RefreshFromLoader();
  PageArena arena(os::MapPages);
  ModuleRegistry from_maps(&arena);
  const std::string maps = Maps();
  ASSERT_TRUE(from_maps.RefreshFromMaps(maps.data(), maps.size()));
  const ModuleMap& a = *registry_.current();
  const ModuleMap& b = *from_maps.current();
  ASSERT_EQ(a.count(), b.count());
  for (uint32_t i = 0; i < a.count(); i++) {
    EXPECT_EQ(a.range(i).begin, b.range(i).begin);
    EXPECT_EQ(a.range(i).end, b.range(i).end);
    EXPECT_EQ(a.range(i).bias, b.range(i).bias);
    EXPECT_EQ(a.range(i).flags, b.range(i).flags);
    ASSERT_EQ(a.range(i).cfi == nullptr, b.range(i).cfi == nullptr);
    if (a.range(i).cfi == nullptr) continue;
    EXPECT_EQ(a.range(i).cfi->row_count(), b.range(i).cfi->row_count());
    EXPECT_EQ(a.range(i).cfi->rule_count(), b.range(i).cfi->rule_count());
  }
  for (const Module* m = registry_.modules(); m != nullptr; m = m->next) {
    const Module* other = from_maps.modules();
    while (other != nullptr && other->image.all.begin != m->image.all.begin) other = other->next;
    ASSERT_NE(other, nullptr) << m->path;
    // The loader has the name that was asked for (libx.so.6), maps has the file's (libx.so.6.0.3).
    EXPECT_EQ(BaseName(other->path).substr(0, 6), BaseName(m->path).substr(0, 6));
    EXPECT_EQ(other->image.build_id_size, m->image.build_id_size);
    EXPECT_EQ(memcmp(other->image.build_id, m->image.build_id, m->image.build_id_size), 0);
  }
}

TEST_F(ModuleRegistryTest, MixingTheSourcesAddsNothing) {
  EXPECT_TRUE(registry_.RefreshFromLoader());
  EXPECT_FALSE(registry_.RefreshFromLoader());
  EXPECT_FALSE(FromMaps());
  EXPECT_FALSE(FromMaps());
  EXPECT_FALSE(registry_.RefreshFromLoader());
}

TEST_F(ModuleRegistryTest, FollowsDlopenAndDlclose) {
  for (const bool maps : {false, true}) {
    const auto refresh = [&] { return maps ? FromMaps() : registry_.RefreshFromLoader(); };
    refresh();
    const bool was_known = Find(kLibrary) != nullptr;
    void* handle = dlopen(kLibrary, RTLD_NOW);
    ASSERT_NE(handle, nullptr) << dlerror();
    void* function = dlsym(handle, kFunction);
    EXPECT_EQ(RangeOf(function), nullptr);
    EXPECT_TRUE(refresh());
    ASSERT_NE(RangeOf(function), nullptr);
    EXPECT_NE(RangeOf(function)->cfi, nullptr);
    const Module* module = Find(kLibrary);
    EXPECT_EQ(was_known, maps) << "the second load finds the first one's module, if at its place";
    EXPECT_TRUE(module->loaded);
    EXPECT_EQ(module->changed_at, registry_.version());
    EXPECT_FALSE(refresh());
    EXPECT_LT(module->changed_at, registry_.version());
    dlclose(handle);
    EXPECT_TRUE(refresh());
    EXPECT_EQ(RangeOf(function), nullptr);
    EXPECT_FALSE(module->loaded);
  }
}

TEST_F(ModuleRegistryTest, ReloadsCostNoMemory) {
  registry_.RefreshFromLoader();
  size_t before = 0;
  std::set<const CfiTable*> tables;
  for (int i = 0; i < 200; i++) {
    void* handle = dlopen(kLibrary, RTLD_NOW);
    ASSERT_TRUE(registry_.RefreshFromLoader());
    tables.insert(RangeOf(dlsym(handle, kFunction))->cfi);
    dlclose(handle);
    ASSERT_TRUE(registry_.RefreshFromLoader());
    if (i == 20) before = arena_.mapped_bytes();
  }
  EXPECT_EQ(arena_.mapped_bytes(), before);
  EXPECT_EQ(tables.size(), 1u);
  EXPECT_EQ(registry_.live_versions(), 1u);
}

TEST_F(ModuleRegistryTest, TwoLoadsOfOneFileShareItsTable) {
  void* first = dlopen(kLibrary, RTLD_NOW);
  void* second = dlmopen(LM_ID_NEWLM, kLibrary, RTLD_NOW);
  if (second == nullptr) GTEST_SKIP() << dlerror();
  // (dl_iterate_phdr shows the caller's namespace only.)
  FromMaps();
  const ModuleRange* a = RangeOf(dlsym(first, kFunction));
  const ModuleRange* b = RangeOf(dlsym(second, kFunction));
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_NE(a->module_id, b->module_id);
  EXPECT_NE(a->bias, b->bias);
  EXPECT_EQ(a->cfi, b->cfi);
  dlclose(second);
  dlclose(first);
}

TEST_F(ModuleRegistryTest, KeepsTheVersionThatAReaderHolds) {
  MapReader& reader = readers_[0];
  registry_.Attach(&reader);
  registry_.RefreshFromLoader();
  EXPECT_TRUE(reader.Sync());
  EXPECT_FALSE(reader.Sync());
  const ModuleMap* held = reader.map();
  const uint32_t count = held->count();
  void* handle = dlopen(kLibrary, RTLD_NOW);
  registry_.RefreshFromLoader();
  dlclose(handle);
  registry_.RefreshFromLoader();
  EXPECT_EQ(registry_.live_versions(), 2u) << "the one in the middle is gone";
  EXPECT_EQ(reader.map(), held);
  EXPECT_EQ(held->count(), count);
  EXPECT_TRUE(reader.Sync());
  EXPECT_EQ(reader.map(), registry_.current());
  handle = dlopen(kLibrary, RTLD_NOW);
  registry_.RefreshFromLoader();
  EXPECT_EQ(registry_.live_versions(), 2u);
  reader.Release();
  dlclose(handle);
  registry_.RefreshFromLoader();
  EXPECT_EQ(registry_.live_versions(), 1u);
}

// Maps that are freed under a reader's hands fault here, and sanitizers see more.
TEST_F(ModuleRegistryTest, ReadersAndOwnerRunAtTheSameTime) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0};
  registry_.RefreshFromLoader();
  std::vector<std::thread> threads;
  for (MapReader& slot : readers_) {
    threads.emplace_back([&, reader = &slot] {
      registry_.Attach(reader);
      while (!stop.load(std::memory_order_relaxed)) {
        reader->Sync();
        const ModuleMap* map = reader->map();
        uint64_t last = 0;
        for (uint32_t k = 0; k < map->count(); k++) {
          ASSERT_GE(map->range(k).begin, last);
          last = map->range(k).end;
        }
        reads.fetch_add(1, std::memory_order_relaxed);
      }
      reader->Release();
    });
  }
  for (int i = 0; i < 300; i++) {
    void* handle = dlopen(kLibrary, RTLD_NOW);
    registry_.RefreshFromLoader();
    dlclose(handle);
    registry_.RefreshFromLoader();
    EXPECT_LE(registry_.live_versions(), 4u);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(reads.load(), 100u);
}

TEST_F(ModuleRegistryTest, KnowsCodeThatIsMappedASecondTime) {
  FromMaps();
  const Module* program = Find(program_invocation_short_name);
  ASSERT_NE(program, nullptr);
  const auto code = reinterpret_cast<uint64_t>(&BaseName);
  EXPECT_EQ(registry_.InModule(code), code);
  // Where in the file it is.
  std::stringstream lines(Maps());
  uint64_t begin = 0, end = 0, offset = 0;
  for (std::string line; std::getline(lines, line);) {
    char permissions[8];
    if (sscanf(line.c_str(), "%lx-%lx %7s %lx", &begin, &end, permissions, &offset) == 4 &&
        begin <= code && code < end) {
      break;
    }
  }
  ASSERT_LT(code, end);
  const uint64_t page = code & ~uint64_t{4095};
  const int fd = open("/proc/self/exe", O_RDONLY);
  void* copy = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
                    static_cast<off_t>(offset + (page - begin)));
  close(fd);
  ASSERT_NE(copy, MAP_FAILED);
  const auto base = reinterpret_cast<uint64_t>(copy);
  EXPECT_EQ(registry_.InModule(base), base) << "not seen yet";
  FromMaps();
  EXPECT_EQ(registry_.InModule(base), page);
  EXPECT_EQ(registry_.InModule(base + 4095), page + 4095);
  EXPECT_EQ(registry_.InModule(base + 4096), base + 4096);
  EXPECT_EQ(registry_.InModule(code), code);
  munmap(copy, 4096);
  FromMaps();
  EXPECT_EQ(registry_.InModule(base), base);
}

TEST_F(ModuleRegistryTest, TablesAreOptional) {
  ModuleRegistry names_only(&arena_, ModuleRegistry::Tables::kNone);
  const size_t before = arena_.mapped_bytes();
  const std::string maps = Maps();
  ASSERT_TRUE(names_only.RefreshFromMaps(maps.data(), maps.size()));
  for (const Module* m = names_only.modules(); m != nullptr; m = m->next) {
    EXPECT_EQ(m->cfi, nullptr);
  }
  EXPECT_LE(arena_.mapped_bytes() - before, 65536u);
}

TEST_F(ModuleRegistryTest, TheProgramsRowsCanWaitWithEitherSource) {
  for (const bool maps : {false, true}) {
    ModuleRegistry later(&arena_, ModuleRegistry::Tables::kMainLater);
    const std::string text = Maps();
    ASSERT_TRUE(maps ? later.RefreshFromMaps(text.data(), text.size()) : later.RefreshFromLoader());
    size_t direct = 0;
    for (const Module* m = later.modules(); m != nullptr; m = m->next) {
      if (m->cfi != nullptr && m->cfi->direct()) direct++;
    }
    EXPECT_EQ(direct, 1u);
    EXPECT_TRUE(later.BuildMainRows());
    for (const Module* m = later.modules(); m != nullptr; m = m->next) {
      EXPECT_FALSE(m->cfi != nullptr && m->cfi->direct());
    }
    EXPECT_FALSE(later.BuildMainRows());
  }
}

// A file that is mapped but not loaded, an executable file that is no ELF, lines that lie.
TEST_F(ModuleRegistryTest, MapsMayHoldAnything) {
  FromMaps();
  const uint32_t count = registry_.current()->count();
  const size_t kBytes = 8192;
  void* rubbish = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(rubbish, 0xAB, kBytes);
  // A library that somebody reads, but that is not loaded.
  const int fd = open(Find("libc.so")->path, O_RDONLY);
  void* data = mmap(nullptr, 65536, PROT_READ, MAP_PRIVATE, fd, 0);
  ASSERT_NE(data, MAP_FAILED);
  close(fd);
  std::stringstream lines;
  lines << Maps() << std::hex;
  const uint64_t at = reinterpret_cast<uint64_t>(rubbish);
  lines << at << "-" << at + kBytes << " r-xp 00000000 fe:00 99 /not/an/elf.bin\n";
  lines << "1000-2000 r-xp 00000000 fe:00 98 /not/mapped.so\n";
  lines << "7000-8000 r-xp 00001000 fe:00 97 /without/a/start.so\n";
  const std::string text = lines.str();
  EXPECT_FALSE(registry_.RefreshFromMaps(text.data(), text.size()));
  EXPECT_EQ(registry_.current()->count(), count);
  munmap(rubbish, kBytes);
  munmap(data, 65536);
}

}  // namespace
}  // namespace memtape
