// SPDX-License-Identifier: MIT
// A program that counts its own memory. Everything it prints can be compared with a capture of it, to the byte.

#ifndef MEMTAPE_TEST_PROGRAMS_TRUTH_TRUTH_H_
#define MEMTAPE_TEST_PROGRAMS_TRUTH_TRUTH_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_SITES 128
#define MAX_THREADS 1024
#define PAGE 4096ul

// A call site: one exported function with one allocating call in it, so that its name identifies it.
struct site {
  const char* function;
  const char* file;
  int line;
  const char* allocator;
};

struct block {
  void* address;
  size_t size;
  const struct site* site;
  uint64_t birth;  // the thread's allocation count just after this one
};

// Sites live in a section of their own: their index is their distance from its start.
#define SITE_RECORD(NAME, ALLOCATOR)                                                \
  static const struct site site __attribute__((section("truth_sites"), used)) = {   \
      #NAME, __FILE__, __LINE__, ALLOCATOR}

// Defines `struct block NAME(PARAMS)`, which makes CALL (it sees PARAMS) and enters SIZE in the ledger.
#define SITE(NAME, ALLOCATOR, PARAMS, SIZE, CALL)  \
  struct block NAME PARAMS {                       \
    SITE_RECORD(NAME, ALLOCATOR);                  \
    return ledger_add(&site, CALL, SIZE);          \
  }

// ledger.c: the books. One page per thread, so no lock and no shared counter.
struct block ledger_add(const struct site* site, void* address, size_t size);
void ledger_remove(struct block block);
void ledger_undo_remove(struct block block);  // a realloc that failed
void ledger_null_free(void);
void ledger_failure(const char* function);
void ledger_commit(int64_t bytes);  // committed mappings, for the peak of the whole heap
void ledger_enter_thread(int page, const char* name);
void ledger_single_thread(bool single);  // whether ledger_add may look for the peak itself
void ledger_peak_now(void);              // all other threads are waiting: this is the peak
uint64_t ledger_live_bytes(void);
uint64_t ledger_events(void);
void ledger_print(void);

// Releases BLOCK in the way its kind asks for and enters that in the ledger.
void release(struct block block);

// json.c: output without stdio, whose buffers would be allocations that nobody ordered.
void json_open(const char* key, char bracket);
void json_close(char bracket);
void json_string(const char* key, const char* value);
void json_number(const char* key, int64_t value);
void json_flush(void);

_Noreturn void fail(const char* file, int line, const char* what);
#define EXPECT(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))

// The parts. Each leaves the ledger right whatever ran before it.
void run_blocks(void);
void run_libc(void);
void run_peak(void);
void run_maps(void);
void run_rare_maps(void);
void run_random_maps(uint64_t count, uint64_t seed);
void run_plugin(const char* path);
void run_signals(void);
void run_signal_storm(uint64_t count);
void run_longjmp(void);
void run_deep(int depth);
void run_fork(void);
void run_fork_under_load(void);
void run_churn(int threads);
void run_small_stacks(size_t reserve);
void run_storm(int threads, uint64_t events, uint64_t seed);
void run_until_killed(int threads, const char* progress_file);
void run_tide(void);
void maps_print(void);
_Noreturn void end_by(const char* ending);

static inline uint64_t next_random(uint64_t* state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

#endif  // MEMTAPE_TEST_PROGRAMS_TRUTH_TRUTH_H_
