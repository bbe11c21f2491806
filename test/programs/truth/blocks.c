// SPDX-License-Identifier: MIT
// Every function that makes or ends a block, with every argument that is known to confuse a profiler.

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "truth.h"

// C23; glibc has them since 2.43. Weak, so that the program runs on both sides of it.
extern void free_sized(void* address, size_t size) __attribute__((weak));
extern void free_aligned_sized(void* address, size_t alignment, size_t size) __attribute__((weak));

// clang-format off: the line of a site is the line of its name
SITE(site_malloc, "malloc", (size_t size), size, malloc(size))
SITE(site_calloc, "calloc", (size_t count, size_t size), count * size, calloc(count, size))
SITE(site_aligned_alloc, "aligned_alloc", (size_t alignment, size_t size), size, aligned_alloc(alignment, size))
SITE(site_memalign, "memalign", (size_t alignment, size_t size), size, memalign(alignment, size))
SITE(site_valloc, "valloc", (size_t size), size, valloc(size))
SITE(site_pvalloc, "pvalloc", (size_t size), size, pvalloc(size))
// clang-format on

struct block site_posix_memalign(size_t alignment, size_t size) {
  SITE_RECORD(site_posix_memalign, "posix_memalign");
  void* address = NULL;
  int before = errno;
  int error = posix_memalign(&address, alignment, size);
  EXPECT((error == 0) == (address != NULL) && errno == before);
  return ledger_add(&site, address, size);
}

// realloc ends the old block before it makes the new one; when it fails the old one lives on.
struct block site_realloc(struct block old, size_t size) {
  SITE_RECORD(site_realloc, "realloc");
  ledger_remove(old);
  void* address = realloc(old.address, size);
  if (address == NULL && size == 0 && old.address != NULL) return (struct block){NULL, 0, &site, 0};
  struct block result = ledger_add(&site, address, size);
  if (address == NULL) ledger_undo_remove(old);
  return result;
}

struct block site_reallocarray(struct block old, size_t count, size_t size) {
  SITE_RECORD(site_reallocarray, "reallocarray");
  ledger_remove(old);
  void* address = reallocarray(old.address, count, size);
  struct block result = ledger_add(&site, address, count * size);
  if (address == NULL) ledger_undo_remove(old);
  return result;
}

void release(struct block block) {
  ledger_remove(block);
  free(block.address);
}

static void release_sized(struct block block) {
  ledger_remove(block);
  if (free_sized != NULL) {
    free_sized(block.address, block.size);
  } else {
    free(block.address);
  }
}

static void release_aligned_sized(struct block block, size_t alignment) {
  ledger_remove(block);
  if (free_aligned_sized != NULL) {
    free_aligned_sized(block.address, alignment, block.size);
  } else {
    free(block.address);
  }
}

static void free_null(void) {
  errno = EDOM;
  free(NULL);
  ledger_null_free();
  EXPECT(errno == EDOM);
}

// volatile: the compiler must neither see the absurd sizes nor drop the calls.
static volatile size_t huge = PTRDIFF_MAX;
static volatile size_t half = SIZE_MAX / 2 + 1;

static void try_failures(struct block survivor) {
  errno = 0;
  EXPECT(site_malloc(huge).address == NULL && errno == ENOMEM);
  errno = 0;
  EXPECT(site_calloc(half, 2).address == NULL && errno == ENOMEM);
  EXPECT(site_calloc(huge, 1).address == NULL);
  errno = 0;
  EXPECT(site_realloc(survivor, huge).address == NULL && errno == ENOMEM);
  EXPECT(site_reallocarray(survivor, half, 4).address == NULL);
  EXPECT(site_realloc((struct block){NULL, 0, NULL, 0}, huge).address == NULL);
  EXPECT(site_posix_memalign(3, 100).address == NULL);
  EXPECT(site_posix_memalign(64, huge).address == NULL);
  EXPECT(site_aligned_alloc(64, huge).address == NULL);
  EXPECT(site_memalign(64, huge).address == NULL);
  EXPECT(site_valloc(huge).address == NULL);
  EXPECT(site_pvalloc(huge).address == NULL);
}

static void try_sizes(void) {
  static const size_t kSizes[] = {0, 1, 8, 24, 1000, 4096, 100003, 200003, 5000011};
  struct block blocks[sizeof kSizes / sizeof *kSizes];
  for (size_t i = 0; i < sizeof kSizes / sizeof *kSizes; i++) {
    blocks[i] = site_malloc(kSizes[i]);
    EXPECT(malloc_usable_size(blocks[i].address) >= kSizes[i]);
    memset(blocks[i].address, 0x5A, kSizes[i]);
  }
  for (size_t i = 0; i < sizeof kSizes / sizeof *kSizes; i++) release(blocks[i]);
  struct block zeroed = site_calloc(1009, 13);
  for (size_t i = 0; i < zeroed.size; i++) EXPECT(((char*)zeroed.address)[i] == 0);
  release(zeroed);
  release(site_calloc(0, 8));
  release(site_calloc(8, 0));
}

