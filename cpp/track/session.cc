// SPDX-License-Identifier: MIT
#include "track/session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

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
  if (!os::WipeOnFork(page, os::PageSize())) {
    // Not every kernel that looks like Linux can. libc's fork can do it too; a bare clone cannot.
    static void* wiped;
    wiped = page;
    pthread_atfork(nullptr, nullptr, [] { memset(wiped, 0, sizeof(Control)); });
  }
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

Session& CurrentSession() {
  return the_session;
}

bool Session::Claim() {
  constexpr uint64_t kPatienceNs = 10'000'000'000;
  const uint32_t tid = static_cast<uint32_t>(os::Tid());
  const uint64_t start = os::MonotonicNs();
  uint32_t holder = 0;
  while (!claimed_by_.compare_exchange_strong(holder, tid, std::memory_order_acq_rel)) {
    if (holder == tid || os::MonotonicNs() - start > kPatienceNs) return false;
    // In a forked child the holder may be a thread of the parent: take it from there.
    if (os::ThreadIsAlive(os::Pid(), static_cast<int>(holder))) {
      holder = 0;
      os::SleepNs(1'000'000);
    }
  }
  return true;
}

void Session::Unclaim() {
  claimed_by_.store(0, std::memory_order_release);
}

// A forked child has its parent's session, but not the thread behind it.
bool Session::running() const {
  return drain_started_ && pid_ == os::Pid();
}

const char* Session::Refuse(const char* text, int error) {
  start_error_ = error;
  return text;
}

const char* Session::Start(const SessionOptions& options, int* error) {
  *error = EBUSY;
  if (!Claim()) return "recording is being started or stopped by another thread";
  start_error_ = 0;
  const char* problem = StartClaimed(options);
  *error = start_error_;
  Unclaim();
  return problem;
}

const char* Session::StartClaimed(const SessionOptions& options) {
  static Control* made = MakeControl();
  if (made == nullptr) return Refuse("no memory for the control page", ENOMEM);
  control.Set(made);
  if (active()) return Refuse("recording is already on", EBUSY);
  // One that failed and was not stopped.
  if (running()) StopClaimed("error", /*exiting=*/false);
  if (!NobodyAcquires()) return Refuse("an earlier recording is still ending", EBUSY);
  options_ = options;
  path_.Clear();
  path_.Add(options.path);
  rings_path_.Clear();
  rings_path_.Add(options.path).Add(".rings");
  if (rings_path_.full()) return Refuse("the output path is too long", ENAMETOOLONG);
  summary_ = {};
  stopping_ = false;
  error_ = 0;
  error_text_ = nullptr;
  stalls_ = stall_ns_ = heap_bytes_ = end_ticks_ = 0;
  pid_ = os::Pid();
  stderr_ = os::IdentityOf(STDERR_FILENO);
  if (const char* problem = OpenFiles()) return problem;
  control->next_thread = 1;
  control->nested = 0;
  control->dropped = 0;
  control->drain_wake = 0;
  SweepThreadStates();
  if (const int failed = StartDrain(); failed != 0) {
    rings.Unlink();
    rings.Close(/*settled=*/true);
    file_.Unlink();
    file_.Close();
    return Refuse("cannot start the drain thread", failed);
  }
  // Not counted in the control page, which is new in a forked child: the numbers of states that it
  // has from its parent must not fit.
  control->session.store(++number_, std::memory_order_relaxed);
  control->active.store(1, std::memory_order_release);
  return nullptr;
}

