// SPDX-License-Identifier: MIT
#include "track/drain.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/out_of_memory.h"
#include "base/ticks.h"
#include "os/os.h"
#include "os/proc.h"
#include "track/drain_thread.h"
#include "track/event_order.h"
#include "track/metadata.h"

namespace memtape {
namespace {

constinit Drain drain;

}  // namespace

// A forked child has the tables as its parent's drain thread had them at that moment, which may
// have been in the middle of any change, such as a move to other pages. They are left to
// themselves.
void Drain::ForgetParents() {
  const auto renew = [](auto*... members) {
    (new (members) std::decay_t<decltype(*members)>(), ...);
  };
  renew(&blocks_, &ledger_, &rss_, &thread_stacks_, &sources_, &tails_, &dictionary_, &origins_);
}

void Drain::Prepare(Session* session) {
  if (std::exchange(pid_, os::Pid()) != os::Pid()) ForgetParents();
  session_ = session;
  summary_ = {};
  events_ = 0;
  Clear();
  writer_.Start(&session->file_, this);
  dictionary_.Start(&writer_);
  const std::span<const char> maps = os::ReadMaps();
  ledger_.Snapshot(maps.data(), maps.size());
  next_sample_ns_ = last_flush_ns_ = next_reclaim_ns_ = 0;
  interval_ns_ = uint64_t{session->options_.interval_ms} * 1'000'000;
  exit_seen_ = exit_waits_ = false;
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
      priority_.Step();
    } while (!source->empty() && source->stamp() < run_end);
  }
}

uint64_t Drain::Sample() {
  SampleRecord sample;
  sample.rss = sampled_rss_ = os::ResidentBytes();
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

void Drain::BeginLook(uint64_t rss) {
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
  rss_.Begin(owners, &dictionary_, os::MonotonicNs(), rss, blocks_.live_bytes());
}

bool Drain::LookOn(bool sampled) {
  if (!rss_.looking()) return true;
  if (!rss_.Step()) return false;
  // What a look saw belongs to a sample of its own time: the thread may have stood still meanwhile.
  if (!sampled || os::ResidentBytes() != sampled_rss_) {
    writer_.encoder().SyncTime(os::MonotonicNs() - session_->start_ns_);
    Sample();
  }
  rss_.Write(&writer_);
  return true;
}

void Drain::Watch(uint64_t now_ns) {
  const bool sampled = now_ns >= next_sample_ns_ || exit_seen_;
  if (sampled) {
    writer_.encoder().SyncTime(now_ns - session_->start_ns_);
    const uint64_t rss = Sample(), live = blocks_.live_bytes();
    const uint64_t look_ns = os::MonotonicNs();
    const bool wanted =
        exit_seen_ ? rss_.IsNews(look_ns, rss, live) : rss_.IsDue(look_ns, rss, live);
    if (wanted) BeginLook(rss);
    exit_waits_ = exit_waits_ || exit_seen_;
    exit_seen_ = false;
    next_sample_ns_ = now_ns + interval_ns_;
  }
  if (LookOn(sampled) && exit_waits_) {
    session_->exits_settled_.fetch_add(1, std::memory_order_release);
    exit_waits_ = false;
  }
}

bool Drain::IsDead(const Source& source) {
  return !os::ThreadIsAlive(session_->pid_, static_cast<int>(source.os_tid));
}

void Drain::TellThreadEnd(const Source& source) {
  writer_.Emit(
      [&](RecordEncoder& encoder) { return encoder.ThreadEnd(source.thread, source.left_ns); });
}

// A thread's state has no destructor that could run too early: the slot is free again when the
// kernel no longer knows the thread, after its very last free.
void Drain::ReclaimDeadThreads() {
  for (size_t i = 0; i < sources_.size(); i++) {
    Source& source = sources_[i];
    if (source.thread == 0 || !source.empty() || source.written != source.at) continue;
    if (!IsDead(source)) continue;
    if (source.header->head.load(std::memory_order_acquire) != source.at) continue;
    TellThreadEnd(source);
    source.thread = 0;
    ReleaseThreadState(source.owner);
    session_->rings.Release(static_cast<uint32_t>(i));
  }
}

void Drain::ReleaseRingPages() {
  for (size_t i = 0; i < sources_.size(); i++) {
    if (sources_[i].header != nullptr) sources_[i].pages.Release(sources_[i].ring, sources_[i].at);
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
  priority_.Start();
  resolver_.Start(&writer_, &dictionary_, session_->options_.native);
  WriteStartMetadata(&writer_, session_->options_, session_->start_unix_ns_);
  writer_.Flush();  // who this was shall be known however soon it is killed
  constexpr uint64_t kFlushNs = 50'000'000;
  constexpr uint64_t kReclaimNs = 20'000'000;
  // A ring takes ten times what the busiest thread puts into it meanwhile.
  constexpr uint64_t kSleepNs = 5'000'000;
  while (!session_->stopping_.load(std::memory_order_acquire)) {
    const uint64_t now_ticks = TicksBefore();
    const uint64_t now_ns = os::MonotonicNs();
    Calibrate(now_ticks, now_ns);
    control->rounds.fetch_add(1, std::memory_order_relaxed);
    const uint32_t flushes = session_->flushes_wanted_.load(std::memory_order_acquire);
    FindSources();
    Merge(Horizon(now_ticks));
    Watch(now_ns);
    if (now_ns - last_flush_ns_ >= kFlushNs || flushes != session_->flushes_.load()) {
      writer_.Flush();
      last_flush_ns_ = now_ns;
      session_->flushes_.store(flushes, std::memory_order_release);
    }
    if (now_ns >= next_reclaim_ns_) {
      ReclaimDeadThreads();
      ReleaseRingPages();
      next_reclaim_ns_ = now_ns + kReclaimNs;
    }
    if (rss_.looking()) continue;
    priority_.Lower(now_ns);
    priority_.Sleep(&control->drain_wake, std::min(kSleepNs, interval_ns_));
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
  for (size_t i = 0; i < sources_.size(); i++) {
    const Source& source = sources_[i];
    if (source.thread != 0 && (source.left_ns != 0 || IsDead(source))) TellThreadEnd(source);
  }
  End(/*look=*/true);
}

void Drain::GiveUp() {
  session_->Fail("no memory for memtape's own tables", ENOMEM);
  End(/*look=*/false);
}

void Drain::End(bool look) {
  writer_.encoder().SyncTime(os::MonotonicNs() - session_->start_ns_);
  const uint64_t rss = Sample();
  if (look && rss_.IsNews(os::MonotonicNs(), rss, blocks_.live_bytes())) BeginLook(rss);
  while (look && !LookOn(/*sampled=*/true)) {
  }
  summary_.duration_ns = os::MonotonicNs() - session_->start_ns_;
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

void HurryDrain() {
  drain.Hurry();
}

void KeepDrainPriority() {
  drain.KeepPriority();
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
