// SPDX-License-Identifier: MIT
// A preload library that counts every call it sees, simply and slowly: a second opinion on any program.
// COUNTER_OUTPUT=FILE gets JSON when the process ends by exit or return; %p is not expanded, children are silent.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)

struct caller {
  void* address;
  uint64_t allocations, bytes, live_blocks, live_bytes;
};

struct block {
  void* address;  // NULL: never used; TOMBSTONE: freed
  size_t size;
  struct caller* caller;
};

enum { CALLERS = 1 << 14, BLOCKS = 1 << 23 };
#define TOMBSTONE ((void*)1)

static struct caller callers[CALLERS];
static struct block* blocks;
static size_t blocks_used;  // tombstones included
static uint64_t allocations, frees, foreign_frees, bytes, live_bytes, live_blocks, peak_bytes;
static uint64_t peak_changes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool enabled = true;
static char output[4096];

static void* (*real_malloc)(size_t);
static void* (*real_calloc)(size_t, size_t);
static void* (*real_realloc)(void*, size_t);
static void (*real_free)(void*);
static int (*real_posix_memalign)(void**, size_t, size_t);
static void* (*real_aligned_alloc)(size_t, size_t);
static void* (*real_memalign)(size_t, size_t);
static void* (*real_valloc)(size_t);
static void* (*real_pvalloc)(size_t);

// dlsym callocs before there is a calloc; these bytes are never freed.
static char bootstrap[8192];
static size_t bootstrap_used;

static void* bootstrap_calloc(size_t size) {
  void* address = bootstrap + bootstrap_used;
  bootstrap_used += (size + 15) & ~15ul;
  if (bootstrap_used > sizeof bootstrap) abort();
  return address;
}

static bool is_bootstrap(void* p) { return (char*)p >= bootstrap && (char*)p < bootstrap + sizeof bootstrap; }

