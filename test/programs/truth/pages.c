// SPDX-License-Identifier: MIT
#include "pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char* const kStateNames[STATES] = {
    "unmapped", "anonymous", "anonymousNone", "sharedAnonymous", "sharedAnonymousNone", "file", "fileNone"};

enum { MAX_REGIONS = 32 };
static struct region regions[MAX_REGIONS];
static int region_count;
static unsigned char states[ARENA_PAGES + MAX_REGIONS * EXTRA_PAGES];
static size_t states_used;
static size_t totals[STATES];
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

void count(enum call call, bool ok) {
  calls[call].calls++;
  calls[call].failures += !ok;
}

size_t pages_in(size_t bytes) { return (bytes + PAGE - 1) / PAGE; }

static bool counts_as_committed(int state) { return state == OPEN || state == SHARED_OPEN; }

void set(struct region* region, size_t page, int state) {
  unsigned char* slot = &region->state[page];
  if (counts_as_committed(*slot) != counts_as_committed(state)) {
    ledger_commit(counts_as_committed(state) ? (int64_t)PAGE : -(int64_t)PAGE);
  }
  totals[*slot] -= *slot != UNMAPPED;
  *slot = (unsigned char)state;
  totals[state] += state != UNMAPPED;
}

void set_range(struct region* region, size_t first, size_t pages, int state) {
  EXPECT(first + pages <= region->pages);
  for (size_t i = first; i < first + pages; i++) set(region, i, state);
}

struct region* add_region(char* base, size_t pages, size_t capacity) {
  EXPECT(region_count < MAX_REGIONS && capacity >= pages);
  struct region* region = &regions[region_count++];
  *region = (struct region){base, pages, states + states_used};
  states_used += capacity;
  EXPECT(states_used <= sizeof states);
  return region;
}

int state_after(int prot, int flags) {
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

void check_against_kernel(void) {
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

void step(const char* name) {
  check_against_kernel();
  EXPECT(step_count < (int)(sizeof steps / sizeof *steps));
  steps[step_count].name = name;
  memcpy(steps[step_count++].totals, totals, sizeof totals);
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
