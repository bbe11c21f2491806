// SPDX-License-Identifier: MIT
#include "track/dictionary.h"

#include <string.h>

namespace memtape {
namespace {

uint64_t Combine(uint64_t hash, uint64_t value) {
  // Both sides are mixed before they meet: ids are small numbers, whose plain xor often collides.
  return MixHash((hash + 1) * 0x9E3779B97F4A7C15u ^ MixHash(value + 0x632BE59BD9B4E019u));
}

uint64_t HashText(std::string_view text) {
  uint64_t hash = text.size() + 1;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    memcpy(&word, text.data() + i, 8);
    hash = Combine(hash, word);
  }
  uint64_t word = 0;
  memcpy(&word, text.data() + i, text.size() - i);
  return Combine(hash, word) | 1;
}

}  // namespace

void Dictionary::Start(LogWriter* writer) {
  writer_ = writer;
  Clear();
}

void Dictionary::Clear() {
  for (FlatMap* map : {&strings_, &functions_, &frames_, &nodes_, &stacks_}) map->Clear();
  stack_states_.Free();
  stack_records_.Free();
  pending_nodes_.Free();
  last_node_ = 0;
}

uint32_t Dictionary::String(std::string_view text) {
  if (text.empty()) return 0;
  uint32_t* id = strings_.FindOrInsert(HashText(text));
  if (*id == 0) {
    *id = writer_->Emit([&](RecordEncoder& encoder) { return encoder.DefineString(text); });
  }
  return *id;
}

uint32_t Dictionary::Function(const FunctionRecord& function) {
  uint64_t hash = Combine(function.name, uint64_t{function.file} << 32 | function.line);
  hash = Combine(hash, function.column);  // not the script id: each worker has its own
  uint32_t* id = functions_.FindOrInsert(hash | 1);
  if (*id == 0) {
    *id = writer_->Emit([&](RecordEncoder& encoder) { return encoder.DefineFunction(function); });
  }
  return *id;
}

uint32_t Dictionary::Frame(const FrameRecord& frame) {
  uint64_t hash = Combine(static_cast<uint64_t>(frame.kind) + 1, frame.offset);
  hash = Combine(hash, uint64_t{frame.module} << 32 | frame.function);
  hash = Combine(hash, uint64_t{frame.line} << 32 | frame.column);
  hash = Combine(hash, frame.label);
  uint32_t* id = frames_.FindOrInsert(hash | 1);
  if (*id == 0) {
    *id = writer_->Emit([&](RecordEncoder& encoder) { return encoder.DefineFrame(frame); });
  }
  return *id;
}

uint32_t Dictionary::Node(uint32_t parent, uint32_t frame) {
  uint32_t* id = nodes_.FindOrInsert((uint64_t{parent} << 32 | frame) + 1);
  if (*id == 0) {
    *id = ++last_node_;
    pending_nodes_.push_back({parent, frame});
  }
  return *id;
}

void Dictionary::WriteNodes() {
  if (pending_nodes_.size() == 0) return;
  const std::span<const NodeRecord> nodes = {pending_nodes_.data(), pending_nodes_.size()};
  writer_->Emit([&](RecordEncoder& encoder) { return encoder.DefineNodes(nodes); });
  pending_nodes_.Clear();
}

uint32_t Dictionary::Stack(uint32_t node, uint32_t flags, bool* is_new) {
  WriteNodes();
  uint32_t* id = stacks_.FindOrInsert(uint64_t{node} << 8 | (flags + 1));
  *is_new = *id == 0;
  if (*is_new) {
    const StackRecord record = {node, flags};
    *id = writer_->Emit([&](RecordEncoder& encoder) { return encoder.DefineStacks({&record, 1}); });
    if (*id != 0) stack_records_.At(*id) = record;
  }
  return *id;
}

}  // namespace memtape