static void resolve(void) {
  static bool resolving;
  if (resolving) return;
  resolving = true;
  real_calloc = (void* (*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
  real_malloc = (void* (*)(size_t))dlsym(RTLD_NEXT, "malloc");
  real_realloc = (void* (*)(void*, size_t))dlsym(RTLD_NEXT, "realloc");
  real_free = (void (*)(void*))dlsym(RTLD_NEXT, "free");
  real_posix_memalign = (int (*)(void**, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  real_aligned_alloc = (void* (*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
  real_memalign = (void* (*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign");
  real_valloc = (void* (*)(size_t))dlsym(RTLD_NEXT, "valloc");
  real_pvalloc = (void* (*)(size_t))dlsym(RTLD_NEXT, "pvalloc");
}

static size_t hash(void* address) { return ((uintptr_t)address >> 3) * 0x9E3779B97F4A7C15ull >> 20; }

static struct caller* caller_of(void* address) {
  size_t at = hash(address) % CALLERS;
  while (callers[at].address != NULL && callers[at].address != address) at = (at + 1) % CALLERS;
  callers[at].address = address;
  return &callers[at];
}

static struct block* find(void* address) {
  size_t at = hash(address) % BLOCKS;
  while (blocks[at].address != NULL && blocks[at].address != address) at = (at + 1) % BLOCKS;
  return &blocks[at];
}

static struct block* slot_for(void* address) {
  size_t at = hash(address) % BLOCKS;
  while (blocks[at].address != NULL && blocks[at].address != TOMBSTONE) at = (at + 1) % BLOCKS;
  if (blocks[at].address == NULL && ++blocks_used > BLOCKS / 10 * 9) abort();
  return &blocks[at];
}

static void enter(void) {
  pthread_mutex_lock(&lock);
  if (blocks == NULL) {
    blocks = mmap(NULL, sizeof(struct block) * BLOCKS, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks == MAP_FAILED) abort();
  }
}

static void take_peak(void) {
  peak_bytes = live_bytes;
  peak_changes = allocations + frees;
}

static void add(void* address, size_t size, void* from) {
  if (address == NULL || !enabled) return;
  enter();
  struct caller* caller = caller_of(from);
  *slot_for(address) = (struct block){address, size, caller};
  caller->allocations++;
  caller->bytes += size;
  caller->live_blocks++;
  caller->live_bytes += size;
  allocations++;
  bytes += size;
  live_blocks++;
  live_bytes += size;
  if (live_bytes >= peak_bytes) take_peak();
  pthread_mutex_unlock(&lock);
}

// Returns what was there, so that a realloc that fails can put it back.
static struct block drop(void* address) {
  struct block none = {NULL, 0, NULL};
  if (address == NULL || !enabled) return none;
  enter();
  struct block* found = find(address);
  struct block was = *found;
  if (was.address == NULL) {
    foreign_frees++;
  } else {
    was.caller->live_blocks--;
    was.caller->live_bytes -= was.size;
    live_blocks--;
    live_bytes -= was.size;
    frees++;
    found->address = TOMBSTONE;
  }
  pthread_mutex_unlock(&lock);
  return was;
}

static void restore(struct block was) {
  if (was.address == NULL) return;
  enter();
  *slot_for(was.address) = was;
  was.caller->live_blocks++;
  was.caller->live_bytes += was.size;
  live_blocks++;
  live_bytes += was.size;
  frees--;
  pthread_mutex_unlock(&lock);
}

void* malloc(size_t size) {
  if (real_malloc == NULL) resolve();
  if (real_malloc == NULL) return bootstrap_calloc(size);
  void* address = real_malloc(size);
  add(address, size, CALLER);
  return address;
}

void* calloc(size_t count, size_t size) {
  if (real_calloc == NULL) resolve();
  if (real_calloc == NULL) return bootstrap_calloc(count * size);
  void* address = real_calloc(count, size);
  add(address, count * size, CALLER);
  return address;
}

void free(void* address) {
  if (is_bootstrap(address)) return;
  if (real_free == NULL) resolve();
  drop(address);
  real_free(address);
}

static void* resize(void* old, size_t size, void* from) {
  if (real_realloc == NULL) resolve();
  struct block was = drop(old);
  void* address = real_realloc(old, size);
  if (address == NULL && size != 0) restore(was);
  add(address, size, from);
  return address;
}

void* realloc(void* old, size_t size) { return resize(old, size, CALLER); }

void* reallocarray(void* old, size_t count, size_t size) {
  size_t total;
  // The real one is asked only to fail as it does: it would come back here as a realloc.
  if (__builtin_mul_overflow(count, size, &total)) total = SIZE_MAX / 2 + 1;
  return resize(old, total, CALLER);
}

int posix_memalign(void** out, size_t alignment, size_t size) {
  if (real_posix_memalign == NULL) resolve();
  int error = real_posix_memalign(out, alignment, size);
  if (error == 0) add(*out, size, CALLER);
  return error;
}

#define ALIGNED(NAME)                                 \
  void* NAME(size_t alignment, size_t size) {         \
    if (real_##NAME == NULL) resolve();               \
    void* address = real_##NAME(alignment, size);     \
    add(address, size, CALLER);                       \
    return address;                                   \
  }
ALIGNED(aligned_alloc)
ALIGNED(memalign)

#define PAGES(NAME)                       \
  void* NAME(size_t size) {               \
    if (real_##NAME == NULL) resolve();   \
    void* address = real_##NAME(size);    \
    add(address, size, CALLER);           \
    return address;                       \
  }
PAGES(valloc)
PAGES(pvalloc)

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void in_parent(void) { pthread_mutex_unlock(&lock); }
static void in_child(void) {
  enabled = false;
  pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void start(void) {
  const char* path = getenv("COUNTER_OUTPUT");
  if (path != NULL) snprintf(output, sizeof output, "%s", path);
  unsetenv("COUNTER_OUTPUT");
  pthread_atfork(before_fork, in_parent, in_child);
}

static void print_caller(FILE* file, const struct caller* caller, const char* separator) {
  Dl_info info;
  bool known = dladdr(caller->address, &info) != 0;
  const char* name = known && info.dli_sname ? info.dli_sname : "";
  const char* module = known && info.dli_fname ? info.dli_fname : "";
  fprintf(file, "%s\n{\"function\":\"%s\",\"module\":\"%s\",", separator, name, module);
  fprintf(file, "\"allocations\":%lu,\"bytes\":%lu,", caller->allocations, caller->bytes);
  fprintf(file, "\"liveBlocks\":%lu,\"liveBytes\":%lu}", caller->live_blocks, caller->live_bytes);
}

__attribute__((destructor)) static void finish(void) {
  if (!enabled || output[0] == 0) return;
  enabled = false;
  FILE* file = fopen(output, "w");
  if (file == NULL) return;
  fprintf(file, "{\"allocations\":%lu,\"bytes\":%lu,\"frees\":%lu,", allocations, bytes, frees);
  fprintf(file, "\"foreignFrees\":%lu,\"liveBlocks\":%lu,", foreign_frees, live_blocks);
  fprintf(file, "\"liveBytes\":%lu,\"peakBytes\":%lu,", live_bytes, peak_bytes);
  fprintf(file, "\"peakChanges\":%lu,\"callers\":[", peak_changes);
  const char* separator = "";
  for (size_t i = 0; i < CALLERS; i++) {
    if (callers[i].address == NULL) continue;
    print_caller(file, &callers[i], separator);
    separator = ",";
  }
  fprintf(file, "]}\n");
  fclose(file);
}