static void try_aligned(void) {
  struct block block = site_posix_memalign(64, 100);
  EXPECT((uintptr_t)block.address % 64 == 0);
  release_aligned_sized(block, 64);
  block = site_aligned_alloc(4096, 8192);
  EXPECT((uintptr_t)block.address % 4096 == 0);
  release_aligned_sized(block, 4096);
  block = site_memalign(256, 301);
  EXPECT((uintptr_t)block.address % 256 == 0);
  release(block);
  block = site_valloc(5003);
  EXPECT((uintptr_t)block.address % PAGE == 0);
  release(block);
  block = site_pvalloc(5003);
  EXPECT((uintptr_t)block.address % PAGE == 0);
  release(block);
  release_sized(site_malloc(211));
}

static struct block try_reallocs(void) {
  struct block block = site_realloc((struct block){NULL, 0, NULL, 0}, 100);
  memset(block.address, 7, 100);
  block = site_realloc(block, 100);     // same size
  block = site_realloc(block, 104);     // in place
  block = site_realloc(block, 100003);  // moves
  block = site_realloc(block, 9000011); // glibc moves it to pages of its own
  block = site_realloc(block, 30000001);// which mremap then moves
  EXPECT(((char*)block.address)[99] == 7);
  block = site_realloc(block, 51);      // and shrinks
  EXPECT(((char*)block.address)[50] == 7);
  EXPECT(site_realloc(block, 0).address == NULL);
  release(site_realloc((struct block){NULL, 0, NULL, 0}, 0));
  block = site_reallocarray((struct block){NULL, 0, NULL, 0}, 7, 11);
  return site_reallocarray(block, 700, 11);
}

void run_blocks(void) {
  free_null();
  try_sizes();
  try_aligned();
  struct block survivor = try_reallocs();
  try_failures(survivor);
  release(survivor);
  for (int i = 0; i < 5; i++) site_malloc(1013);  // leaked on purpose: 5 of 1013 bytes
  site_calloc(2, 1019);
  free_null();
}

// Allocations that libc makes for its caller: the innermost native caller is in libc.
void run_libc(void) {
  char* copy = strdup("a string of which libc makes a copy");
  char* text = NULL;
  EXPECT(asprintf(&text, "%d %s", 42, copy) > 0);
  DIR* directory = opendir("/");
  EXPECT(directory != NULL);
  closedir(directory);
  free(text);
  free(copy);
}

static struct block grow_to(size_t total, size_t step, struct block (*allocate)(size_t), struct block* out) {
  size_t count = total / step;
  for (size_t i = 0; i < count; i++) out[i] = allocate(step);
  return out[count - 1];
}

// clang-format off
SITE(first_summit, "malloc", (size_t size), size, malloc(size))
SITE(second_summit, "malloc", (size_t size), size, malloc(size))
SITE(foothill, "malloc", (size_t size), size, malloc(size))
SITE(temporary_site, "malloc", (size_t size), size, malloc(size))
// clang-format on

// Two summits of the same height: the later one is the peak. Foothills come before, between and after.
void run_peak(void) {
  enum { kStep = 10007, kCount = 100 };
  struct block low[kCount], high[kCount];
  grow_to(kStep * 20, kStep, foothill, low);
  grow_to(kStep * kCount, kStep, first_summit, high);
  for (int i = 0; i < kCount; i++) release(high[i]);
  for (int i = 0; i < 1000; i++) {
    struct block one = temporary_site(4001);
    struct block two = temporary_site(3001);
    release(one);  // one further allocation came between
    release(two);  // none did
  }
  grow_to(kStep * kCount, kStep, second_summit, high);
  for (int i = 0; i < kCount; i++) release(high[i]);
  for (int i = 0; i < 20; i += 2) release(low[i]);
}

// clang-format off
SITE(tide_malloc, "malloc", (size_t size), size, malloc(size))
// clang-format on

// Higher than everything before it: what libc allocated meanwhile cannot put the process's peak elsewhere.
void run_tide(void) {
  enum { kBlocks = 64 };
  static struct block blocks[kBlocks];
  for (int i = 0; i < kBlocks; i++) blocks[i] = tide_malloc((1 << 20) + 1);
  for (int i = 0; i < kBlocks; i++) release(blocks[i]);
}
