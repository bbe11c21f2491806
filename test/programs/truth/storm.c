// SPDX-License-Identifier: MIT
// Threads that allocate as fast as they can and free each other's blocks. What each allocates follows from the seed
// alone, so totals, leaks and the peak are the same in every run, whatever the order in which the threads run.

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

// clang-format off: the line of a site is the line of its name
SITE(storm_malloc, "malloc", (size_t size), size, malloc(size))
SITE(storm_calloc, "calloc", (size_t size), size, calloc(1, size))
SITE(storm_aligned_alloc, "aligned_alloc", (size_t size), size, aligned_alloc(64, size))
SITE(storm_memalign, "memalign", (size_t size), size, memalign(128, size))
SITE(storm_valloc, "valloc", (size_t size), size, valloc(size))
SITE(storm_pvalloc, "pvalloc", (size_t size), size, pvalloc(size))
SITE(storm_tide, "malloc", (size_t size), size, malloc(size))
// clang-format on

struct block storm_posix_memalign(size_t size) {
  SITE_RECORD(storm_posix_memalign, "posix_memalign");
  void* address = NULL;
  EXPECT(posix_memalign(&address, 32, size) == 0);
  return ledger_add(&site, address, size);
}

struct block storm_realloc(struct block old, size_t size) {
  SITE_RECORD(storm_realloc, "realloc");
  ledger_remove(old);
  return ledger_add(&site, realloc(old.address, size), size);
}

struct block storm_reallocarray(struct block old, size_t size) {
  SITE_RECORD(storm_reallocarray, "reallocarray");
  ledger_remove(old);
  return ledger_add(&site, reallocarray(old.address, 1, size), size);
}

enum {
  MAX_STORM_THREADS = 64,
  SLOTS = 512,
  MAILBOX = 128,
  MAX_SIZE = 4096,
  TIDE_BLOCKS = 128,
  LEAK_EVERY = 16,
};

// The tide must top whatever lived before it, however the threads interleave.
static const size_t kBound = (SLOTS + MAILBOX) * (size_t)MAX_SIZE;
static const size_t kTideSize = 32768 + 1;
_Static_assert(TIDE_BLOCKS * 32768ul > (SLOTS + MAILBOX) * (size_t)MAX_SIZE, "the tide is too low");

struct mailbox {
  pthread_mutex_t lock;
  struct block blocks[MAILBOX];
  int count;
};

struct storm {
  int number;
  uint64_t random, events;
  struct block slots[SLOTS];
  struct block tide[TIDE_BLOCKS];
  struct mailbox mailbox;
  char name[16];
};

static struct storm* storms;
static int storm_count;
static uint64_t events_each;
static pthread_barrier_t barrier;

// First and last byte carry a mark: a block that two owners share shows it when it is freed.
static void mark(struct block block) {
  if (block.size == 0) return;
  ((volatile unsigned char*)block.address)[0] = (unsigned char)block.size;
  ((volatile unsigned char*)block.address)[block.size - 1] = (unsigned char)block.size;
}

static void check_and_release(struct block block) {
  if (block.address != NULL && block.size > 0) {
    EXPECT(((volatile unsigned char*)block.address)[0] == (unsigned char)block.size);
    EXPECT(((volatile unsigned char*)block.address)[block.size - 1] == (unsigned char)block.size);
  }
  release(block);
}

// Puts BLOCK in another thread's mailbox, or frees it here when that is full: one free either way.
static void give_away(struct storm* to, struct block block) {
  pthread_mutex_lock(&to->mailbox.lock);
  bool full = to->mailbox.count == MAILBOX;
  if (!full) to->mailbox.blocks[to->mailbox.count++] = block;
  pthread_mutex_unlock(&to->mailbox.lock);
  if (full) check_and_release(block);
}

static void empty_mailbox(struct storm* self) {
  struct block blocks[MAILBOX];
  pthread_mutex_lock(&self->mailbox.lock);
  int count = self->mailbox.count;
  memcpy(blocks, self->mailbox.blocks, (size_t)count * sizeof *blocks);
  self->mailbox.count = 0;
  pthread_mutex_unlock(&self->mailbox.lock);
  for (int i = 0; i < count; i++) check_and_release(blocks[i]);
}

