// SPDX-License-Identifier: MIT
#include "track/drain.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include <algorithm>

#include "base/out_of_memory.h"
#include "base/ticks.h"
#include "format/rings.h"
#include "log/log_writer.h"
#include "os/os.h"
#include "os/proc.h"
#include "stack/unwinder.h"
#include "track/dictionary.h"
#include "track/event_order.h"
#include "track/frame_resolver.h"
#include "track/js_heap_log.h"
#include "track/live_blocks.h"
#include "track/map_ledger.h"
#include "track/metadata.h"
#include "track/rss_sampler.h"
#include "track/session.h"
#include "track/stack_path.h"

namespace memtape {

// All tables of the drain thread. One object, used again by each session.
class Drain final : public LogWriter::RingSource {
 public:
  // Takes stock of the process: before the first event.
  void Prepare(Session* session);
  void Run();
  // After Run ran out of memory: ends the capture with what is in it. Asks for no more.
  void GiveUp();
  // Gives all memory back.
  void Clear();
  void HideScript(std::string_view path) { resolver_.HideScript(path); }
  void Hide(uint64_t start, uint64_t bytes) { resolver_.Hide(start, bytes); }
  void AttachCache(UnwindCache* cache, bool native) {
    resolver_.modules(native).Attach(cache->reader());
  }

  bool WriteRings(RecordEncoder* encoder) override;
  void BlockWritten() override;
  void WriteFailed() override;

 private:
  // What the drain thread keeps of a slot.
  struct Source {
    SlotHeader* header;  // null: not there yet
    const uint8_t* ring;
    const RingWriter* owner;  // null: nobody has the slot
    uint64_t at;              // bytes consumed
    uint64_t end;             // bytes committed, as of this round
    uint64_t written;         // tail in the file
    uint64_t idle_since;      // stamp at which the thread was last seen outside all hooks
    uint32_t call;            // the hooked call that it was last seen in, 0: none
    uint64_t call_seen;       // stamp at which it was first seen in that
    uint64_t call_cpu_ns;     // processor time that it had used when it began to look abandoned
    uint32_t thread;
    uint32_t os_tid;
    uintptr_t stack_end;               // 0: not known
    uint32_t name;                     // string id of what it is called
    bool name_given;                   // by whom it belongs to: other names do not count
    PageArray<uint32_t> stacks;        // ring stack number → stack id
    PageArray<RingStacks> new_stacks;  // those of `stacks` that no block has yet
    StackPath path;
    JsHeapLog js_heap;

    bool empty() const { return at == end; }
    const uint64_t* record() const {
      return reinterpret_cast<const uint64_t*>(ring + (at & (kRingBytes - 1)));
    }
    uint64_t stamp() const { return record()[0]; }
  };

  void FindSources();
  uint64_t Horizon(uint64_t now);
  // Looks which hooked call the thread is in, and tells it from one that the thread has left for
  // good. `patience`: ticks.
  bool IsInside(Source* source, uint64_t now, uint64_t patience);
  void Merge(uint64_t horizon);
  // Returns the record's number of words.
  size_t Process(Source* source, const uint64_t* record);
  void OnFree(uint64_t address);
  void OnAlloc(Source* source, const uint64_t* record);
  void OnMap(Source* source, const uint64_t* record);
  void OnVariable(Source* source, RingRecord kind, const uint64_t* record, size_t words);
  void OnStack(Source* source, const uint64_t* record, size_t words);
  void AddNewStack(Source* source, uint32_t number, uint32_t stack);
  void OnOrigin(Source* source, uint32_t number);
  uint32_t OriginNode(uint64_t key, uint32_t* flags);
  void OnCode(Source* source, const uint64_t* record);
  void OnScript(Source* source, const uint64_t* record);
  void OnThread(Source* source, const uint64_t* record);
  void OnJsSample(Source* source, const uint64_t* record);
  void OnThreadName(Source* source, const uint64_t* record);
  void NameThread(Source* source, std::string_view name);
  void AskForName(Source* source);
  uint32_t StackOf(Source* source, uint32_t number);
  void NotePeak();
  // Returns RSS.
  uint64_t Sample();
  void LookAtRss();
  void ReclaimDeadThreads();
  void SyncTime(uint64_t ticks) { writer_.encoder().Time(ToNs(ticks)); }
  uint64_t ToNs(uint64_t ticks) const {
    return ticks <= session_->start_ticks_
               ? 0
               : static_cast<uint64_t>(static_cast<double>(ticks - session_->start_ticks_) *
                                       ns_per_tick_);
  }
  void Calibrate(uint64_t ticks, uint64_t ns);
  // Whether no thread can come with an event any more, once recording has stopped.
  bool AllOutside(uint64_t patience);
  void Finish();
  void End(bool look);

