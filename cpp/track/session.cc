// SPDX-License-Identifier: MIT
#include "track/session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/ticks.h"
#include "os/os.h"
#include "track/drain.h"
#include "track/js_sampler.h"

namespace memtape {
namespace {

// Not a local static: hooks run before constructors do. Zero-initialized, which is its start state.
constinit Session the_session;

// The control block in a page that a fork wipes, so that a child's hooks see "inactive".
Control* MakeControl() {
  void* page = os::MapPages(os::PageSize());
  if (page == nullptr) return nullptr;
  os::WipeOnFork(page, os::PageSize());
  return static_cast<Control*>(page);
}

uint64_t MeasureTicksPerSecond() {
  const uint64_t ns = os::MonotonicNs();
  const uint64_t ticks = TicksBefore();
  while (os::MonotonicNs() - ns < 200'000) Pause();
  const uint64_t elapsed = os::MonotonicNs() - ns;
  return static_cast<uint64_t>(static_cast<double>(TicksAfter() - ticks) * 1e9 /
                               static_cast<double>(elapsed));
}

}  // namespace

Session& CurrentSession() { return the_session; }

const char* Session::Fail(const char* text, int result, int* error) {
  *error = -result;
  file_.Close();
  return text;
}

const char* Session::Start(const SessionOptions& options, int* error) {
  *error = 0;
  static Control* made = MakeControl();
  if (made == nullptr) return Fail("no memory for the control page", -ENOMEM, error);
  control = made;
  if (active()) return Fail("recording is already on", -EBUSY, error);
  options_ = options;
  path_.Clear();
  path_.Add(options.path);
  rings_path_.Clear();
  rings_path_.Add(options.path).Add(".rings");
  if (rings_path_.full()) return Fail("the output path is too long", -ENAMETOOLONG, error);
  summary_ = {};
  stopping_ = false;
  error_ = 0;
  error_text_ = nullptr;
  stalls_ = stall_ns_ = heap_bytes_ = 0;
  pid_ = os::Pid();
  capture_id_ = os::RandomU64();
  start_unix_ns_ = os::UnixNs();
  FileHeader header;
  header.capture_id = capture_id_;
  header.pid = static_cast<uint64_t>(pid_);
  header.start_unix_ns = start_unix_ns_;
  if (int result = file_.Create(path_.c_str(), options.overwrite, header); result != 0) {
    return Fail("cannot create the output file", result, error);
  }
  const uint64_t ticks_per_second = MeasureTicksPerSecond();
  start_ns_ = os::MonotonicNs();
  start_ticks_ = TicksBefore();
  const RingFile::Start rings_start = {capture_id_, start_ticks_, ticks_per_second, start_unix_ns_};
  if (int result = rings.Create(rings_path_.c_str(), rings_start); result != 0) {
    rings.Remove(rings_path_.c_str());
    os::Unlink(path_.c_str());
    return Fail("cannot create the ring buffer file", result, error);
  }
  control->next_thread = 1;
  control->nested = 0;
  control->dropped = 0;
  control->drain_wake = 0;
  control->session.fetch_add(1);
  SweepThreadStates();
  DrainPrepare(this);
  // The drain thread handles no signal: the program may count on its own threads getting them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  const int failed = pthread_create(&drain_thread_, &attributes, DrainMain, this);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed != 0) {
    rings.Remove(rings_path_.c_str());
    os::Unlink(path_.c_str());
    return Fail("cannot start the drain thread", -failed, error);
  }
  control->active.store(1, std::memory_order_release);
  return nullptr;
}

void* Session::DrainMain(void* session) {
  guard_depth = 1;  // for good: nothing that this thread does is the program's
  pthread_setname_np(pthread_self(), "memtape");
  DrainRun();
  static_cast<Session*>(session)->file_.Close();
  return nullptr;
}

bool Session::Stop(const char* end, SessionSummary* summary) {
  // A forked child finds the control page wiped, and must leave its parent's files alone.
  if (control->session.load() == 0 || pid_ != os::Pid() || drain_thread_ == 0) return false;
  const RecursionGuard guard;
  StopJsSampler();
  control->active.store(0, std::memory_order_seq_cst);
  end_ = end;
  stopping_.store(true, std::memory_order_release);
  control->drain_wake.store(1, std::memory_order_release);
  os::FutexWake(reinterpret_cast<uint32_t*>(&control->drain_wake));
  pthread_join(drain_thread_, nullptr);
  drain_thread_ = 0;
  if (error_ == 0 || file_.error() == 0) rings.Remove(rings_path_.c_str());
  *summary = summary_;
  return true;
}

void Session::WaitForModules(uint32_t before) {
  constexpr uint64_t kPatienceNs = 100'000'000;
  const uint64_t start = os::MonotonicNs();
  while (modules_settled() == before && active() && os::MonotonicNs() - start < kPatienceNs) {
    control->drain_wake.store(1, std::memory_order_release);
    os::FutexWake(reinterpret_cast<uint32_t*>(&control->drain_wake));
    os::SleepNs(50'000);
  }
}

void Session::Fail(const char* text, int error) {
  const char* none = nullptr;
  if (!error_text_.compare_exchange_strong(none, text)) return;
  error_.store(error, std::memory_order_release);
  control->active.store(0, std::memory_order_release);
}

}  // namespace memtape
