// SPDX-License-Identifier: MIT
// What each page that this program mapped is, checked against what the kernel says.

#ifndef MEMTAPE_TEST_PROGRAMS_TRUTH_PAGES_H_
#define MEMTAPE_TEST_PROGRAMS_TRUTH_PAGES_H_

#include "truth.h"

// Open ones are odd, and the closed (PROT_NONE) one of the same kind follows.
enum state { UNMAPPED, OPEN, CLOSED, SHARED_OPEN, SHARED_CLOSED, FILE_OPEN, FILE_CLOSED, STATES };

// A run of addresses that this program got from one call. Calls never span two of them.
struct region {
  char* base;
  size_t pages;
  unsigned char* state;
};

enum { ARENA_PAGES = 1024, EXTRA_PAGES = 4096 };
enum call { MMAP, MMAP64, MUNMAP, MREMAP, MPROTECT, MADVISE, CALLS };

void count(enum call call, bool ok);
size_t pages_in(size_t bytes);
int state_after(int prot, int flags);
struct region* add_region(char* base, size_t pages, size_t capacity);
void set(struct region* region, size_t page, int state);

// One call, one change of the heap: pages that shrink it come first, so that no page-by-page peak is seen.
void set_range(struct region* region, size_t first, size_t pages, int state);

void check_against_kernel(void);

// Checks, and notes what is mapped now under NAME.
void step(const char* name);

#endif  // MEMTAPE_TEST_PROGRAMS_TRUTH_PAGES_H_
