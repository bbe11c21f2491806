// SPDX-License-Identifier: MIT
// What a look at RSS takes, and its longest step, for which the rings wait: bench_rss_look [MB...]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "log/log_writer.h"
#include "os/os.h"
#include "os/proc.h"
#include "track/resident_parts.h"

namespace memtape {
namespace {

constexpr size_t kStepPages = 32'768;  // as track/rss_sampler.cc has it
constexpr int kRounds = 9;

class NoRings final : public LogWriter::RingSource {
  bool WriteRings(RecordEncoder*) override { return false; }
  void BlockWritten() override {}
  void WriteFailed() override {}
};

struct Cost {
  double total_ms, longest_ms;
};

Cost Measure(ResidentParts* parts, const ResidentParts::Owners& owners, Dictionary* dictionary) {
  double totals[kRounds], longest[kRounds];
  for (int round = 0; round < kRounds; round++) {
    const uint64_t start = os::MonotonicNs();
    uint64_t before = start, slowest = 0;
    bool over = !parts->Begin(owners, dictionary);
    while (!over) {
      over = parts->Step(kStepPages);
      const uint64_t now = os::MonotonicNs();
      slowest = std::max(slowest, now - before);
      before = now;
    }
    totals[round] = static_cast<double>(before - start) / 1e6;
    longest[round] = static_cast<double>(slowest) / 1e6;
  }
  std::nth_element(totals, totals + kRounds / 2, totals + kRounds);
  std::nth_element(longest, longest + kRounds / 2, longest + kRounds);
  return {totals[kRounds / 2], longest[kRounds / 2]};
}

void Run(size_t megabytes) {
  static NoRings rings;
  static CaptureFile file;
  static LogWriter writer;
  static Dictionary dictionary;
  static MapLedger ledger;
  writer.Start(&file, &rings);
  dictionary.Start(&writer);
  const std::span<const char> maps = os::ReadMaps();
  ledger.Snapshot(maps.data(), maps.size());
  ResidentParts::Owners owners;
  owners.ledger = &ledger;
  ResidentParts parts, whole;
  whole.UseSmaps();
  const Cost now = Measure(&parts, owners, &dictionary);
  const Cost before = Measure(&whole, owners, &dictionary);
  printf("| %zu MB | %.2f ms | %.2f ms | %.2f ms |\n", megabytes, before.total_ms, now.total_ms,
         now.longest_ms);
  parts.Clear();
  whole.Clear();
}

}  // namespace
}  // namespace memtape

int main(int count, char** sizes) {
  printf("| in blocks of 64 KB | by whole mappings | by ranges | longest step |\n");
  printf("|---:|---:|---:|---:|\n");
  size_t have = 0;
  for (int i = 1; i < count; i++) {
    const size_t wanted = strtoul(sizes[i], nullptr, 10);
    for (; have < wanted; have++) {
      for (int block = 0; block < 16; block++) memset(malloc(64 << 10), 1, 64 << 10);
    }
    memtape::Run(wanted);
  }
}
