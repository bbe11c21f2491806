// SPDX-License-Identifier: MIT
// Threads: short-lived ones, ones with small stacks, and ones that are killed at work.

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "truth.h"

// clang-format off: the line of a site is the line of its name
SITE(churn_malloc, "malloc", (size_t size), size, malloc(size))
SITE(destructor_malloc, "malloc", (size_t size), size, malloc(size))
SITE(small_stack_malloc, "malloc", (size_t size), size, malloc(size))
SITE(small_stack_calloc, "calloc", (size_t size), size, calloc(1, size))
SITE(doomed_malloc, "malloc", (size_t size), size, malloc(size))
// clang-format on

enum { BATCH = 8, BLOCKS = 10 };
static pthread_key_t key;
static char names[MAX_THREADS][16];

struct churner {
  int page;
  int round;  // of key destructors
  struct block blocks[BLOCKS];
};

// Runs while the thread is torn down: frees a block, makes one, and comes again once to free that too.
static void on_thread_exit(void* value) {
  struct churner* churner = value;
  release(churner->blocks[churner->round]);
  if (churner->round++ > 0) return;
  churner->blocks[1] = destructor_malloc(1021);
  EXPECT(pthread_setspecific(key, churner) == 0);
}

static void* churn(void* argument) {
  struct churner* churner = argument;
  ledger_enter_thread(churner->page, names[churner->page]);
  if (churner->page % 2) {
    pthread_setname_np(pthread_self(), names[churner->page]);
  } else {
    prctl(PR_SET_NAME, names[churner->page]);
  }
  for (int i = 0; i < BLOCKS; i++) churner->blocks[i] = churn_malloc(1031 + (size_t)i);
  release(churner->blocks[1]);
  EXPECT(pthread_setspecific(key, churner) == 0);
  if (churner->page % 3 == 0) pthread_exit(NULL);
  return NULL;
}

void run_churn(int count) {
  static struct churner churners[BATCH];
  EXPECT(count < MAX_THREADS && pthread_key_create(&key, on_thread_exit) == 0);
  ledger_single_thread(false);
  for (int first = 1; first <= count; first += BATCH) {
    pthread_t threads[BATCH];
    int batch = count - first + 1 < BATCH ? count - first + 1 : BATCH;
    for (int i = 0; i < batch; i++) {
      snprintf(names[first + i], sizeof names[0], "churn-%d", first + i);
      churners[i] = (struct churner){.page = first + i};
      EXPECT(pthread_create(&threads[i], NULL, churn, &churners[i]) == 0);
    }
    for (int i = 0; i < batch; i++) {
      EXPECT(pthread_join(threads[i], NULL) == 0);
      for (int b = 2; b < BLOCKS - 1; b++) release(churners[i].blocks[b]);  // the last one leaks
    }
  }
  ledger_single_thread(true);
}

static void allocate_here(void) {
  release(small_stack_malloc(1033));
  release(small_stack_calloc(1039));
  small_stack_malloc(1049);
}

// Goes down until RESERVE bytes of stack are left, and allocates there.
static void descend(char* bottom, size_t reserve) {
  volatile char here[256];
  here[0] = 1;
  if ((size_t)((char*)here - bottom) > reserve + sizeof here) {
    descend(bottom, reserve);
  } else {
    allocate_here();
  }
  here[1] = here[0];
}

static void* small_stack(void* argument) {
  static int page;
  ledger_enter_thread(__atomic_add_fetch(&page, 1, __ATOMIC_RELAXED), "small-stack");
  pthread_attr_t attributes;
  void* bottom;
  size_t size;
  EXPECT(pthread_getattr_np(pthread_self(), &attributes) == 0);
  EXPECT(pthread_attr_getstack(&attributes, &bottom, &size) == 0);
  EXPECT(pthread_attr_destroy(&attributes) == 0);
  descend(bottom, *(size_t*)argument);
  return NULL;
}

void run_small_stacks(size_t reserve) {
  pthread_attr_t attributes;
  EXPECT(pthread_attr_init(&attributes) == 0);
  EXPECT(pthread_attr_setstacksize(&attributes, 128 << 10) == 0);
  ledger_single_thread(false);
  for (int i = 0; i < 16; i++) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, &attributes, small_stack, &reserve) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
  }
  EXPECT(pthread_attr_destroy(&attributes) == 0);
  ledger_single_thread(true);
}

// What a thread had begun and had finished when the process was killed, in a file that outlives it.
struct progress {
  uint64_t begun, finished;
  char padding[48];
};

static struct progress* progress;

static void* doomed(void* argument) {
  int page = (int)(intptr_t)argument;
  ledger_enter_thread(page, "doomed");
  for (;;) {
    __atomic_add_fetch(&progress[page].begun, 1, __ATOMIC_SEQ_CST);
    doomed_malloc(67);
    __atomic_add_fetch(&progress[page].finished, 1, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

// Allocates on all threads until SIGKILL comes from the main one. FILE gets a `struct progress` a thread, from 1.
void run_until_killed(int threads, const char* file) {
  int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  size_t size = sizeof *progress * (size_t)(threads + 1);
  EXPECT(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
  progress = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  EXPECT(progress != MAP_FAILED);
  ledger_single_thread(false);
  for (intptr_t i = 1; i <= threads; i++) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, doomed, (void*)i) == 0);
  }
  usleep(200 * 1000);
  end_by("kill9");
}
