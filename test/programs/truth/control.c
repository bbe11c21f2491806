// SPDX-License-Identifier: MIT
// Stacks that end in unusual ways: signal handlers, longjmp, deep recursion, code that is loaded and unloaded.

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "truth.h"

// clang-format off: the line of a site is the line of its name
SITE(handler_malloc, "malloc", (size_t size), size, malloc(size))
SITE(after_longjmp, "malloc", (size_t size), size, malloc(size))
SITE(jumper_leaf, "malloc", (size_t size), size, malloc(size))
SITE(deep_leaf, "malloc", (size_t size), size, malloc(size))
SITE(plugin_caller, "malloc", (size_t size), size, malloc(size))
// clang-format on

static void on_signal(int signal) {
  (void)signal;
  int before = errno;
  release(handler_malloc(503));
  handler_malloc(509);
  errno = before;
}

// The handler runs at a point where malloc may be called, on a stack of its own and on the thread's.
void run_signals(void) {
  static char alternate[64 << 10];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  EXPECT(sigaltstack(&stack, NULL) == 0);
  struct sigaction action = {.sa_handler = on_signal};
  EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
  for (int i = 0; i < 10; i++) raise(SIGUSR1);
  action.sa_flags = SA_ONSTACK;
  EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
  for (int i = 0; i < 10; i++) raise(SIGUSR1);
  stack = (stack_t){.ss_flags = SS_DISABLE};
  EXPECT(sigaltstack(&stack, NULL) == 0);
}

static volatile sig_atomic_t ticks, kept_pages;

// mmap is the one hooked call that may interrupt malloc: the hooks must survive being interrupted by themselves.
static void on_tick(int signal) {
  (void)signal;
  int before = errno;
  void* page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (++ticks % 16 != 0) {
    munmap(page, PAGE);
  } else {
    kept_pages++;
  }
  errno = before;
}

void run_signal_storm(uint64_t count) {
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
  struct itimerval every = {{0, 200}, {0, 200}};
  EXPECT(setitimer(ITIMER_REAL, &every, NULL) == 0);
  for (uint64_t i = 0; i < count; i++) release(handler_malloc(16 + i % 512));
  every = (struct itimerval){{0, 0}, {0, 0}};
  EXPECT(setitimer(ITIMER_REAL, &every, NULL) == 0);
  action.sa_handler = SIG_IGN;
  EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
  ledger_commit((int64_t)kept_pages * (int64_t)PAGE);
  json_open("signals", '{');
  json_number("handled", ticks);
  json_number("keptPages", kept_pages);
  json_close('}');
}

static jmp_buf landing;
static volatile bool jumping = true;

static void jumper(int depth) {
  if (depth > 0) {
    jumper(depth - 1);
    return;  // never reached: the leaf jumps
  }
  jumper_leaf(601);
  if (jumping) longjmp(landing, 1);
}

void run_longjmp(void) {
  for (volatile int i = 0; i < 20; i++) {
    if (setjmp(landing) == 0) jumper(10 + i);
    after_longjmp(607);
  }
}

static struct block deep(int depth, volatile char* parent) {
  volatile char local = (char)depth;
  if (depth == 0) return deep_leaf(701);
  struct block block = deep(depth - 1, &local);
  (void)*parent;  // keeps the frame: no tail call
  return block;
}

void run_deep(int depth) {
  volatile char top = 0;
  for (int i = 0; i < 3; i++) deep(depth, &top);
}

// The plugin allocates by a function of its own, comes and goes, and may come back at another address.
void run_plugin(const char* path) {
  SITE_RECORD(plugin_allocate, "malloc");
  for (int round = 0; round < 4; round++) {
    void* plugin = dlopen(path, round % 2 ? RTLD_NOW : RTLD_LAZY);
    EXPECT(plugin != NULL);
    void* (*allocate)(size_t) = (void* (*)(size_t))dlsym(plugin, "plugin_allocate");
    EXPECT(allocate != NULL);
    struct block kept = ledger_add(&site, allocate(809), 809);
    struct block freed = ledger_add(&site, allocate(811), 811);
    release(freed);
    EXPECT(malloc_usable_size(kept.address) >= 809);
    EXPECT(dlclose(plugin) == 0);
    plugin_caller(821);
  }
  EXPECT(dlopen("/nonexistent/plugin.so", RTLD_NOW) == NULL);
}
