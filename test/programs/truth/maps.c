// SPDX-License-Identifier: MIT
// Mappings, page by page: what each call does, checked against /proc/self/maps after every step.

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pages.h"

static int file = -1;  // what file-backed pages map

// One function a call, as for blocks: its name is in the stack of what it maps.
static struct region* map_new(size_t bytes, int prot, int flags) {
  void* base = mmap(NULL, bytes, prot, flags, flags & MAP_ANONYMOUS ? -1 : file, 0);
  count(MMAP, base != MAP_FAILED);
  if (base == MAP_FAILED) return NULL;
  struct region* region = add_region(base, pages_in(bytes), EXTRA_PAGES);
  set_range(region, 0, region->pages, state_after(prot, flags));
  return region;
}

static void map_over(struct region* region, size_t first, size_t pages, int prot, int flags) {
  void* at = region->base + first * PAGE;
  void* got = mmap64(at, pages * PAGE, prot, flags | MAP_FIXED, flags & MAP_ANONYMOUS ? -1 : file, 0);
  count(MMAP64, got != MAP_FAILED);
  EXPECT(got == at);
  set_range(region, first, pages, state_after(prot, flags));
}

static void unmap(struct region* region, size_t first, size_t pages) {
  int result = munmap(region->base + first * PAGE, pages * PAGE);
  count(MUNMAP, result == 0);
  EXPECT(result == 0);
  set_range(region, first, pages, UNMAPPED);
}

static void protect(struct region* region, size_t first, size_t pages, int prot) {
  int result = mprotect(region->base + first * PAGE, pages * PAGE, prot);
  count(MPROTECT, result == 0);
  EXPECT(result == 0);
  for (size_t i = first; i < first + pages; i++) {
    int open = region->state[i] - (region->state[i] + 1) % 2;  // OPEN states are odd
    set(region, i, prot == PROT_NONE ? open + 1 : open);
  }
}

// mprotect stops at the first hole with ENOMEM, and what lies before the hole has changed.
static void protect_across_hole(struct region* region, size_t first, size_t hole, size_t pages, int prot) {
  errno = 0;
  int result = mprotect(region->base + first * PAGE, pages * PAGE, prot);
  count(MPROTECT, result == 0);
  EXPECT(result == -1 && errno == ENOMEM);
  for (size_t i = first; i < hole; i++) set(region, i, prot == PROT_NONE ? CLOSED : OPEN);
}

static void advise(struct region* region, size_t first, size_t pages, int advice) {
  int result = madvise(region->base + first * PAGE, pages * PAGE, advice);
  count(MADVISE, result == 0);
  EXPECT(result == 0);
}

// Leaves the region where mremap put it. The pages keep their state, new ones take that of the last.
static void remap(struct region* region, size_t new_pages, int flags) {
  EXPECT(new_pages <= EXTRA_PAGES && region->pages > 0);
  void* moved = mremap(region->base, region->pages * PAGE, new_pages * PAGE, flags);
  count(MREMAP, moved != MAP_FAILED);
  if (moved == MAP_FAILED) return;
  int last = region->state[region->pages - 1];
  size_t old_pages = region->pages;
  if (new_pages < old_pages) set_range(region, new_pages, old_pages - new_pages, UNMAPPED);
  region->base = moved;
  region->pages = new_pages;
  if (new_pages > old_pages) set_range(region, old_pages, new_pages - old_pages, last);
}

