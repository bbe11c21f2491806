// SPDX-License-Identifier: MIT
// The books: what each site allocated, what of it lives, and what lived at the highest moment.

#include <string.h>

#include "truth.h"

extern const struct site __start_truth_sites[], __stop_truth_sites[];

struct account {
  uint64_t allocations, bytes;
  uint64_t frees, freed_bytes;  // of blocks that this site allocated, whoever freed them
};

// Temporary: freed after at most N further allocations of the thread that allocated it.
static const int kThresholds[] = {0, 1, 2, 10};
enum { THRESHOLDS = sizeof kThresholds / sizeof *kThresholds };

struct page {
  const char* name;
  struct account accounts[MAX_SITES];
  uint64_t allocations;
};

static struct page pages[MAX_THREADS];
static __thread int current;
static bool single_thread = true;
static int64_t committed;
static int64_t live_bytes, live_blocks;  // kept up in single-threaded parts only
static uint64_t temporary[THRESHOLDS];
static uint64_t null_frees;

static struct {
  bool known;  // false after a part whose threads ran freely and did not stop at the top
  int64_t heap, bytes, blocks, committed;
  struct account mine[MAX_SITES], others[MAX_SITES];
} peak;

// What all other threads did, as of the last change to a single-threaded part: nothing changes it until the next.
static struct account others[MAX_SITES];

static struct {
  const char* function;
  uint64_t count;
} failures[16];

static size_t index_of(const struct site* site) { return (size_t)(site - __start_truth_sites); }

static size_t site_count(void) { return (size_t)(__stop_truth_sites - __start_truth_sites); }

static struct account total_of(size_t site) {
  struct account sum = {0, 0, 0, 0};
  for (int i = 0; i < MAX_THREADS; i++) {
    const struct account* account = &pages[i].accounts[site];
    sum.allocations += account->allocations;
    sum.bytes += account->bytes;
    sum.frees += account->frees;
    sum.freed_bytes += account->freed_bytes;
  }
  return sum;
}

static void take_peak(void) {
  peak.known = true;
  peak.heap = live_bytes + committed;
  peak.bytes = live_bytes;
  peak.blocks = live_blocks;
  peak.committed = committed;
  size_t bytes = site_count() * sizeof *others;
  memcpy(peak.mine, pages[current].accounts, bytes);
  memcpy(peak.others, others, bytes);
}

static void look_for_peak(void) {
  if (single_thread && live_bytes + committed >= peak.heap) take_peak();
}

struct block ledger_add(const struct site* site, void* address, size_t size) {
  if (address == NULL) {
    ledger_failure(site->allocator);
    return (struct block){NULL, 0, site, 0};
  }
  struct page* page = &pages[current];
  struct account* account = &page->accounts[index_of(site)];
  account->allocations++;
  account->bytes += size;
  page->allocations++;
  if (single_thread) {
    live_bytes += (int64_t)size;
    live_blocks++;
    look_for_peak();
  }
  return (struct block){address, size, site, page->allocations};
}

static void remove_one(struct block block, int64_t sign) {
  struct account* account = &pages[current].accounts[index_of(block.site)];
  account->frees += (uint64_t)sign;
  account->freed_bytes += (uint64_t)(sign * (int64_t)block.size);
  if (!single_thread) return;
  live_bytes -= sign * (int64_t)block.size;
  live_blocks -= sign;
  for (int i = 0; i < THRESHOLDS; i++) {
    if (pages[current].allocations - block.birth <= (uint64_t)kThresholds[i]) {
      temporary[i] += (uint64_t)sign;
    }
  }
}

void ledger_remove(struct block block) {
  if (block.address != NULL) remove_one(block, 1);
}

void ledger_undo_remove(struct block block) {
  if (block.address != NULL) remove_one(block, -1);
}

void ledger_null_free(void) { __atomic_add_fetch(&null_frees, 1, __ATOMIC_RELAXED); }

void ledger_failure(const char* function) {
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    if (failures[i].function == NULL) failures[i].function = function;
    if (strcmp(failures[i].function, function) != 0) continue;
    failures[i].count++;
    return;
  }
  fail(__FILE__, __LINE__, "more kinds of failures than the table holds");
}

void ledger_commit(int64_t bytes) {
  committed += bytes;
  look_for_peak();
}

void ledger_enter_thread(int page, const char* name) {
  EXPECT(page < MAX_THREADS);
  current = page;
  pages[page].name = name;
}

