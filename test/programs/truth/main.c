// SPDX-License-Identifier: MIT
// truth MODE [argument…]: runs one part, prints what a capture of it must say as JSON on stdout, and ends.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "truth.h"

static uint64_t argument(int argc, char** argv, int index, uint64_t otherwise) {
  return index < argc ? strtoull(argv[index], NULL, 10) : otherwise;
}

static const char* text(int argc, char** argv, int index) {
  EXPECT(index < argc);
  return argv[index];
}

static void run_all(const char* plugin) {
  run_blocks();
  run_libc();
  run_peak();
  run_maps();
  run_plugin(plugin);
  run_signals();
  run_longjmp();
  run_deep(300);
  run_fork();
  run_churn(20);
  run_small_stacks(8192);
  run_tide();
}

static bool run_part(const char* mode, int argc, char** argv) {
  if (strcmp(mode, "all") == 0) {
    run_all(text(argc, argv, 2));
  } else if (strcmp(mode, "blocks") == 0) {
    run_blocks();
  } else if (strcmp(mode, "libc") == 0) {
    run_libc();
  } else if (strcmp(mode, "peak") == 0) {
    run_peak();
  } else if (strcmp(mode, "mmap") == 0) {
    run_maps();
  } else if (strcmp(mode, "rare-mmap") == 0) {
    run_rare_maps();
  } else if (strcmp(mode, "random-mmap") == 0) {
    run_random_maps(argument(argc, argv, 2, 10000), argument(argc, argv, 3, 1));
  } else if (strcmp(mode, "plugin") == 0) {
    run_plugin(text(argc, argv, 2));
  } else if (strcmp(mode, "signals") == 0) {
    run_signals();
  } else if (strcmp(mode, "signal-storm") == 0) {
    run_signal_storm(argument(argc, argv, 2, 2000000));
  } else if (strcmp(mode, "longjmp") == 0) {
    run_longjmp();
  } else if (strcmp(mode, "deep") == 0) {
    run_deep((int)argument(argc, argv, 2, 2000));
  } else if (strcmp(mode, "fork") == 0) {
    run_fork();
  } else if (strcmp(mode, "fork-under-load") == 0) {
    run_fork_under_load();
  } else if (strcmp(mode, "churn") == 0) {
    run_churn((int)argument(argc, argv, 2, 200));
  } else if (strcmp(mode, "small-stacks") == 0) {
    run_small_stacks(argument(argc, argv, 2, 8192));
  } else if (strcmp(mode, "threads") == 0) {
    run_storm((int)argument(argc, argv, 2, 4), argument(argc, argv, 3, 100000), argument(argc, argv, 4, 1));
  } else if (strcmp(mode, "storm") == 0) {
    run_storm(8, 10000000, argument(argc, argv, 2, 1));
  } else if (strcmp(mode, "until-killed") == 0) {
    run_until_killed((int)argument(argc, argv, 2, 4), text(argc, argv, 3));
  } else {
    return false;
  }
  return true;
}

static const char* const kEndings[] = {"return", "exit", "_exit", "quick_exit", "abort", "kill9", "term", "segv"};

static const char* ending_of(const char* mode) {
  for (size_t i = 0; i < sizeof kEndings / sizeof *kEndings; i++) {
    if (strcmp(mode, kEndings[i]) == 0) return kEndings[i];
  }
  return NULL;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  const char* ending = ending_of(mode);
  ledger_enter_thread(0, "main");
  json_open(NULL, '{');
  json_string("mode", mode);
  json_number("pid", getpid());
  json_number("pageSize", (int64_t)PAGE);
  if (ending != NULL) {
    run_blocks();
    run_peak();
  } else {
    EXPECT(run_part(mode, argc, argv));
  }
  json_number("events", (int64_t)ledger_events());
  ledger_print();
  maps_print();
  json_close('}');
  json_flush();
  end_by(ending != NULL ? ending : "return");
}