static void remap_onto(struct region* from, struct region* onto, size_t first) {
  char* target = onto->base + first * PAGE;
  size_t pages = from->pages;
  int state = from->state[0];
  void* moved = mremap(from->base, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  count(MREMAP, moved == target);
  EXPECT(moved == target);
  set_range(onto, first, pages, UNMAPPED);
  set_range(from, 0, pages, UNMAPPED);
  from->pages = 0;
  set_range(onto, first, pages, state);
}

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define READ_WRITE (PROT_READ | PROT_WRITE)

static struct region* arena;

// Far below where the kernel puts mappings by itself: a hole that we make must not be filled by another thread's mmap,
// which our next MAP_FIXED would then destroy.
static void* const kArenaAddress = (void*)0x200000000;

static void prepare(void) {
  if (arena != NULL) return;
  file = memfd_create("truth-pages", MFD_CLOEXEC);
  EXPECT(file >= 0 && ftruncate(file, ARENA_PAGES * PAGE) == 0);
  int flags = ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  void* base = mmap(kArenaAddress, ARENA_PAGES * PAGE, PROT_NONE, flags, -1, 0);
  count(MMAP, base != MAP_FAILED);
  EXPECT(base == kArenaAddress);
  arena = add_region(base, ARENA_PAGES, ARENA_PAGES);
  set_range(arena, 0, ARENA_PAGES, CLOSED);
}

static void try_moves(void) {
  struct region* loose = map_new(10 * PAGE, READ_WRITE, ANONYMOUS);
  remap(loose, 40, MREMAP_MAYMOVE);
  step("mremap: grown");
  remap(loose, 5, 0);
  step("mremap: shrunk");
  map_over(arena, 600, 20, READ_WRITE, ANONYMOUS);
  remap_onto(loose, arena, 590 + 12);
  step("mremap: moved onto pages that were mapped");
  struct region* shared = map_new(7 * PAGE, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  step("mmap: shared and anonymous");
  void* twin = mremap(shared->base, 0, 7 * PAGE, MREMAP_MAYMOVE);
  count(MREMAP, twin != MAP_FAILED);
  EXPECT(twin != MAP_FAILED);
  set_range(add_region(twin, 7, EXTRA_PAGES), 0, 7, SHARED_OPEN);
  step("mremap: old length 0 makes a second view of shared pages");
}

static void try_failures(void) {
  count(MMAP, mmap(NULL, 0, READ_WRITE, ANONYMOUS, -1, 0) != MAP_FAILED);
  count(MMAP, mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) != MAP_FAILED);
  count(MUNMAP, munmap(arena->base + 1, PAGE) == 0);
  count(MPROTECT, mprotect(arena->base + 1, PAGE, READ_WRITE) == 0);
  count(MREMAP, mremap(arena->base, PAGE, SIZE_MAX / 2, 0) != MAP_FAILED);
  void* taken = mmap(arena->base, PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  count(MMAP, taken != MAP_FAILED);
  EXPECT(taken == MAP_FAILED && errno == EEXIST);
  step("calls that fail change nothing");
}

void run_maps(void) {
  prepare();
  step("mmap: PROT_NONE");
  protect(arena, 100, 50, READ_WRITE);
  step("mprotect: none to read-write");
  protect(arena, 110, 10, PROT_NONE);
  step("mprotect: back to none in the middle");
  protect(arena, 105, 40, PROT_READ);
  step("mprotect: over both kinds");
  unmap(arena, 120, 10);
  step("munmap: a hole in the middle");
  unmap(arena, 115, 20);
  step("munmap: over a hole");
  map_over(arena, 118, 4, READ_WRITE, ANONYMOUS);
  step("mmap: MAP_FIXED into the hole");
  map_over(arena, 95, 30, READ_WRITE, ANONYMOUS);
  step("mmap: MAP_FIXED over all kinds");
  map_over(arena, 200, 16, PROT_READ, MAP_PRIVATE);
  map_over(arena, 300, 16, READ_WRITE, MAP_SHARED);
  step("mmap: file-backed, private and shared");
  map_over(arena, 204, 4, READ_WRITE, ANONYMOUS);
  step("mmap: anonymous over file-backed");
  struct region* odd = map_new(5001, READ_WRITE, ANONYMOUS);
  step("mmap: a length that is not whole pages");
  memset(odd->base, 1, 2 * PAGE);
  advise(odd, 0, 2, MADV_DONTNEED);
  EXPECT(odd->base[0] == 0);
  step("madvise: MADV_DONTNEED");
  advise(odd, 0, 2, MADV_FREE);
  advise(odd, 0, 2, MADV_WILLNEED);
  step("madvise: MADV_FREE");
  try_moves();
  try_failures();
  unmap(arena, 600, 30);
  step("munmap: what mremap brought");
}

// What hardly any program does, and what takes more than the arguments of the call to follow.
void run_rare_maps(void) {
  prepare();
  struct region* source = map_new(9 * PAGE, READ_WRITE, ANONYMOUS);
  void* moved = mremap(source->base, 9 * PAGE, 9 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  count(MREMAP, moved != MAP_FAILED);
  if (moved != MAP_FAILED) set_range(add_region(moved, 9, EXTRA_PAGES), 0, 9, OPEN);
  step("mremap: MREMAP_DONTUNMAP leaves the old pages in place");
  map_over(arena, 400, 30, READ_WRITE, ANONYMOUS);
  unmap(arena, 410, 5);
  protect_across_hole(arena, 400, 410, 30, PROT_NONE);
  step("mprotect: fails at a hole, but not before it");
}

void run_random_maps(uint64_t count_of_calls, uint64_t seed) {
  prepare();
  for (uint64_t i = 0; i < count_of_calls; i++) {
    uint64_t random = next_random(&seed);
    size_t first = random % (ARENA_PAGES - 64), pages = 1 + (random >> 16) % 64;
    int prot = (random >> 24) % 3 == 0 ? PROT_NONE : READ_WRITE;
    switch ((random >> 32) % 8) {
      case 0:
        unmap(arena, first, pages);
        break;
      case 1:
        map_over(arena, first, pages, prot, MAP_SHARED | MAP_ANONYMOUS);
        break;
      case 2:
        map_over(arena, first, pages, prot, (random >> 40) % 2 ? MAP_SHARED : MAP_PRIVATE);
        break;
      case 3:
      case 4:
        while (pages > 0 && memchr(arena->state + first, UNMAPPED, pages) != NULL) pages--;
        if (pages > 0) protect(arena, first, pages, prot);
        break;
      default:
        map_over(arena, first, pages, prot, ANONYMOUS);
    }
    if (i % 1000 == 0) check_against_kernel();
  }
  step("random calls");
}