static void recount(void) {
  live_bytes = 0;
  live_blocks = 0;
  for (size_t i = 0; i < site_count(); i++) {
    struct account sum = total_of(i);
    live_bytes += (int64_t)(sum.bytes - sum.freed_bytes);
    live_blocks += (int64_t)(sum.allocations - sum.frees);
    const struct account* mine = &pages[current].accounts[i];
    others[i] = (struct account){sum.allocations - mine->allocations, sum.bytes - mine->bytes,
                                 sum.frees - mine->frees, sum.freed_bytes - mine->freed_bytes};
  }
}

void ledger_single_thread(bool single) {
  single_thread = single;
  if (single) recount();
  if (!single) peak.known = false;
}

void ledger_peak_now(void) {
  recount();
  EXPECT(live_bytes + committed >= peak.heap);
  take_peak();
}

uint64_t ledger_live_bytes(void) {
  recount();
  return (uint64_t)live_bytes;
}

uint64_t ledger_events(void) {
  uint64_t events = 0;
  for (size_t i = 0; i < site_count(); i++) {
    struct account sum = total_of(i);
    events += sum.allocations + sum.frees;
  }
  return events;
}

static void print_sites(void) {
  json_open("sites", '[');
  for (size_t i = 0; i < site_count(); i++) {
    const struct site* site = &__start_truth_sites[i];
    struct account sum = total_of(i);
    if (sum.allocations == 0) continue;
    json_open(NULL, '{');
    json_string("function", site->function);
    json_string("file", site->file);
    json_number("line", site->line);
    json_string("allocator", site->allocator);
    json_number("allocations", (int64_t)sum.allocations);
    json_number("bytes", (int64_t)sum.bytes);
    json_number("liveBlocks", (int64_t)(sum.allocations - sum.frees));
    json_number("liveBytes", (int64_t)(sum.bytes - sum.freed_bytes));
    const struct account* mine = &peak.mine[i];
    const struct account* rest = &peak.others[i];
    json_number("peakBlocks", (int64_t)(mine->allocations + rest->allocations - mine->frees - rest->frees));
    json_number("peakBytes", (int64_t)(mine->bytes + rest->bytes - mine->freed_bytes - rest->freed_bytes));
    json_close('}');
  }
  json_close(']');
}

static void print_threads(void) {
  json_open("threads", '[');
  for (int i = 0; i < MAX_THREADS; i++) {
    if (pages[i].name == NULL) continue;
    struct account sum = {0, 0, 0, 0};
    for (size_t site = 0; site < site_count(); site++) {
      sum.allocations += pages[i].accounts[site].allocations;
      sum.bytes += pages[i].accounts[site].bytes;
    }
    json_open(NULL, '{');
    json_string("name", pages[i].name);
    json_number("allocations", (int64_t)sum.allocations);
    json_number("bytes", (int64_t)sum.bytes);
    json_close('}');
  }
  json_close(']');
}

void ledger_print(void) {
  struct account all = {0, 0, 0, 0};
  for (size_t i = 0; i < site_count(); i++) {
    struct account sum = total_of(i);
    all.allocations += sum.allocations;
    all.bytes += sum.bytes;
    all.frees += sum.frees;
    all.freed_bytes += sum.freed_bytes;
  }
  json_open("totals", '{');
  json_number("allocations", (int64_t)all.allocations);
  json_number("bytes", (int64_t)all.bytes);
  json_number("frees", (int64_t)all.frees);
  json_number("nullFrees", (int64_t)null_frees);
  json_number("liveBlocks", (int64_t)(all.allocations - all.frees));
  json_number("liveBytes", (int64_t)(all.bytes - all.freed_bytes));
  json_close('}');
  json_open("peak", '{');
  json_number("known", peak.known);
  json_number("heap", peak.heap);
  json_number("liveBytes", peak.bytes);
  json_number("liveBlocks", peak.blocks);
  json_number("committed", peak.committed);
  json_close('}');
  json_open("temporary", '[');
  for (int i = 0; i < THRESHOLDS; i++) {
    json_open(NULL, '{');
    json_number("threshold", kThresholds[i]);
    json_number("allocations", (int64_t)temporary[i]);
    json_close('}');
  }
  json_close(']');
  json_open("failures", '{');
  for (size_t i = 0; i < sizeof failures / sizeof *failures && failures[i].function; i++) {
    json_number(failures[i].function, (int64_t)failures[i].count);
  }
  json_close('}');
  print_sites();
  print_threads();
}
