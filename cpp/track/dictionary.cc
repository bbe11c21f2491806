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
  node_entries_.Resize(1);
}

void Dictionary::Clear() {
  for (FlatMap* map : {&strings_, &functions_, &frames_, &stacks_}) map->Clear();
  stack_states_.Free();
  stack_nodes_.Free();
  node_entries_.Free();
  nodes_.Clear();
  new_frames_.Free();
  new_parent_ = 0;
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
  const NodeEntry node = {parent, frame};
  const uint32_t next = static_cast<uint32_t>(node_entries_.size());
  // Two of three nodes are made right after their parent, have its number plus one, and are found
  // by that.
  const uint32_t beside = parent + 1;
  if (beside < next) {
    if (node_entries_[beside] == node) return beside;
    const uint32_t id = nodes_.FindOrInsert(
        NodeHash::Of(node), next, [&](uint32_t known) { return node_entries_[known] == node; });
    if (id != next) return id;
  }
  if (new_frames_.size() == 0) new_parent_ = parent;
  node_entries_.push_back(node);
  new_frames_.push_back(frame);
  return next;
}

uint32_t Dictionary::Stack(uint32_t node, uint32_t flags) {
  uint32_t* id = stacks_.FindOrInsert(uint64_t{node} << 8 | (flags + 1));
  if (*id == 0) {
    const uint32_t parent = new_frames_.size() == 0 ? node : new_parent_;
    const StackRecord record = {
        .parent = parent,
        .parent_frame = node_entries_[parent].frame,
        .frames = {new_frames_.data(), new_frames_.size()},
        .flags = flags,
    };
    *id = writer_->Emit([&](RecordEncoder& encoder) { return encoder.DefineStack(record); });
    new_frames_.Clear();
    if (*id != 0) stack_nodes_.At(*id) = {node, flags};
  }
  return *id;
}

}  // namespace memtape
