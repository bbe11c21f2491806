// SPDX-License-Identifier: MIT
// Interns strings, functions, frames, tree nodes and stacks, and writes the definition of each new
// one. Identity is a 64-bit hash of the content: among 10^6 entries two collide with a chance of
// 3·10^-8. Drain thread only.
#pragma once

#include <stdint.h>

#include <string_view>

#include "base/flat_map.h"
#include "base/id_table.h"
#include "base/page_array.h"
#include "log/log_writer.h"

namespace memtape {

class Dictionary {
 public:
  struct StackNode {
    uint32_t node;
    uint32_t flags;
  };

  void Start(LogWriter* writer);
  void Clear();

  uint32_t String(std::string_view text);
  uint32_t Function(const FunctionRecord& function);
  uint32_t Frame(const FrameRecord& frame);
  // New nodes are written with the next stack, which must be the one that they were made for.
  uint32_t Node(uint32_t parent, uint32_t frame);
  uint32_t Stack(uint32_t node, uint32_t flags);
  StackState& stack_state(uint32_t stack) { return stack_states_.At(stack); }
  StackNode stack(uint32_t id) { return stack_nodes_.At(id); }  // 0: no frames

 private:
  struct NodeEntry {
    uint32_t parent;
    uint32_t frame;
    bool operator==(const NodeEntry&) const = default;
  };
  struct NodeHash {
    const PageArray<NodeEntry>* entries;
    uint64_t operator()(uint32_t id) const { return Of((*entries)[id]); }
    static uint64_t Of(const NodeEntry& node) {
      return MixHash((uint64_t{node.parent} << 32 | node.frame) + 1);
    }
  };

  LogWriter* writer_ = nullptr;
  FlatMap strings_, functions_, frames_, stacks_;
  PageArray<StackState> stack_states_;
  PageArray<StackNode> stack_nodes_;  // by stack
  // Most of what a recording needs memory for: 900,000 nodes of a TypeScript compilation with
  // native stacks.
  PageArray<NodeEntry> node_entries_;                  // by node
  IdTable<NodeHash> nodes_{NodeHash{&node_entries_}};  // those that are not beside their parent
  // Of the latest nodes, which wait for their stack: a chain below new_parent_.
  PageArray<uint32_t> new_frames_;
  uint32_t new_parent_ = 0;
};

}  // namespace memtape
