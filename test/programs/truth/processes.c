// SPDX-License-Identifier: MIT
// Children, which must leave the parent's capture alone, and the ways in which a process can end.

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "truth.h"

extern char** environ;

// clang-format off: the line of a site is the line of its name
SITE(parent_malloc, "malloc", (size_t size), size, malloc(size))
SITE(load_malloc, "malloc", (size_t size), size, malloc(size))
// clang-format on

// Allocates, frees what it inherited and what it made, and leaves: none of it happened in the parent.
static void child_work(struct block inherited) {
  free(inherited.address);
  for (int i = 0; i < 1000; i++) {
    void* volatile kept = malloc(100000);
    void* volatile freed = calloc(10, 10);
    memset(kept, 1, 100);
    free(freed);
  }
}

static void expect_exit(pid_t child, int code) {
  int status;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

static void fork_once(int code, struct block inherited) {
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    child_work(inherited);
    if (code % 2) exit(code);
    _exit(code);
  }
  parent_malloc(907);
  expect_exit(child, code);
}

static void vfork_and_exec(void) {
  char* const argv[] = {"true", NULL};
  pid_t child = vfork();
  if (child == 0) {
    execv("/bin/true", argv);
    _exit(127);
  }
  EXPECT(child > 0);
  expect_exit(child, 0);
}

static void spawn(void) {
  char* const argv[] = {"true", NULL};
  pid_t child;
  EXPECT(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) == 0);
  expect_exit(child, 0);
}

void run_fork(void) {
  struct block inherited = parent_malloc(911);
  for (int code = 1; code <= 4; code++) fork_once(code, inherited);
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      child_work(inherited);
      _exit(5);
    }
    expect_exit(grandchild, 5);
    _exit(6);
  }
  expect_exit(child, 6);
  vfork_and_exec();
  spawn();
  release(inherited);
  parent_malloc(919);
}

static int stop_load;

static void* load(void* page) {
  ledger_enter_thread((int)(intptr_t)page, "load");
  while (!__atomic_load_n(&stop_load, __ATOMIC_ACQUIRE)) {
    for (int i = 0; i < 100; i++) release(load_malloc(929));
    usleep(100);
  }
  return NULL;
}

// Forks while other threads are inside malloc.
void run_fork_under_load(void) {
  enum { kThreads = 3 };
  pthread_t threads[kThreads];
  ledger_single_thread(false);
  for (intptr_t i = 0; i < kThreads; i++) EXPECT(pthread_create(&threads[i], NULL, load, (void*)(i + 1)) == 0);
  struct block inherited = parent_malloc(937);
  for (int code = 10; code < 20; code++) fork_once(code, inherited);
  __atomic_store_n(&stop_load, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < kThreads; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
  release(inherited);
  ledger_single_thread(true);
}

static void die_by_signal(int signal_number) {
  kill(getpid(), signal_number);
  for (;;) pause();
}

void end_by(const char* ending) {
  if (strcmp(ending, "return") == 0) exit(0);
  if (strcmp(ending, "exit") == 0) exit(3);
  if (strcmp(ending, "_exit") == 0) _exit(4);
  if (strcmp(ending, "quick_exit") == 0) quick_exit(5);
  if (strcmp(ending, "abort") == 0) abort();
  if (strcmp(ending, "kill9") == 0) die_by_signal(SIGKILL);
  if (strcmp(ending, "term") == 0) die_by_signal(SIGTERM);
  if (strcmp(ending, "segv") == 0) *(volatile int*)8 = 1;
  fail(__FILE__, __LINE__, "unknown ending");
}
