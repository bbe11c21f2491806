// SPDX-License-Identifier: MIT
// What each record of a ring does to the tables and to the log.

#include <string.h>

#include <algorithm>

#include "base/text_buffer.h"
#include "os/proc.h"
#include "track/drain_thread.h"

namespace memtape {
namespace {

constexpr size_t kMaxNewRuns = 4096;

}  // namespace

size_t Drain::Process(Source* source, const uint64_t* record) {
  switch (record[1] & 0xFF) {
    case static_cast<uint64_t>(RingKind::kFree):
      writer_.MakeRoom();
      SyncTime(record[0]);
      OnFree(record[1] >> kRingAddressShift);
      return kRingFreeWords;
    case static_cast<uint64_t>(RingKind::kAlloc):
      writer_.MakeRoom();
      SyncTime(record[0]);
      OnAlloc(source, record);
      return kRingAllocWords;
    case static_cast<uint64_t>(RingKind::kMap):
      writer_.MakeRoom();
      writer_.encoder().SyncTime(ToNs(record[0]));
      OnMap(source, record);
      return kRingMapWords;
    default: {
      const size_t words = record[1] >> kRingHighShift;
      if ((record[1] & 0xFF) < kRingFirstVariable || words < 2 || words > kMaxRingRecordWords) {
        session_->Fail("a ring buffer is damaged", 0);
        return (source->end - source->at) / 8;
      }
      writer_.MakeRoom();
      const bool is_stack = (record[1] & 0xFF) == static_cast<uint64_t>(RingRecord::kStack);
      if (is_stack) {
        SyncTime(record[0]);
      } else {
        writer_.encoder().SyncTime(ToNs(record[0]));
      }
      OnVariable(source, static_cast<RingRecord>(record[1] & 0xFF), record, words);
      return words;
    }
  }
}

void Drain::NotePeak() {
  const uint64_t heap = blocks_.live_bytes() + ledger_.bytes(MemoryClass::kCommitted);
  if (heap >= summary_.peak_bytes) {
    summary_.peak_bytes = heap;
    summary_.peak_event = events_;
    summary_.peak_time_ns = writer_.encoder().state().time_ns;
  }
}

void Drain::OnFree(uint64_t address) {
  const LiveBlocks::Block block = blocks_.Free(address);
  if (block.id == 0) {
    summary_.foreign_frees++;
    writer_.encoder().ForeignFree();
    return;
  }
  summary_.frees++;
  events_++;
  writer_.encoder().Free(block.id, blocks_.state(block.id));
}

void Drain::OnAlloc(Source* source, const uint64_t* record) {
  const uint64_t address = record[1] >> kRingAddressShift;
  const uint64_t size = record[2];
  const uint32_t stack = StackOf(source, static_cast<uint32_t>(record[3]));
  const LiveBlocks::Block block = blocks_.Alloc(address, size);
  summary_.missed_frees += block.was_live;
  summary_.allocations++;
  summary_.allocated_bytes += size;
  events_++;
  const auto allocator = static_cast<Allocator>(record[1] >> kRingByteShift & 0xFF);
  RecordEncoder& encoder = writer_.encoder();
  encoder.Thread(source->thread);
  encoder.Alloc(allocator, stack, dictionary_.stack_state(stack), size, block.id,
                blocks_.state(block.id), address);
  NotePeak();
}

uint32_t Drain::StackOf(Source* source, uint32_t number) {
  return number < source->stacks.size() ? source->stacks[number] : 0;
}

void Drain::OnMap(Source* source, const uint64_t* record) {
  MapRecord map;
  map.op = static_cast<MapOp>(record[1] >> kRingByteShift & 0xFF);
  map.address = record[2];
  map.length = record[3];
  map.prot = record[4];
  map.flags = record[5];
  map.stack = StackOf(source, static_cast<uint32_t>(record[1] >> kRingHighShift));
  map.deltas = ledger_.Apply(map);
  writer_.encoder().Thread(source->thread);
  writer_.Emit([&](RecordEncoder& encoder) { return encoder.Map(map); });
  events_++;
  NotePeak();
}

void Drain::OnStack(Source* source, const uint64_t* record, size_t words) {
  const uint32_t number = static_cast<uint32_t>(record[2]);
  uint32_t flags = static_cast<uint32_t>(record[2] >> 32);
  StackPath& path = source->path;
  path.Change(record[3], {record + 4, words - 4}, resolver_.epoch());
  const std::span<StackPath::Step> steps = path.steps();
  size_t depth = path.known();
  if (!steps.empty() && IsOriginKey(steps[0].key)) {
    const uint32_t origin = OriginNode(steps[0].key, &flags);
    depth = depth > 0 && steps[0].node == origin ? depth : 1;
    steps[0].node = origin;
  }
  uint32_t node = depth == 0 ? 0 : steps[depth - 1].node;
  for (; depth < steps.size(); depth++) {
    const std::span<const uint32_t> frames = resolver_.Resolve(steps[depth].key);
    for (size_t f = frames.size(); f > 0; f--) node = dictionary_.Node(node, frames[f - 1]);
    steps[depth].node = node;
  }
  path.SetKnown(depth);
  const uint32_t stack = dictionary_.Stack(node, flags);
  source->stacks.At(number) = stack;
  AddNewStack(source, number, stack);
}

void Drain::AddNewStack(Source* source, uint32_t number, uint32_t stack) {
  PageArray<RingStacks>& runs = source->new_stacks;
  if (runs.size() > 0) {
    RingStacks& last = runs.back();
    if (number == last.ring_stack + last.count && stack == last.stack + last.count) {
      last.count++;
      return;
    }
  }
  runs.push_back({number, stack, 1});
  // What a block ends with has limited room.
  if (++new_runs_ >= kMaxNewRuns) writer_.Flush();
}

void Drain::OnOrigin(Source* source, uint32_t number) {
  *origins_.FindOrInsert(OriginKey(source->thread, number)) = StackOf(source, number) + 1;
}

// The node that stacks with this outermost key go on from.
uint32_t Drain::OriginNode(uint64_t key, uint32_t* flags) {
  const uint32_t found = origins_.Find(OriginStackOf(key));
  if (found == 0) return 0;  // the ring had no room for it when recording ended
  const Dictionary::StackNode origin = dictionary_.stack(found - 1);
  *flags |= origin.flags & ~kStackInGc;
  if ((key & kOriginCut) != 0) *flags |= kStackCut;
  const bool thread = (key & kOriginStartedThread) != 0;
  return dictionary_.Node(origin.node,
                          resolver_.Label(thread ? "(thread started here)" : "(queued work)"));
}

void Drain::OnCode(Source* source, const uint64_t* record) {
  resolver_.code().AddCode(source->thread, reinterpret_cast<const uint8_t*>(record + 2));
}

void Drain::OnScript(Source* source, const uint64_t* record) {
  ScriptHead head;
  memcpy(&head, record + 2, sizeof head);
  const char* url = reinterpret_cast<const char*>(record + 2) + sizeof head;
  resolver_.code().AddScript(source->thread, head, {url, head.url_bytes},
                             {url + head.url_bytes, head.map_url_bytes});
}

void Drain::NameThread(Source* source, std::string_view name) {
  const uint32_t thread = source->thread;
  const uint32_t id = dictionary_.String(name);
  if (id == 0 || id == source->name) return;
  source->name = id;
  writer_.Emit([&](RecordEncoder& encoder) { return encoder.ThreadName(thread, id); });
}

void Drain::AskForName(Source* source) {
  if (source->thread == 0 || source->name_given) return;
  char name[16];
  NameThread(source, {name, os::ThreadName(static_cast<int>(source->os_tid), name)});
}

void Drain::OnThreadName(Source* source, const uint64_t* record) {
  const std::string_view name = {reinterpret_cast<const char*>(record + 3),
                                 static_cast<uint32_t>(record[2])};
  switch (static_cast<NameSource>(record[2] >> 32)) {
    case NameSource::kSetByOther:
      for (size_t i = 0; i < sources_.size(); i++) AskForName(&sources_[i]);
      return;
    case NameSource::kGiven:
      source->name_given = true;
      return NameThread(source, name);
    case NameSource::kSet:
      if (!source->name_given) NameThread(source, name);
  }
}

void Drain::TellMainThread(uint32_t thread) {
  TextBuffer<64> json;
  json.Add("{\"mainThread\":").AddNumber(thread).AddChar('}');
  writer_.Emit([&](RecordEncoder& encoder) { return encoder.Metadata(json.view()); });
}

void Drain::OnThread(Source* source, const uint64_t* record) {
  const uint32_t thread = static_cast<uint32_t>(record[2]);
  ThreadStartRecord start;
  start.thread = thread;
  if (source->thread != thread) {
    // A new thread in a slot that is new or was given back.
    source->thread = thread;
    source->os_tid = static_cast<uint32_t>(record[2] >> 32);
    source->stack_end = StackEndOf(source->owner);
    source->left_ns = 0;
    source->name = 0;
    source->name_given = false;
    source->stacks.Clear();
    source->stacks.Resize(1);
    if (source->os_tid == static_cast<uint32_t>(session_->pid_)) TellMainThread(thread);
  }
  start.os_tid = source->os_tid;
  start.kind = static_cast<ThreadKind>(record[3] & 0xFF);
  start.worker_id = record[3] >> 32;
  if (start.kind == ThreadKind::kUnknown && start.os_tid == static_cast<uint32_t>(session_->pid_)) {
    start.kind = ThreadKind::kMain;
  }
  writer_.Emit([&](RecordEncoder& encoder) { return encoder.ThreadStart(start); });
  AskForName(source);
}

void Drain::OnJsSample(Source* source, const uint64_t* record) {
  JsSampleHead head;
  memcpy(&head, record + 2, sizeof head);
  const JsSpace* spaces = reinterpret_cast<const JsSpace*>(record + 2 + sizeof head / 8);
  constexpr size_t kMaxSpaces = 16;
  HeapSpace out[kMaxSpaces];
  const size_t count = std::min<size_t>(head.space_count, kMaxSpaces);
  for (size_t i = 0; i < count; i++) {
    const size_t length = strnlen(spaces[i].name, kSpaceNameBytes);
    out[i] = {dictionary_.String({spaces[i].name, length}), spaces[i].size, spaces[i].used};
  }
  JsSampleRecord sample;
  sample.thread = source->thread;
  sample.heap_total = head.heap_total;
  sample.heap_used = head.heap_used;
  sample.external = head.external;
  sample.malloced = head.malloced;
  sample.heap_limit = head.heap_limit;
  sample.spaces = {out, count};
  writer_.Emit([&](RecordEncoder& encoder) { return encoder.JsSample(sample); });
}

void Drain::OnVariable(Source* source, RingRecord kind, const uint64_t* record, size_t words) {
  const uint32_t thread = source->thread;
  switch (kind) {
    case RingRecord::kStack:
      return OnStack(source, record, words);
    case RingRecord::kCode:
      return OnCode(source, record);
    case RingRecord::kCodeMoved:
      return resolver_.code().Move(record[2], record[3]);
    case RingRecord::kScript:
      return OnScript(source, record);
    case RingRecord::kScriptLines:
      return resolver_.code().AddScriptLines(
          thread, static_cast<uint32_t>(record[2]), static_cast<uint32_t>(record[2] >> 32),
          reinterpret_cast<const uint8_t*>(record + 3), (words - 3) * 8);
    case RingRecord::kGc:
      writer_.Emit([&](RecordEncoder& encoder) {
        return encoder.Gc(thread, static_cast<uint32_t>(record[2]),
                          static_cast<GcPhase>(record[2] >> 32));
      });
      return;
    case RingRecord::kMark: {
      const std::string_view text = {reinterpret_cast<const char*>(record + 3), record[2]};
      const uint32_t name = dictionary_.String(text);
      writer_.Emit([&](RecordEncoder& encoder) { return encoder.Mark(thread, name); });
      if (text == kExitMark) exit_seen_ = true;
      return;
    }
    case RingRecord::kThreadName:
      return OnThreadName(source, record);
    case RingRecord::kModulesChanged:
      if (record[2] == static_cast<uint64_t>(ModulesChange::kUnloading)) {
        session_->modules_settled_.fetch_add(1, std::memory_order_release);
        return;
      }
      return resolver_.ModulesChanged(record[2] == static_cast<uint64_t>(ModulesChange::kUnloaded));
    case RingRecord::kJsSample:
      return OnJsSample(source, record);
    case RingRecord::kJsHeapNodes:
      return source->js_heap.OnNodes(thread, record + 2, words - 2, &writer_, &dictionary_,
                                     &resolver_);
    case RingRecord::kJsHeap:
      return source->js_heap.OnProfile(thread, record + 2, &writer_, &dictionary_);
    case RingRecord::kThread:
      return OnThread(source, record);
    case RingRecord::kOrigin:
      return OnOrigin(source, static_cast<uint32_t>(record[2]));
    case RingRecord::kFork:
      writer_.Emit([&](RecordEncoder& encoder) {
        return encoder.Fork(thread, static_cast<uint32_t>(record[2]),
                            StackOf(source, static_cast<uint32_t>(record[2] >> 32)));
      });
      return;
    case RingRecord::kThreadLeft:
      source->left_ns = ToNs(record[0]);
      return;
    case RingRecord::kMetadata:
      writer_.Emit([&](RecordEncoder& encoder) {
        return encoder.Metadata({reinterpret_cast<const char*>(record + 3), record[2]});
      });
      return;
  }
}

}  // namespace memtape
