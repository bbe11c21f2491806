// SPDX-License-Identifier: MIT
// Mappings, page by page: an independent model of what each call does, checked against /proc/self/maps after every step.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

enum state { UNMAPPED, OPEN, CLOSED, SHARED_OPEN, SHARED_CLOSED, FILE_OPEN, FILE_CLOSED, STATES };
static const char* const kStateNames[STATES] = {
    "unmapped", "anonymous", "anonymousNone", "sharedAnonymous", "sharedAnonymousNone", "file", "fileNone"};

// A run of addresses that this program got from one call. Calls never span two of them.
struct region {
  char* base;
  size_t pages;
  unsigned char* state;
};

enum { MAX_REGIONS = 32, ARENA_PAGES = 1024, EXTRA_PAGES = 4096 };
static struct region regions[MAX_REGIONS];
static int region_count;
static unsigned char states[ARENA_PAGES + MAX_REGIONS * EXTRA_PAGES];
static size_t states_used;
static size_t totals[STATES];
static int file = -1;
static struct {
  const char* name;
  size_t totals[STATES];
} steps[64];
static int step_count;
static struct {
  const char* function;
  uint64_t calls, failures;
} calls[] = {{"mmap", 0, 0},   {"mmap64", 0, 0},   {"munmap", 0, 0},
             {"mremap", 0, 0}, {"mprotect", 0, 0}, {"madvise", 0, 0}};
enum call { MMAP, MMAP64, MUNMAP, MREMAP, MPROTECT, MADVISE, CALLS };

static void count(enum call call, bool ok) {
  calls[call].calls++;
  calls[call].failures += !ok;
}

static size_t pages_in(size_t bytes) { return (bytes + PAGE - 1) / PAGE; }

static bool counts_as_committed(int state) { return state == OPEN || state == SHARED_OPEN; }

static void set(struct region* region, size_t page, int state) {
  unsigned char* slot = &region->state[page];
  if (counts_as_committed(*slot) != counts_as_committed(state)) {
    ledger_commit(counts_as_committed(state) ? (int64_t)PAGE : -(int64_t)PAGE);
  }
  totals[*slot] -= *slot != UNMAPPED;
  *slot = (unsigned char)state;
  totals[state] += state != UNMAPPED;
}

// One call, one change of the heap: pages that shrink it come first, so that no page-by-page peak is seen.
static void set_range(struct region* region, size_t first, size_t pages, int state) {
  EXPECT(first + pages <= region->pages);
  for (size_t i = first; i < first + pages; i++) set(region, i, state);
}

static struct region* add_region(char* base, size_t pages, size_t capacity) {
  EXPECT(region_count < MAX_REGIONS && capacity >= pages);
  struct region* region = &regions[region_count++];
  *region = (struct region){base, pages, states + states_used};
  states_used += capacity;
  EXPECT(states_used <= sizeof states);
  return region;
}

static int state_after(int prot, int flags) {
  bool none = prot == PROT_NONE;
  if (!(flags & MAP_ANONYMOUS)) return none ? FILE_CLOSED : FILE_OPEN;
  if (flags & MAP_SHARED) return none ? SHARED_CLOSED : SHARED_OPEN;
  return none ? CLOSED : OPEN;
}

// The kernel's own view must be ours. Reads with read(2) into a static buffer: nothing here may allocate.
static char kernel_text[1 << 20];

static void check_line(const char* line) {
  char* rest;
  uintptr_t start = strtoul(line, &rest, 16), end = strtoul(rest + 1, &rest, 16);
  const char* perms = rest + 1;
  bool none = perms[0] == '-' && perms[1] == '-' && perms[2] == '-';
  bool named = strstr(line, "truth-pages") != NULL;
  for (int i = 0; i < region_count; i++) {
    for (size_t page = 0; page < regions[i].pages; page++) {
      uintptr_t at = (uintptr_t)regions[i].base + page * PAGE;
      if (at < start || at >= end) continue;
      int state = regions[i].state[page] & 0x7F;
      int expected = named ? FILE_OPEN : perms[3] == 's' ? SHARED_OPEN : OPEN;
      EXPECT(state == expected + none);
      regions[i].state[page] |= 0x80;  // seen
    }
  }
}

static void check_against_kernel(void) {
  int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  EXPECT(maps >= 0);
  size_t used = 0;
  for (ssize_t n; (n = read(maps, kernel_text + used, sizeof kernel_text - 1 - used)) > 0;) used += (size_t)n;
  close(maps);
  kernel_text[used] = 0;
  for (char* line = kernel_text; *line;) {
    char* end = strchr(line, '\n');
    *end = 0;
    check_line(line);
    line = end + 1;
  }
  for (int i = 0; i < region_count; i++) {
    for (size_t page = 0; page < regions[i].pages; page++) {
      bool seen = regions[i].state[page] & 0x80;
      regions[i].state[page] &= 0x7F;
      EXPECT(seen == (regions[i].state[page] != UNMAPPED));
    }
  }
}

static void step(const char* name) {
  check_against_kernel();
  EXPECT(step_count < (int)(sizeof steps / sizeof *steps));
  steps[step_count].name = name;
  memcpy(steps[step_count++].totals, totals, sizeof totals);
}

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

static void prepare(void) {
  if (arena != NULL) return;
  file = memfd_create("truth-pages", MFD_CLOEXEC);
  EXPECT(file >= 0 && ftruncate(file, ARENA_PAGES * PAGE) == 0);
  void* base = mmap(NULL, ARENA_PAGES * PAGE, PROT_NONE, ANONYMOUS | MAP_NORESERVE, -1, 0);
  count(MMAP, base != MAP_FAILED);
  EXPECT(base != MAP_FAILED);
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
  struct region* source = map_new(9 * PAGE, READ_WRITE, ANONYMOUS);
  void* moved = mremap(source->base, 9 * PAGE, 9 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  count(MREMAP, moved != MAP_FAILED);
  if (moved != MAP_FAILED) set_range(add_region(moved, 9, EXTRA_PAGES), 0, 9, OPEN);
  step("mremap: MREMAP_DONTUNMAP");
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
  map_over(arena, 400, 30, READ_WRITE, ANONYMOUS);
  unmap(arena, 410, 5);
  protect_across_hole(arena, 400, 410, 30, PROT_NONE);
  step("mprotect: fails at a hole, but not before it");
  try_moves();
  try_failures();
  unmap(arena, 600, 30);
  step("munmap: what mremap brought");
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

static void print_totals(const size_t* of) {
  for (int state = OPEN; state < STATES; state++) json_number(kStateNames[state], (int64_t)(of[state] * PAGE));
}

void maps_print(void) {
  json_open("maps", '{');
  json_open("calls", '[');
  for (int i = 0; i < CALLS; i++) {
    if (calls[i].calls == 0) continue;
    json_open(NULL, '{');
    json_string("function", calls[i].function);
    json_number("calls", (int64_t)calls[i].calls);
    json_number("failures", (int64_t)calls[i].failures);
    json_close('}');
  }
  json_close(']');
  json_open("steps", '[');
  for (int i = 0; i < step_count; i++) {
    json_open(NULL, '{');
    json_string("name", steps[i].name);
    print_totals(steps[i].totals);
    json_close('}');
  }
  json_close(']');
  json_open("end", '{');
  print_totals(totals);
  json_close('}');
  json_close('}');
}
