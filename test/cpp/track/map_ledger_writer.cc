// SPDX-License-Identifier: MIT
// Random mapping calls and what MapLedger makes of them, one JSON array a line, for its twin in
// ts/decode/interval-map.ts: `map_ledger_writer SEED CALLS`.

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "track/map_ledger.h"

namespace memtape {
namespace {

// Few pages and few stacks, so that calls meet each other's ranges; now and then a range as large
// as V8's code range.
void Run(uint32_t seed, int calls) {
  constexpr uint64_t kPage = 4096;
  constexpr uint64_t kFlags[] = {0x22, 0x22, 0x22, 0x02, 0x21};  // anonymous, of a file, shared
  constexpr uint64_t kProts[] = {0, 0, 1, 3, 7};
  std::mt19937 random(seed);
  const auto below = [&](uint64_t bound) { return random() % bound; };
  MapLedger ledger;
  for (int i = 0; i < calls; ++i) {
    MapRecord call;
    call.op = MapOp{static_cast<uint8_t>(below(5))};
    call.address = kPage * (16 + below(48));
    call.length = below(50) == 0 ? kPage << (13 + below(3)) : 1 + below(12 * kPage);
    call.stack = static_cast<uint32_t>(below(5));
    if (call.op == MapOp::kMremap) {
      call.prot = kPage * (16 + below(48));
      call.flags = 1 + below(12 * kPage);
    } else {
      call.prot = kProts[below(5)];
      call.flags = kFlags[below(5)];
    }
    std::printf("[%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%u,[",
                static_cast<int>(call.op), call.address, call.length, call.prot, call.flags,
                call.stack);
    const char* separator = "";
    for (const MapDelta& delta : ledger.Apply(call)) {
      std::printf("%s[%d,%u,%" PRId64 ",%" PRId64 "]", separator,
                  static_cast<int>(delta.memory_class), delta.stack, delta.bytes, delta.ranges);
      separator = ",";
    }
    std::puts("]]");
  }
}

}  // namespace
}  // namespace memtape

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: map_ledger_writer SEED CALLS\n"), 2;
  memtape::Run(static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10)), std::atoi(argv[2]));
}