  Session* session_ = nullptr;
  PageArena arena_{os::MapPages};
  LogWriter writer_;
  Dictionary dictionary_;
  FrameResolver resolver_{&arena_};
  FlatMap origins_;  // OriginStackOf(key) → stack id + 1
  LiveBlocks blocks_;
  MapLedger ledger_;
  RssSampler rss_;
  PageArray<ResidentParts::ThreadStack> thread_stacks_;
  bool exit_seen_ = false;  // an exit mark, in this round
  PageArray<Source> sources_;
  PageArray<RingTail> tails_;
  size_t new_runs_ = 0;  // in all sources
  SessionSummary summary_;
  double ns_per_tick_ = 1;
  uint64_t margin_ticks_ = 0, patience_ticks_ = 0;
  uint64_t events_ = 0;  // alloc, free and map records written
  uint64_t next_sample_ns_ = 0, last_flush_ns_ = 0, next_reclaim_ns_ = 0;
};

namespace {

constexpr size_t kMaxNewRuns = 4096;

constinit Drain drain;

}  // namespace

void Drain::Prepare(Session* session) {
  session_ = session;
  summary_ = {};
  events_ = 0;
  Clear();
  writer_.Start(&session->file_, this);
  dictionary_.Start(&writer_);
  const std::span<const char> maps = os::ReadMaps();
  ledger_.Snapshot(maps.data(), maps.size());
  next_sample_ns_ = last_flush_ns_ = next_reclaim_ns_ = 0;
  exit_seen_ = false;
  rss_.Start(session->options_.rss_always, os::MonotonicNs());
  Calibrate(TicksBefore(), os::MonotonicNs());
}

void Drain::Clear() {
  blocks_.Clear();
  ledger_.Clear();
  rss_.Clear();
  thread_stacks_.Free();
  for (size_t i = 0; i < sources_.size(); i++) {
    sources_[i].stacks.Free();
    sources_[i].new_stacks.Free();
    sources_[i].path.Free();
    sources_[i].js_heap.Free();
  }
  sources_.Free();
  tails_.Free();
  dictionary_.Clear();
  origins_.Clear();
  resolver_.Clear();
}

// The rate is measured over the whole recording, so it gets better with time; before that the
// session's own short measurement has to do.
void Drain::Calibrate(uint64_t ticks, uint64_t ns) {
  const uint64_t elapsed = ns - session_->start_ns_;
  if (elapsed < 1'000'000 || ticks <= session_->start_ticks_) {
    ns_per_tick_ = 1e9 / static_cast<double>(session_->ticks_per_second_);
  } else {
    ns_per_tick_ =
        static_cast<double>(elapsed) / static_cast<double>(ticks - session_->start_ticks_);
    session_->rings.SetTicksPerSecond(static_cast<uint64_t>(1e9 / ns_per_tick_));
  }
  // A store is visible to other cores long before this, whatever the store buffer does.
  constexpr double kMarginNs = 20'000;
  margin_ticks_ = static_cast<uint64_t>(kMarginNs / ns_per_tick_);
  patience_ticks_ = static_cast<uint64_t>(1e9 / ns_per_tick_);
}

void Drain::FindSources() {
  const uint32_t count = session_->rings.count();
  if (sources_.size() < count) {
    sources_.Resize(count);
    tails_.Reserve(count);  // not when the capture has to end because there is no memory
  }
  for (uint32_t i = 0; i < count; i++) {
    const Slot slot = session_->rings.At(i);
    Source& source = sources_[i];
    // Null while the slot is under construction; others after it may be in use.
    source.header = slot.header;
    source.ring = slot.ring;
    source.owner = slot.owner;
  }
}

// The stamp up to which no thread can still come with an event. A thread that is inside a hook has
// its record stamped after its last one, and after it was last seen outside.
uint64_t Drain::Horizon(uint64_t now) {
  const uint64_t outside = now - margin_ticks_;
  // Nobody must wait for ever for a thread that stays where it is.
  const bool patient = control->waiting.load(std::memory_order_relaxed) == 0;
  uint64_t horizon = outside;
  for (size_t i = 0; i < sources_.size(); i++) {
    Source& source = sources_[i];
    if (source.header == nullptr) continue;
    if (IsInside(&source, now, patient ? UINT64_MAX : patience_ticks_)) {
      horizon = std::min(horizon, std::max(source.owner->last_stamp(), source.idle_since));
    } else if (source.call == 0) {
      source.idle_since = outside;
    }
    source.end = source.header->head.load(std::memory_order_acquire);
  }
  const uint64_t session_end = session_->end_ticks_.load(std::memory_order_acquire);
  return session_end == 0 ? horizon : std::min(horizon, session_end);
}

// A thread that left a hook by longjmp stays inside for good, and one may sleep long in the kernel.
// One that waits for a processor, on a busy machine for seconds, is neither: it can have taken a
// stamp already.
bool Drain::IsInside(Source* source, uint64_t now, uint64_t patience) {
  const uint32_t call = source->owner == nullptr ? 0 : source->owner->call();
  if (call != source->call) {
    source->call = call;
    source->call_seen = now;
    source->call_cpu_ns = 0;
  }
  if (call == 0) return false;
  if (now < source->call_seen || now - source->call_seen < patience) return true;
  const int tid = static_cast<int>(source->header->os_tid.load(std::memory_order_relaxed));
  if (!os::ThreadIsRunnable(tid)) return false;
  constexpr uint64_t kFarTooLongNs = 20'000'000;  // hooks take microseconds
  const uint64_t cpu_ns = os::ThreadCpuNs(tid);
  if (source->call_cpu_ns == 0) source->call_cpu_ns = cpu_ns;
  return cpu_ns - source->call_cpu_ns < kFarTooLongNs;
}

void Drain::Merge(uint64_t horizon) {
  const auto fits = [this](const Source& source) {
    const uint64_t word = source.record()[1];
    switch (word & 0xFF) {
      case static_cast<uint64_t>(RingKind::kFree):
        return blocks_.IsLive(word >> kRingAddressShift);
      case static_cast<uint64_t>(RingKind::kAlloc):
        return !blocks_.IsLive(word >> kRingAddressShift);
      default:
        return true;
    }
  };
  uint64_t run_end;
  while (Source* source = FirstSource(sources_.data(), sources_.size(), horizon, &run_end, fits)) {
    do {
      source->at += 8 * Process(source, source->record());
      if (writer_.WantsFlush()) writer_.Flush();
    } while (!source->empty() && source->stamp() < run_end);
  }
}

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

void Drain::OnThread(Source* source, const uint64_t* record) {
  const uint32_t thread = static_cast<uint32_t>(record[2]);
  ThreadStartRecord start;
  start.thread = thread;
  if (source->thread != thread) {
    // A new thread in a slot that is new or was given back.
    source->thread = thread;
    source->os_tid = static_cast<uint32_t>(record[2] >> 32);
    source->stack_end = StackEndOf(source->owner);
    source->name = 0;
    source->name_given = false;
    source->stacks.Clear();
    source->stacks.Resize(1);
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
    case RingRecord::kMetadata:
      writer_.Emit([&](RecordEncoder& encoder) {
        return encoder.Metadata({reinterpret_cast<const char*>(record + 3), record[2]});
      });
      return;
  }
}

uint64_t Drain::Sample() {
  SampleRecord sample;
  sample.rss = os::ResidentBytes();
  sample.live_bytes = blocks_.live_bytes();
  sample.live_blocks = blocks_.live_blocks();
  sample.committed = ledger_.bytes(MemoryClass::kCommitted);
  sample.reserved = ledger_.bytes(MemoryClass::kReserved);
  sample.file = ledger_.bytes(MemoryClass::kFile);
  sample.heap = sample.live_bytes + sample.committed;
  writer_.Emit([&](RecordEncoder& encoder) { return encoder.Sample(sample); });
  session_->heap_bytes_.store(sample.heap, std::memory_order_relaxed);
  return sample.rss;
}

void Drain::LookAtRss() {
  thread_stacks_.Clear();
  uint32_t main_thread = 0;
  for (size_t i = 0; i < sources_.size(); i++) {
    const Source& source = sources_[i];
    if (source.thread == 0) continue;
    if (source.os_tid == static_cast<uint32_t>(session_->pid_)) main_thread = source.thread;
    if (source.stack_end != 0) thread_stacks_.push_back({source.stack_end, source.thread});
  }
  thread_stacks_.push_back({os::StackEnd(os::Tid()), 0});
  std::string_view rings_name = session_->rings_path_.view();
  rings_name = rings_name.substr(rings_name.rfind('/') + 1);
  const ResidentParts::Owners owners = {
      &ledger_,
      resolver_.modules(session_->options_.native).modules(),
      {thread_stacks_.data(), thread_stacks_.size()},
      rings_name,
      main_thread,
  };
  rss_.Sample(owners, &dictionary_, &writer_, os::MonotonicNs());
}

// A thread's state has no destructor that could run too early: the slot is free again when the
// kernel no longer knows the thread, after its very last free.
void Drain::ReclaimDeadThreads() {
  for (size_t i = 0; i < sources_.size(); i++) {
    Source& source = sources_[i];
    if (source.thread == 0 || !source.empty() || source.written != source.at) continue;
    if (os::ThreadIsAlive(session_->pid_, static_cast<int>(source.os_tid))) continue;
    if (source.header->head.load(std::memory_order_acquire) != source.at) continue;
    const uint32_t thread = source.thread;
    writer_.Emit([&](RecordEncoder& encoder) { return encoder.ThreadEnd(thread); });
    source.thread = 0;
    ReleaseThreadState(source.owner);
    session_->rings.Release(static_cast<uint32_t>(i));
  }
}

bool Drain::WriteRings(RecordEncoder* encoder) {
  tails_.Clear();
  for (size_t i = 0; i < sources_.size(); i++) {
    Source& source = sources_[i];
    if (source.new_stacks.size() > 0) {
      encoder->RingStack(source.thread, {source.new_stacks.data(), source.new_stacks.size()});
      source.new_stacks.Clear();
    }
    if (source.written != source.at && source.thread != 0) {
      tails_.push_back({source.thread, source.at});
    }
  }
  new_runs_ = 0;
  if (tails_.size() > 0) encoder->RingTails({tails_.data(), tails_.size()});
  return tails_.size() > 0;
}

void Drain::WriteFailed() {
  session_->Fail("writing the capture failed", -session_->file_.error());
}

void Drain::BlockWritten() {
  for (size_t i = 0; i < sources_.size(); i++) {
    Source& source = sources_[i];
    if (source.written == source.at) continue;
    source.written = source.at;
    source.header->tail.store(source.at, std::memory_order_release);
  }
}

void Drain::Run() {
  resolver_.Start(&writer_, &dictionary_, session_->options_.native);
  WriteStartMetadata(&writer_, session_->options_, session_->start_unix_ns_);
  writer_.Flush();  // who this was shall be known however soon it is killed
  constexpr uint64_t kFlushNs = 50'000'000;
  constexpr uint64_t kReclaimNs = 20'000'000;
  // A ring takes ten times what the busiest thread puts into it meanwhile.
  constexpr uint64_t kSleepNs = 5'000'000;
  const uint64_t interval_ns = uint64_t{session_->options_.interval_ms} * 1'000'000;
  while (!session_->stopping_.load(std::memory_order_acquire)) {
    const uint64_t now_ticks = TicksBefore();
    const uint64_t now_ns = os::MonotonicNs();
    Calibrate(now_ticks, now_ns);
    control->rounds.fetch_add(1, std::memory_order_relaxed);
    const uint32_t flushes = session_->flushes_wanted_.load(std::memory_order_acquire);
    FindSources();
    Merge(Horizon(now_ticks));
    if (now_ns >= next_sample_ns_ || exit_seen_) {
      writer_.encoder().SyncTime(now_ns - session_->start_ns_);
      const uint64_t rss = Sample();
      if (exit_seen_ || rss_.IsDue(os::MonotonicNs(), rss)) LookAtRss();
      if (exit_seen_) session_->exits_settled_.fetch_add(1, std::memory_order_release);
      exit_seen_ = false;
      next_sample_ns_ = now_ns + interval_ns;
    }
    if (now_ns - last_flush_ns_ >= kFlushNs || flushes != session_->flushes_.load()) {
      writer_.Flush();
      last_flush_ns_ = now_ns;
      session_->flushes_.store(flushes, std::memory_order_release);
    }
    if (now_ns >= next_reclaim_ns_) {
      ReclaimDeadThreads();
      next_reclaim_ns_ = now_ns + kReclaimNs;
    }
    os::FutexWait(reinterpret_cast<uint32_t*>(&control->drain_wake), 0,
                  std::min(kSleepNs, interval_ns));
    control->drain_wake.store(0, std::memory_order_relaxed);
  }
  Finish();
}

bool Drain::AllOutside(uint64_t patience) {
  const uint64_t now = TicksBefore();
  FindSources();
  bool outside = true;
  for (size_t i = 0; i < sources_.size(); i++) {
    if (sources_[i].header != nullptr && IsInside(&sources_[i], now, patience)) outside = false;
  }
  return outside;
}

void Drain::Finish() {
  // Threads that were inside a hook when recording stopped commit what they began. (Those that
  // were still getting themselves a ring have nothing from before.)
  constexpr uint64_t kLimitNs = 5'000'000'000;
  const uint64_t start = os::MonotonicNs();
  while (!AllOutside(patience_ticks_ / 5) && os::MonotonicNs() - start < kLimitNs) {
    os::SleepNs(100'000);
  }
  Calibrate(TicksBefore(), os::MonotonicNs());
  FindSources();
  Horizon(TicksAfter());
  Merge(session_->end_ticks_.load());
  End(/*look=*/true);
}

void Drain::GiveUp() {
  session_->Fail("no memory for memtape's own tables", ENOMEM);
  End(/*look=*/false);
}

void Drain::End(bool look) {
  const uint64_t end_ns = os::MonotonicNs() - session_->start_ns_;
  writer_.encoder().SyncTime(end_ns);
  Sample();
  if (look) LookAtRss();
  summary_.duration_ns = end_ns;
  summary_.nested = control->nested.load();
  summary_.dropped = control->dropped.load();
  summary_.stalls = session_->stalls_.load();
  summary_.stall_ns = session_->stall_ns_.load();
  summary_.live_bytes = blocks_.live_bytes();
  summary_.live_blocks = blocks_.live_blocks();
  summary_.error = session_->error_.load();
  summary_.error_text = session_->error_text_.load();
  writer_.Flush();  // with the rings' tails, so that the trailer comes last
  WriteTrailer(&writer_, summary_, session_->end_);
  writer_.Flush();
  summary_.file_bytes = session_->file_.bytes();
  session_->summary_ = summary_;
}

namespace {

jmp_buf no_memory;

// Runs `body` until it ends or there is no memory for it; says which. Nothing in it has a
// destructor that matters.
template <typename Body>
bool HasMemoryFor(Body&& body) {
  if (setjmp(no_memory) != 0) return false;
  out_of_memory_handler = [] {
    out_of_memory_handler = nullptr;
    longjmp(no_memory, 1);
  };
  body();
  out_of_memory_handler = nullptr;
  return true;
}

}  // namespace

void DrainRun(Session* session, void (*ready)(Session* session, bool success)) {
  const bool prepared = HasMemoryFor([=] { drain.Prepare(session); });
  ready(session, prepared);
  if (prepared && !HasMemoryFor([] { drain.Run(); })) HasMemoryFor([] { drain.GiveUp(); });
  drain.Clear();
}

void HideFrames(uint64_t start, uint64_t bytes) {
  drain.Hide(start, bytes);
}

void HideScript(std::string_view path) {
  drain.HideScript(path);
}

void AttachUnwindCache(UnwindCache* cache, bool native) {
  drain.AttachCache(cache, native);
}

}  // namespace memtape
