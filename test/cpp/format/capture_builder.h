// SPDX-License-Identifier: MIT
// Captures in memory for tests: an encoder with everything that it leaves to its caller.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "format/encode.h"

namespace memtape {

class CaptureBuilder {
 public:
  explicit CaptureBuilder(size_t block_capacity = kMinBlockCapacity) : memory_(block_capacity) {
    bytes_.resize(kFileHeaderBytes);
    WriteFileHeader(bytes_.data(), {.capture_id = 0x1122334455667788,
                                    .pid = 4242,
                                    .start_unix_ns = 1'700'000'000'123'456'789});
    encoder_.BeginBlock(memory_.data(), memory_.size(), {});
  }

  RecordEncoder& encoder() { return encoder_; }
  std::vector<uint8_t>& bytes() { return bytes_; }

  void Alloc(uint32_t stack, uint64_t size, uint32_t id, uint64_t address,
             Allocator allocator = Allocator::kMalloc) {
    encoder_.Alloc(allocator, stack, At(stacks_, stack), size, id, At(addresses_, id), address);
  }
  void Free(uint32_t id) { encoder_.Free(id, At(addresses_, id)); }

  // The stacks 1 … count, all the same node.
  void DefineStacks(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) encoder_.DefineStack({});
  }

  // The block so far, finished; the next one begins.
  std::vector<uint8_t> TakeBlock() {
    const std::span<const uint8_t> block = encoder_.FinishBlock();
    std::vector<uint8_t> taken(block.begin(), block.end());
    encoder_.BeginBlock(memory_.data(), memory_.size());
    return taken;
  }
  void Append(const std::vector<uint8_t>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void EndBlock() { Append(TakeBlock()); }

  // Appends a block of any kind around `payload`.
  void AppendBlock(BlockKind kind, const std::vector<uint8_t>& payload) {
    uint8_t header[kBlockHeaderBytes];
    WriteBlockHeader(header, kind, payload);
    bytes_.insert(bytes_.end(), header, header + sizeof header);
    Append(payload);
  }

 private:
  template <typename T>
  static T& At(std::vector<T>& values, uint32_t index) {
    if (index >= values.size()) values.resize(index + 1);
    return values[index];
  }

  std::vector<uint8_t> bytes_;
  std::vector<uint8_t> memory_;
  std::vector<AddressState> addresses_;
  std::vector<StackState> stacks_;
  RecordEncoder encoder_;
};

inline void WriteFile(const std::string& path, std::span<const uint8_t> bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
      std::fclose(file) != 0) {
    std::perror(path.c_str());
    std::exit(1);
  }
}

}  // namespace memtape
