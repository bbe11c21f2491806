// SPDX-License-Identifier: MIT
// Interns strings, functions, frames, tree nodes and stacks, and writes the definition of each new
// one. Identity is a 64-bit hash of the content: among 10^6 entries two collide with a chance of
// 3·10^-8. Drain thread only.
#pragma once

#include <stdint.h>

#include <string_view>

#include "base/flat_map.h"
#include "base/page_array.h"
#include "log/log_writer.h"

namespace memtape {

class Dictionary {
 public:
  void Start(LogWriter* writer);
  void Clear();

  uint32_t String(std::string_view text);
  uint32_t Function(const FunctionRecord& function);
  uint32_t Frame(const FrameRecord& frame);
  uint32_t Node(uint32_t parent, uint32_t frame);
  // `is_new` tells that the stack was defined by this call.
  uint32_t Stack(uint32_t node, uint32_t flags, bool* is_new);
  StackState& stack_state(uint32_t stack) { return stack_states_.At(stack); }
  StackRecord stack(uint32_t id) { return stack_records_.At(id); }  // 0: no frames

 private:
  void WriteNodes();

  LogWriter* writer_ = nullptr;
  FlatMap strings_, functions_, frames_, nodes_, stacks_;
  PageArray<StackState> stack_states_;
  PageArray<StackRecord> stack_records_;  // by id
  // Nodes that wait for WriteNodes: those of one stack go into one record.
  PageArray<NodeRecord> pending_nodes_;
  uint32_t last_node_ = 0;
};

}  // namespace memtape
