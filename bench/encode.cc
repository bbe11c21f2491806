// SPDX-License-Identifier: MIT
// Time per hot record of the encoder, on a made-up but typical program: `encode [events] [FILE]`.
// With FILE it also writes the capture, which bench/decode.mjs reads.

#include "format/encode.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

namespace memtape {
namespace {

constexpr uint32_t kStacks = 5000;
constexpr size_t kBlockBytes = 256 * 1024;

struct Op {
  uint64_t address = 0;
  uint32_t id = 0;  // 0: the clock moves
  uint32_t stack = 0;
  uint32_t size = 0;
  bool is_alloc = false;
};

// A few stacks make most blocks, most blocks of a stack have one size, most blocks die young, and
// an allocator hands out what was freed last.
class Program {
 public:
  std::vector<Op> Make(size_t events) {
    std::vector<Op> ops;
    ops.reserve(events);
    while (ops.size() < events) {
      if (live_.empty() || Chance(51)) {
        ops.push_back(Alloc());
      } else {
        ops.push_back(Free());
      }
      if (ops.size() % 2000 == 0) ops.push_back({});
    }
    return ops;
  }
  uint32_t addresses() const { return next_id_; }

 private:
  bool Chance(uint32_t percent) { return random_() % 100 < percent; }

  Op Alloc() {
    const double zipf = static_cast<double>(random_() % 1000000 + 1) / 1e6;
    const auto stack = static_cast<uint32_t>(kStacks * zipf * zipf * zipf);
    const uint32_t size = Chance(80) ? 16 + stack % 500 : random_() % 5000;
    Op op{.stack = stack, .size = size, .is_alloc = true};
    if (!free_.empty() && Chance(90)) {
      op.id = free_.back();
      free_.pop_back();
    } else {
      op.id = next_id_++;
    }
    op.address = 0x7F00'0000'0000 + uint64_t{op.id} * 48;
    live_.push_back(op.id);
    return op;
  }

  Op Free() {
    const size_t back = Chance(70) ? random_() % 8 : random_() % live_.size();
    const size_t index = live_.size() - 1 - std::min(back, live_.size() - 1);
    const uint32_t id = live_[index];
    live_[index] = live_.back();
    live_.pop_back();
    free_.push_back(id);
    return {.id = id};
  }

  std::mt19937 random_{7};
  uint32_t next_id_ = 1;
  std::vector<uint32_t> live_;
  std::vector<uint32_t> free_;
};

// Of this thread: other processes of the machine count as little as possible.
int64_t CpuTimeNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

int Run(size_t events, const char* path) {
  Program program;
  const std::vector<Op> ops = program.Make(events);
  std::vector<AddressState> addresses(program.addresses());
  std::vector<StackState> stacks(kStacks + 1);
  std::vector<uint8_t> memory(kMinBlockCapacity);
  FILE* file = path != nullptr ? std::fopen(path, "wb") : nullptr;
  if (path != nullptr && file == nullptr) return std::perror(path), 1;
  if (file != nullptr) {
    uint8_t header[kFileHeaderBytes];
    WriteFileHeader(header, {});
    std::fwrite(header, 1, sizeof header, file);
  }

  RecordEncoder encoder;
  encoder.BeginBlock(memory.data(), memory.size(), {});
  encoder.DefineFrame({.kind = FrameKind::kLabel});
  encoder.DefineNodes(std::vector<NodeRecord>{{0, 1}});
  encoder.DefineStacks(std::vector<StackRecord>(kStacks, StackRecord{.node = 1}));

  uint64_t bytes = 0;
  uint64_t now_ns = 0;
  int64_t encoding_ns = 0;
  int64_t start_ns = CpuTimeNs();
  const auto finish = [&] {
    const std::span<const uint8_t> block = encoder.FinishBlock();
    bytes += block.size();
    encoding_ns += CpuTimeNs() - start_ns;
    if (file != nullptr) std::fwrite(block.data(), 1, block.size(), file);
    start_ns = CpuTimeNs();
  };
  for (const Op& op : ops) {
    if (op.is_alloc) {
      encoder.Alloc(Allocator::kMalloc, op.stack, stacks[op.stack], op.size, op.id,
                    addresses[op.id], op.address);
    } else if (op.id != 0) {
      encoder.Free(op.id, addresses[op.id]);
    } else {
      encoder.Time(now_ns += 1'000'000);
    }
    if (encoder.size() >= kBlockBytes) {
      finish();
      encoder.BeginBlock(memory.data(), memory.size());
    }
  }
  encoder.Trailer(R"({"end":"stop"})");
  finish();
  if (file != nullptr) std::fclose(file);

  const auto count = static_cast<double>(ops.size());
  std::printf("%zu records, %u addresses: %.2f ns and %.2f bytes a record, checksums included\n",
              ops.size(), program.addresses(), static_cast<double>(encoding_ns) / count,
              static_cast<double>(bytes) / count);
  return 0;
}

}  // namespace
}  // namespace memtape

int main(int argc, char** argv) {
  const size_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000'000;
  return memtape::Run(events, argc > 2 ? argv[2] : nullptr);
}
