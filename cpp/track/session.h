// SPDX-License-Identifier: MIT
// One recording of this process, from Start to Stop. There is one Session object per process; it is
// used again when recording starts again.
#pragma once

#include <stdint.h>

#include <atomic>

#include "base/text_buffer.h"
#include "log/capture_file.h"
#include "log/ring_file.h"
#include "track/thread_state.h"

namespace memtape {

struct SessionOptions {
  const char* path = nullptr;
  bool overwrite = false;
  uint32_t interval_ms = 10;
  bool native = false;
  bool follow = false;
  uint64_t js_heap_interval = 0;       // bytes between samples of JavaScript heaps, 0: none
  const char* mode = "preload";        // or "patch"
  const char* no_js_stacks = nullptr;  // why there will be none; null: that is not known yet
  bool rss_always = false;             // looks at the parts of RSS with every sample: for tests
  const char* end = "stop";            // what the trailer says when Stop is not told otherwise
};

// What a recording amounted to. Sizes in bytes, times in ns.
struct SessionSummary {
  uint64_t duration_ns = 0;
  uint64_t allocations = 0, frees = 0, allocated_bytes = 0;
  uint64_t foreign_frees = 0, missed_frees = 0, nested = 0, dropped = 0;
  uint64_t stalls = 0, stall_ns = 0;
  uint64_t peak_bytes = 0, peak_time_ns = 0, peak_event = 0;
  uint64_t live_bytes = 0, live_blocks = 0;
  uint64_t file_bytes = 0;
  int error = 0;  // errno of the failure that ended recording early, 0: none
  const char* error_text = nullptr;
};

class Session {
 public:
  // Returns null or a static text that says what failed; *error is then an errno or 0. Guard up.
  const char* Start(const SessionOptions& options, int* error);
  // Ends the recording and fills *summary. False if none was running (or this is a forked child).
  bool Stop(const char* end, SessionSummary* summary);
  // The same when the process is about to end: from anywhere, a signal handler included.
  void StopAtExit();

  bool native() const { return options_.native; }
  uint64_t js_heap_interval() const { return options_.js_heap_interval; }
  bool active() const { return control->active.load(std::memory_order_acquire) != 0; }
  const char* path() const { return path_.c_str(); }
  // Live heap bytes as of the drain thread's latest round.
  uint64_t heap_bytes() const { return heap_bytes_.load(std::memory_order_relaxed); }

  // Latches the first error and stops recording; the program goes on. Any thread.
  void Fail(const char* text, int error);
  bool failed() const { return error_text_.load(std::memory_order_relaxed) != nullptr; }
  // How often the drain thread has come past a module that is about to be unloaded.
  uint32_t modules_settled() const { return modules_settled_.load(std::memory_order_acquire); }
  // Waits until that is no longer `before`, for a while. Not inside a hook.
  void WaitForModules(uint32_t before);
  // Has everything written that was recorded so far, within a while. Not inside a hook.
  void Flush();
  // How often the drain thread has come past an exit mark and looked what RSS is made of.
  uint32_t exits_settled() const { return exits_settled_.load(std::memory_order_acquire); }
  // Waits until that is no longer `before`, for a while. Not inside a hook.
  void WaitForExitLook(uint32_t before);
  void CountStall(uint64_t ns) {
    stalls_.fetch_add(1, std::memory_order_relaxed);
    stall_ns_.fetch_add(ns, std::memory_order_relaxed);
  }

  RingFile rings;

 private:
  friend class Drain;

  static void* DrainMain(void* session);
  // One thread at a time starts or stops. False when another one does so for long, or this thread
  // is in the middle of it (a signal handler).
  bool Claim();
  void Unclaim();
  bool running() const;
  const char* StartClaimed(const SessionOptions& options);
  bool NobodyAcquires();
  const char* OpenFiles();
  int StartDrain();
  void Deactivate();
  bool StopClaimed(const char* end, bool exiting);
  bool WaitForDrain(bool exiting);
  void Complain();
  // Wakes the drain thread until `done`, for a while.
  template <typename Done>
  void AwaitDrain(Done&& done);
  const char* Refuse(const char* text, int error);

  SessionOptions options_;
  TextBuffer<4096> path_;
  TextBuffer<4096> rings_path_;
  CaptureFile file_;
  SessionSummary summary_;
  std::atomic<uint32_t> claimed_by_{0};  // thread id
  uint32_t number_ = 0;                  // of the latest session
  int start_error_ = 0;
  int pid_ = 0;
  pthread_t drain_thread_ = 0;
  bool drain_started_ = false;
  std::atomic<uint32_t> drain_tid_{0};
  static constexpr uint32_t kReady = 1, kNotReady = 2;
  std::atomic<uint32_t> drain_ready_{0};  // futex
  std::atomic<uint32_t> drain_ended_{0};  // futex
  uint64_t start_ticks_ = 0, start_ns_ = 0, start_unix_ns_ = 0, capture_id_ = 0;
  uint64_t ticks_per_second_ = 0;
  const char* end_ = nullptr;
  std::atomic<uint64_t> end_ticks_{0};  // no event after this stamp belongs to it; 0: goes on
  os::FileIdentity stderr_;             // as it was at the start
  std::atomic<uint32_t> modules_settled_{0}, exits_settled_{0};
  std::atomic<uint32_t> flushes_wanted_{0}, flushes_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> heap_bytes_{0};
  std::atomic<uint64_t> stalls_{0}, stall_ns_{0};
  std::atomic<int> error_{0};
  std::atomic<const char*> error_text_{nullptr};
};

Session& CurrentSession();

}  // namespace memtape
