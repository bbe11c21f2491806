// SPDX-License-Identifier: MIT
#include "track/js_heap_log.h"

#include <string.h>

#include <string_view>

#include "log/ring_records.h"

namespace memtape {

void JsHeapLog::OnNodes(uint32_t thread, const uint64_t* payload, size_t words, LogWriter* writer,
                        Dictionary* dictionary, FrameResolver* resolver) {
  if (payload[0] != 0) stack_count_ = 0;
  const uint8_t* at = reinterpret_cast<const uint8_t*>(payload + 1);
  const uint8_t* const end = reinterpret_cast<const uint8_t*>(payload + words);
  stacks_.Clear();
  while (static_cast<size_t>(end - at) >= sizeof(JsHeapNode)) {
    JsHeapNode node;
    memcpy(&node, at, sizeof node);
    const char* text = reinterpret_cast<const char*>(at + sizeof node);
    if (static_cast<size_t>(end - at) < sizeof node + node.text_bytes()) break;
    at += sizeof node + node.text_bytes();
    const FrameResolver::NamedFunction function = {
        .name = {text, node.name_bytes},
        .file = {text + node.name_bytes, node.url_bytes},
        .script_id = node.script_id,
        .line = node.line,
        .column = node.column,
    };
    path_.Resize(node.depth);
    path_.push_back(resolver->FrameOf(thread, function));
    if (node.objects == 0) continue;
    uint32_t above = 0;
    for (size_t i = 0; i < path_.size(); i++) {
      if (path_[i] != 0) above = dictionary->Node(above, path_[i]);
    }
    stacks_.push_back({dictionary->Stack(above, 0), node.bytes, node.objects});
  }
  if (stacks_.size() == 0) return;
  stack_count_ += stacks_.size();
  writer->Emit([&](RecordEncoder& encoder) {
    return encoder.JsHeapStacks(thread, {stacks_.data(), stacks_.size()});
  });
}

void JsHeapLog::OnProfile(uint32_t thread, const uint64_t* payload, LogWriter* writer,
                          Dictionary* dictionary) {
  JsHeapHead head;
  memcpy(&head, payload, sizeof head);
  const char* problem = reinterpret_cast<const char*>(payload) + sizeof head;
  JsHeapRecord record;
  record.thread = thread;
  record.flags = head.flags;
  record.interval = head.interval;
  record.used = head.used;
  record.samples = head.samples;
  record.problem = dictionary->String({problem, head.problem_bytes});
  record.stacks = record.problem == 0 ? stack_count_ : 0;
  writer->Emit([&](RecordEncoder& encoder) { return encoder.JsHeap(record); });
  stack_count_ = 0;
}

void JsHeapLog::Free() {
  path_.Free();
  stacks_.Free();
  stack_count_ = 0;
}

}  // namespace memtape
