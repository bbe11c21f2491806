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

// Which addresses are free, the latest first, as allocators do it.
class Heap {
 public:
  Op Alloc(uint32_t stack, uint32_t size) {
    Op op{.stack = stack, .size = size, .is_alloc = true};
    if (free_.empty()) {
      op.id = next_id_++;
    } else {
      op.id = free_.back();
      free_.pop_back();
    }
    op.address = 0x7F00'0000'0000 + uint64_t{op.id} * 48;
    return op;
  }
  Op Free(uint32_t id) {
    free_.push_back(id);
    return {.id = id};
  }
  uint32_t addresses() const { return next_id_; }

 private:
  uint32_t next_id_ = 1;
  std::vector<uint32_t> free_;
};

// A program runs the same code again and again: 300 tasks, each always with the same allocations
// and frees, run in loops. One block in ten stays, until a random one of 100,000 that stayed makes
// room for it.
std::vector<Op> TypicalProgram(size_t events, Heap& heap) {
  constexpr size_t kStayed = 100'000;
  struct Step {
    uint32_t stack, size, live_steps;
  };
  std::mt19937 random{7};
  std::vector<std::vector<Step>> tasks(300);
  for (auto& task : tasks) {
    task.resize(5 + random() % 40);
    for (Step& step : task) {
      step = {1 + static_cast<uint32_t>(random() % (kStacks - 1)),
              16 + static_cast<uint32_t>(random() % 500),
              random() % 10 == 0 ? 0 : 1 + static_cast<uint32_t>(random() % 10)};
    }
  }
  std::vector<Op> ops;
  ops.reserve(events + 1000);
  std::vector<uint32_t> stayed;
  while (ops.size() < events) {
    const size_t first = random() % tasks.size();
    const size_t length = 1 + random() % 4;
    for (size_t round = 0; round < 30; ++round) {
      for (size_t t = first; t < first + length; ++t) {
        const auto& task = tasks[t % tasks.size()];
        std::vector<std::vector<uint32_t>> ends(task.size() + 12);
        for (size_t i = 0; i < ends.size(); ++i) {
          for (const uint32_t id : ends[i]) ops.push_back(heap.Free(id));
          if (i >= task.size()) continue;
          ops.push_back(heap.Alloc(task[i].stack, task[i].size));
          const uint32_t id = ops.back().id;
          if (task[i].live_steps > 0) {
            ends[i + task[i].live_steps].push_back(id);
          } else if (stayed.size() < kStayed) {
            stayed.push_back(id);
          } else {
            uint32_t& leaves = stayed[random() % kStayed];
            ops.push_back(heap.Free(leaves));
            leaves = id;
          }
        }
      }
      ops.push_back({});
    }
  }
  return ops;
}

// Every choice at random: nothing can be predicted, by the delta coding or by the processor.
std::vector<Op> RandomProgram(size_t events, Heap& heap) {
  std::mt19937 random{7};
  const auto chance = [&](uint32_t percent) { return random() % 100 < percent; };
  std::vector<Op> ops;
  ops.reserve(events);
  std::vector<uint32_t> live;
  while (ops.size() < events) {
    if (live.empty() || chance(51)) {
      const auto stack = static_cast<uint32_t>(random() % kStacks);
      ops.push_back(heap.Alloc(stack, chance(80) ? 16 + stack % 500 : random() % 5000));
      live.push_back(ops.back().id);
    } else {
      const size_t back = chance(70) ? random() % 8 : random() % live.size();
      uint32_t& id = live[live.size() - 1 - std::min(back, live.size() - 1)];
      ops.push_back(heap.Free(id));
      id = live.back();
      live.pop_back();
    }
    if (ops.size() % 2000 == 0) ops.push_back({});
  }
  return ops;
}

// Of this thread: other processes of the machine count as little as possible.
int64_t CpuTimeNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

int Run(bool typical, size_t events, const char* path) {
  Heap heap;
  const std::vector<Op> ops = typical ? TypicalProgram(events, heap) : RandomProgram(events, heap);
  std::vector<AddressState> addresses(heap.addresses());
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
  for (uint32_t i = 0; i < kStacks; ++i) {
    encoder.DefineStack({.frames = std::vector<uint32_t>{1}});
  }

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
              ops.size(), heap.addresses(), static_cast<double>(encoding_ns) / count,
              static_cast<double>(bytes) / count);
  return 0;
}

}  // namespace
}  // namespace memtape

int main(int argc, char** argv) {
  const std::string_view kind = argc > 1 ? argv[1] : "";
  if (kind != "typical" && kind != "random") {
    return std::fprintf(stderr, "usage: encode typical|random [EVENTS] [FILE]\n"), 2;
  }
  const size_t events = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000'000;
  return memtape::Run(kind == "typical", events, argc > 3 ? argv[3] : nullptr);
}
