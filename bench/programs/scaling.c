// SPDX-License-Identifier: MIT
// scaling THREADS WORK_NS PAIRS PAUSE_US ROUNDS: each thread makes PAIRS mallocs and frees of 16 to
// 1039 bytes with WORK_NS of computing before each, all threads at once; then a pause, in which
// nobody's time counts. Prints the pairs a second of all threads together, the median of the
// rounds.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { kKept = 64, kMostThreads = 8, kMostRounds = 1000 };

static int threads, pairs, rounds;
static long pause_us;
static double spins_per_ns;
static long work_spins;
static pthread_barrier_t barrier;
static double seconds[kMostThreads][kMostRounds];

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t Spin(long count, uint32_t value) {
  for (long i = 0; i < count; i++) value = value * 1664525u + 1013904223u;
  return value;
}

// All that a thread writes is on its own stack, the times apart.
static void* Run(void* argument) {
  const long thread = (long)argument;
  void* kept[kKept] = {0};
  volatile uint32_t random = (uint32_t)thread + 1;
  for (int round = 0; round < rounds; round++) {
    pthread_barrier_wait(&barrier);
    const double start = Now();
    for (int i = 0; i < pairs; i++) {
      const uint32_t value = Spin(work_spins, random * 1664525u + 1013904223u);
      random = value;
      void** const place = &kept[value >> 26];
      free(*place);
      *place = malloc(16 + (value >> 10 & 1023));
    }
    seconds[thread][round] = Now() - start;
    pthread_barrier_wait(&barrier);
    usleep((useconds_t)pause_us);
  }
  for (int i = 0; i < kKept; i++) free(kept[i]);
  return NULL;
}

static int Compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int count, char** arguments) {
  if (count != 6) return 2;
  threads = atoi(arguments[1]);
  pairs = atoi(arguments[3]);
  pause_us = atol(arguments[4]);
  rounds = atoi(arguments[5]);
  if (threads < 1 || threads > kMostThreads || rounds < 1 || rounds > kMostRounds) return 2;
  const double before = Now();
  volatile uint32_t sink = Spin(20000000, 1);
  (void)sink;
  spins_per_ns = 20000000 / ((Now() - before) * 1e9);
  work_spins = (long)(atof(arguments[2]) * spins_per_ns);
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  pthread_t others[kMostThreads];
  for (long i = 1; i < threads; i++) pthread_create(&others[i], NULL, Run, (void*)i);
  Run((void*)0);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  static double rates[kMostRounds];
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < threads; i++) rates[round] += pairs / seconds[i][round];
  }
  qsort(rates, (size_t)rounds, sizeof *rates, Compare);
  printf("%.0f\n", rates[rounds / 2]);
}