static struct block allocate(unsigned kind, size_t size) {
  if (kind < 40) return storm_malloc(size);
  if (kind < 55) return storm_calloc(size);
  if (kind < 60) return storm_posix_memalign(size);
  if (kind < 64) return storm_aligned_alloc((size + 63) / 64 * 64);
  if (kind < 67) return storm_memalign(size);
  if (kind < 68) return storm_valloc(size);
  if (kind < 69) return storm_pvalloc(size);
  if (kind < 72) return storm_reallocarray((struct block){NULL, 0, NULL, 0}, size);
  return storm_realloc((struct block){NULL, 0, NULL, 0}, size);
}

static bool holds(struct block block) { return block.address != NULL; }

static void act(struct storm* self) {
  uint64_t random = next_random(&self->random);
  struct block* slot = &self->slots[random % SLOTS];
  unsigned kind = (unsigned)(random >> 16) % 100;
  // Mostly small, as in real programs; 4032 so that rounding up to 64 stays below MAX_SIZE.
  size_t size = 1 + (size_t)(random >> 32) % ((random >> 24) % 8 == 0 ? 4032 : 256);
  self->events += holds(*slot);
  if (holds(*slot) && kind >= 75) {
    if (kind < 88) give_away(&storms[(self->number + 1 + (int)(random >> 56)) % storm_count], *slot);
    if (kind >= 88) check_and_release(*slot);
    *slot = (struct block){NULL, 0, NULL, 0};
    return;
  }
  self->events++;
  if (holds(*slot) && kind >= 50) {
    *slot = kind < 53 ? storm_reallocarray(*slot, size) : storm_realloc(*slot, size);
  } else {
    if (holds(*slot)) check_and_release(*slot);
    *slot = allocate(kind, size);
  }
  EXPECT(holds(*slot));
  mark(*slot);
}

static void* storm(void* argument) {
  struct storm* self = argument;
  ledger_enter_thread(self->number + 1, self->name);
  pthread_setname_np(pthread_self(), self->name);
  while (self->events < events_each) {
    act(self);
    if (self->events % 64 == 0) empty_mailbox(self);
  }
  pthread_barrier_wait(&barrier);  // nobody gives away any more
  empty_mailbox(self);
  for (int i = 0; i < TIDE_BLOCKS; i++) self->tide[i] = storm_tide(kTideSize);
  pthread_barrier_wait(&barrier);
  if (self->number == 0) ledger_peak_now();
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < TIDE_BLOCKS; i++) release(self->tide[i]);
  for (int i = 0; i < SLOTS; i++) {
    if (i % LEAK_EVERY != 0) check_and_release(self->slots[i]);
  }
  return NULL;
}

void run_storm(int threads, uint64_t events, uint64_t seed) {
  EXPECT(threads > 0 && threads <= MAX_STORM_THREADS && kTideSize * TIDE_BLOCKS > kBound);
  static struct storm all[MAX_STORM_THREADS];
  static pthread_t handles[MAX_STORM_THREADS];
  storms = all;
  storm_count = threads;
  events_each = events / (uint64_t)threads;
  EXPECT(pthread_barrier_init(&barrier, NULL, (unsigned)threads) == 0);
  ledger_single_thread(false);
  for (int i = 0; i < threads; i++) {
    struct storm* self = &all[i];
    memset(self, 0, sizeof *self);
    self->number = i;
    self->random = (seed + 1) * 0x9E3779B97F4A7C15ull + (uint64_t)i * 0xBF58476D1CE4E5B9ull + 1;
    snprintf(self->name, sizeof self->name, "storm-%d", i);
    EXPECT(pthread_mutex_init(&self->mailbox.lock, NULL) == 0);
  }
  for (int i = 0; i < threads; i++) EXPECT(pthread_create(&handles[i], NULL, storm, &all[i]) == 0);
  for (int i = 0; i < threads; i++) EXPECT(pthread_join(handles[i], NULL) == 0);
  EXPECT(pthread_barrier_destroy(&barrier) == 0);
  ledger_single_thread(true);
}
