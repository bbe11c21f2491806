// SPDX-License-Identifier: MIT
// The drain thread's object: drain.cc has its rounds, drain_records.cc what each record of a ring
// does.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string_view>

#include "base/flat_map.h"
#include "base/page_arena.h"
#include "base/page_array.h"
#include "format/rings.h"
#include "log/log_writer.h"
#include "log/ring_pages.h"
#include "os/os.h"
#include "stack/unwinder.h"
#include "track/dictionary.h"
#include "track/drain_priority.h"
#include "track/frame_resolver.h"
#include "track/js_heap_log.h"
#include "track/live_blocks.h"
#include "track/map_ledger.h"
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

  void Hurry() { priority_.Raise(); }
  void KeepPriority() { priority_.Keep(); }

  bool WriteRings(RecordEncoder* encoder) override;
  void BlockWritten() override;
  void WriteFailed() override;

 private:
  // What the drain thread keeps of a slot.
  struct Source {
    SlotHeader* header;  // null: not there yet
    uint8_t* ring;
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
    uint64_t left_ns;                  // when its function was over, 0: not yet or not known
    uint32_t name;                     // string id of what it is called
    bool name_given;                   // by whom it belongs to: other names do not count
    PageArray<uint32_t> stacks;        // ring stack number → stack id
    PageArray<RingStacks> new_stacks;  // those of `stacks` that no block has yet
    StackPath path;
    RingPages pages;
    JsHeapLog js_heap;

    bool empty() const { return at == end; }
    const uint64_t* record() const {
      return reinterpret_cast<const uint64_t*>(ring + (at & (kRingBytes - 1)));
    }
    uint64_t stamp() const { return record()[0]; }
  };

  void ForgetParents();
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
  void TellMainThread(uint32_t thread);
  void OnThread(Source* source, const uint64_t* record);
  void OnJsSample(Source* source, const uint64_t* record);
  void OnThreadName(Source* source, const uint64_t* record);
  void NameThread(Source* source, std::string_view name);
  void AskForName(Source* source);
  uint32_t StackOf(Source* source, uint32_t number);
  void NotePeak();
  // Returns RSS.
  uint64_t Sample();
  // A sample if it is time, and what the RSS looks have to do.
  void Watch(uint64_t now_ns);
  void BeginLook(uint64_t rss);
  // `sampled`: in this round. True when no look is going on (any more).
  bool LookOn(bool sampled);
  bool IsDead(const Source& source);
  void TellThreadEnd(const Source& source);
  void ReclaimDeadThreads();
  void ReleaseRingPages();
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
  int pid_ = 0;  // of the process that made the tables
  DrainPriority priority_;
  PageArena arena_{os::MapPages};
  LogWriter writer_;
  Dictionary dictionary_;
  FrameResolver resolver_{&arena_};
  FlatMap origins_;  // OriginStackOf(key) → stack id + 1
  LiveBlocks blocks_;
  MapLedger ledger_;
  RssSampler rss_;
  PageArray<ResidentParts::ThreadStack> thread_stacks_;
  bool exit_seen_ = false;   // an exit mark, in this round
  bool exit_waits_ = false;  // for a look that goes on
  PageArray<Source> sources_;
  PageArray<RingTail> tails_;
  size_t new_runs_ = 0;  // in all sources
  SessionSummary summary_;
  double ns_per_tick_ = 1;
  uint64_t margin_ticks_ = 0, patience_ticks_ = 0;
  uint64_t sampled_rss_ = 0;
  uint64_t events_ = 0;  // alloc, free and map records written
  uint64_t interval_ns_ = 0, next_sample_ns_ = 0, last_flush_ns_ = 0, next_reclaim_ns_ = 0;
};

}  // namespace memtape