// A thread that began to get itself a ring of the recording before sees soon that it has ended:
// when it has a processor again.
bool Session::NobodyAcquires() {
  constexpr uint64_t kPatienceNs = 1'000'000'000;
  const uint64_t start = os::MonotonicNs();
  while (control->acquiring.load() != 0) {
    if (os::MonotonicNs() - start > kPatienceNs) return false;
    os::SleepNs(100'000);
  }
  return true;
}

const char* Session::OpenFiles() {
  capture_id_ = os::RandomU64();
  start_unix_ns_ = os::UnixNs();
  FileHeader header;
  header.capture_id = capture_id_;
  header.pid = static_cast<uint64_t>(pid_);
  header.start_unix_ns = start_unix_ns_;
  if (int result = file_.Create(path_.c_str(), options_.overwrite, header); result != 0) {
    file_.Close();
    return Refuse("cannot create the output file", -result);
  }
  ticks_per_second_ = MeasureTicksPerSecond();
  start_ns_ = os::MonotonicNs();
  start_ticks_ = TicksBefore();
  const RingFile::Start rings_start = {capture_id_, start_ticks_, ticks_per_second_,
                                       start_unix_ns_};
  if (int result = rings.Create(rings_path_.c_str(), rings_start); result != 0) {
    rings.Unlink();
    rings.Close(/*settled=*/true);
    file_.Unlink();
    file_.Close();
    return Refuse("cannot create the ring buffer file", -result);
  }
  return nullptr;
}

int Session::StartDrain() {
  // The drain thread handles no signal: the program may count on its own threads getting them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // Thread-local storage of the program's libraries takes its part of this.
  pthread_attr_setstacksize(&attributes, 1 << 20);
  drain_tid_ = 0;
  drain_ready_ = 0;
  drain_ended_ = 0;
  const int failed = pthread_create(&drain_thread_, &attributes, DrainMain, this);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed != 0) return failed;
  while (drain_ready_.load(std::memory_order_acquire) == 0) {
    os::FutexWait(reinterpret_cast<uint32_t*>(&drain_ready_), 0, 1'000'000'000);
  }
  drain_started_ = drain_ready_.load() == kReady;
  if (!drain_started_) pthread_join(drain_thread_, nullptr);
  return drain_started_ ? 0 : ENOMEM;
}

void* Session::DrainMain(void* data) {
  Session* session = static_cast<Session*>(data);
  guard_depth = 1;  // for good: nothing that this thread does is the program's
  session->drain_tid_.store(static_cast<uint32_t>(os::Tid()), std::memory_order_release);
  pthread_setname_np(pthread_self(), "memtape");
  DrainRun(session, [](Session* self, bool success) {
    self->drain_ready_.store(success ? kReady : kNotReady, std::memory_order_release);
    os::FutexWake(reinterpret_cast<uint32_t*>(&self->drain_ready_));
  });
  session->file_.Close();
  session->Complain();
  session->drain_ended_.store(1, std::memory_order_release);
  os::FutexWake(reinterpret_cast<uint32_t*>(&session->drain_ended_));
  return nullptr;
}

// Nobody else can tell: the program does not know of the recording. (A Tracker's Stop tells
// itself.)
void Session::Complain() {
  const char* text = error_text_.load(std::memory_order_acquire);
  if (text == nullptr || strcmp(options_.mode, "preload") != 0) return;
  // A daemon may have given the number to a file of its own.
  if (os::IdentityOf(STDERR_FILENO) != stderr_) return;
  TextBuffer<512> line;
  line.Add("memtape: recording ended early: ").Add(text);
  const int error = error_.load();
  if (const char* why = os::ErrorText(error)) {
    line.Add(" (").Add(why).Add(")");
  } else if (error != 0) {
    line.Add(" (errno ").AddNumber(static_cast<uint64_t>(error)).Add(")");
  }
  line.Add("; the capture holds what came before\n");
  os::TryWrite(STDERR_FILENO, line.c_str(), line.size());
}

bool Session::Stop(const char* end, SessionSummary* summary) {
  // A forked child must leave its parent's files alone.
  if (pid_ != os::Pid() || !Claim()) return false;
  const RecursionGuard guard;
  const bool stopped = StopClaimed(end, /*exiting=*/false);
  if (stopped) *summary = summary_;
  Unclaim();
  return stopped;
}

void Session::StopAtExit() {
  if (pid_ != os::Pid() || !Claim()) return;
  const RecursionGuard guard;
  StopClaimed("exit", /*exiting=*/true);
  Unclaim();
}

bool Session::StopClaimed(const char* end, bool exiting) {
  if (!running()) return false;
  end_ = end;
  Deactivate();
  if (!exiting) StopJsSampler();
  control->session.store(0, std::memory_order_seq_cst);
  // Threads in a hook have shown it, or will see that the session is over (Enter). What is mapped
  // for the hooks can only go when this is sure; a process that ends does not care.
  const bool visible = !exiting && os::MemoryBarrierOnAllThreads();
  stopping_.store(true, std::memory_order_release);
  control->drain_wake.store(1, std::memory_order_release);
  os::FutexWake(reinterpret_cast<uint32_t*>(&control->drain_wake));
  const bool ended = WaitForDrain(exiting);
  drain_started_ = false;
  // Not at exit: pthread_join takes locks that a signal handler may have interrupted.
  if (ended && !exiting) pthread_join(drain_thread_, nullptr);
  if (!ended || exiting || control->acquiring.load() != 0) {
    if (ended && file_.error() == 0) rings.Unlink();
    return true;
  }
  // After a write error the rings hold what the capture lacks.
  if (file_.error() == 0) rings.Unlink();
  rings.Close(visible);
  return true;
}

// False when it has died (a thread that seccomp ends says nothing), or keeps the process from
// ending: a disk may not answer.
bool Session::WaitForDrain(bool exiting) {
  constexpr uint64_t kLookNs = 100'000'000;
  constexpr uint64_t kExitPatienceNs = 30'000'000'000;
  const uint64_t start = os::MonotonicNs();
  while (drain_ended_.load(std::memory_order_acquire) == 0) {
    HurryDrain();
    os::FutexWait(reinterpret_cast<uint32_t*>(&drain_ended_), 0, kLookNs);
    if (exiting && os::MonotonicNs() - start > kExitPatienceNs) return false;
    const uint32_t tid = drain_tid_.load(std::memory_order_acquire);
    if (tid != 0 && drain_ended_.load(std::memory_order_acquire) == 0 &&
        !os::ThreadIsAlive(pid_, static_cast<int>(tid))) {
      return drain_ended_.load(std::memory_order_acquire) != 0;
    }
  }
  return true;
}

template <typename Done>
void Session::AwaitDrain(Done&& done) {
  constexpr uint64_t kPatienceNs = 100'000'000;
  const uint64_t start = os::MonotonicNs();
  while (!done() && active() && os::MonotonicNs() - start < kPatienceNs) {
    HurryDrain();
    control->drain_wake.store(1, std::memory_order_release);
    os::FutexWake(reinterpret_cast<uint32_t*>(&control->drain_wake));
    os::SleepNs(50'000);
  }
}

void Session::WaitForModules(uint32_t before) {
  AwaitDrain([=, this] { return modules_settled() != before; });
}

void Session::WaitForExitLook(uint32_t before) {
  if (running()) AwaitDrain([=, this] { return exits_settled() != before; });
}

void Session::Flush() {
  if (!active() || !running()) return;
  const uint32_t wanted = flushes_wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
  AwaitDrain([=, this] {
    return static_cast<int32_t>(flushes_.load(std::memory_order_acquire) - wanted) >= 0;
  });
}

void Session::Fail(const char* text, int error) {
  const char* none = nullptr;
  if (!error_text_.compare_exchange_strong(none, text)) return;
  error_.store(error, std::memory_order_release);
  Deactivate();
}

// Threads that are inside a hook go on while others record nothing any more: what they record
// after this stamp would miss the frees of those.
void Session::Deactivate() {
  uint64_t none = 0;
  end_ticks_.compare_exchange_strong(none, TicksBefore());
  control->active.store(0, std::memory_order_seq_cst);
}

}  // namespace memtape
