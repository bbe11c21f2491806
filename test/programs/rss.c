// SPDX-License-Identifier: MIT
// Programs whose resident memory is of one kind, which they are called by. Each stands still at the end, so that what it
// is then can be looked at. Prints bytes that it knows.
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MB (1 << 20)

enum { kBlock = 1000, kBlocks = 100000, kThreads = 3, kStackBytes = 12 * MB };

static size_t resident(void) {
  size_t pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*u %zu", &pages) != 1) abort();
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static char** allocate(size_t count) {
  char** blocks = malloc(count * sizeof *blocks);
  for (size_t i = 0; i < count; i++) {
    blocks[i] = malloc(kBlock);
    memset(blocks[i], 1, kBlock);
  }
  return blocks;
}

/* Keeps one in `step`, counted from `first`. */
static size_t thin_out(char** blocks, size_t count, size_t first, size_t step) {
  size_t live = 0;
  for (size_t i = 0; i < count; i++) {
    if (i % step == first) {
      live += kBlock;
    } else {
      free(blocks[i]);
    }
  }
  return live;
}

static pthread_barrier_t thinned, looked;

static void* fragment_arena(void* unused) {
  (void)unused;
  char** blocks = allocate(kBlocks / kThreads);
  thin_out(blocks, kBlocks / kThreads, 0, 10);
  pthread_barrier_wait(&thinned);
  pthread_barrier_wait(&looked);
  return blocks;
}

static void* fill_stack(void* unused) {
  (void)unused;
  volatile char deep[kStackBytes - MB];
  for (size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
  pthread_barrier_wait(&thinned);
  pthread_barrier_wait(&looked);
  return NULL;
}

static void run_threads(void* (*body)(void*)) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_barrier_init(&thinned, NULL, kThreads + 1);
  pthread_barrier_init(&looked, NULL, kThreads + 1);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; i++) pthread_create(&threads[i], &attributes, body, NULL);
  pthread_barrier_wait(&thinned);
}

static void map(size_t bytes, const char* path) {
  FILE* file = path == NULL ? NULL : fopen(path, "w+");
  if (file != NULL && ftruncate(fileno(file), (off_t)bytes) != 0) abort();
  const int flags = file == NULL ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  char* pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file == NULL ? -1 : fileno(file), 0);
  if (pages == MAP_FAILED) abort();
  for (size_t i = 0; i < bytes; i += 4096) pages[i] = 1;
}

int main(int argc, char** argv) {
  const char* kind = argc > 1 ? argv[1] : "";
  const int trim = argc > 2 && strcmp(argv[2], "trim") == 0;
  size_t live = 0;
  if (strcmp(kind, "fragments") == 0) live = thin_out(allocate(kBlocks), kBlocks, 0, 10);
  if (strcmp(kind, "retained") == 0) {
    live = thin_out(allocate(kBlocks), kBlocks, kBlocks - 1, kBlocks);
  }
  if (strcmp(kind, "blocks") == 0) live = thin_out(allocate(kBlocks), kBlocks, 0, 1);
  if (strcmp(kind, "untouched") == 0 && malloc(512 * (size_t)MB) != NULL) {
    live = 512 * (size_t)MB + thin_out(allocate(kBlocks), kBlocks, 0, 1);
  }
  if (strcmp(kind, "arenas") == 0) run_threads(fragment_arena);
  if (strcmp(kind, "stacks") == 0) run_threads(fill_stack);
  if (strcmp(kind, "mapping") == 0) map(64 * (size_t)MB, NULL);
  if (strcmp(kind, "file") == 0) map(64 * (size_t)MB, argv[2]);
  size_t given_back = 0;
  if (trim) {
    const size_t before = resident();
    malloc_trim(0);
    given_back = before - resident();
  }
  printf("{\"live\":%zu,\"givenBack\":%zu,\"free\":%zu}\n", live, given_back, mallinfo2().fordblks);
  fflush(stdout);
  /* Not by exit: what the C library frees then would go before the last look. */
  _exit(0);
}
