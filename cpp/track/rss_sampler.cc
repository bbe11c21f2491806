// SPDX-License-Identifier: MIT
#include "track/rss_sampler.h"

#include <algorithm>

#include "os/os.h"

namespace memtape {
namespace {

constexpr uint64_t kPeriodNs = 500'000'000;
// And where RSS and the live blocks are what they were.
constexpr uint64_t kStillPeriodNs = 10 * kPeriodNs;
// Looks may take this part of the time.
constexpr uint64_t kShare = 200;
// What looks may cost beyond their share of the time, so that a short program gets some.
constexpr uint64_t kCreditNs = 10'000'000;
// While RSS rises there is a look at each eighth more, with half of the credit. When it stops, that
// may be its highest: then less is enough.
constexpr uint64_t kRisingShare = 8, kStoppedShare = 50, kHigherBytes = 1 << 20;
// What is no news.
constexpr uint64_t kFreshNs = 20'000'000, kSameShare = 1000, kSameLiveBytes = 64 << 10;
// Of small pages: 128 MB take 0.3 ms, in which the busiest thread fills a fiftieth of its ring.
constexpr size_t kStepPages = 32'768;
// In one record: a block has room for it.
constexpr size_t kMaxRuns = 8192;

uint64_t Between(uint64_t a, uint64_t b) {
  return a > b ? a - b : b - a;
}

}  // namespace

void RssSampler::Start(bool always, uint64_t now_ns) {
  always_ = always;
  available_ = true;
  looking_ = false;
  start_ns_ = next_ns_ = now_ns;
  spent_ns_ = cost_ns_ = peak_ = last_rss_ = seen_ns_ = seen_rss_ = begun_rss_ = seen_live_ = 0;
}

bool RssSampler::IsDue(uint64_t now_ns, uint64_t rss, uint64_t live) {
  if (looking_) return false;
  if (always_) return available_;
#if defined(__SANITIZE_THREAD__)
  return false;  // seconds each, in terabytes of TSan's own: where a test asks for it
#endif
  const bool has_stopped = rss <= last_rss_;
  last_rss_ = rss;
  const uint64_t more = peak_ / (has_stopped ? kStoppedShare : kRisingShare) + kHigherBytes;
  if (!available_) return false;
  if (rss <= peak_ + more) {
    const bool same = Between(rss, begun_rss_) < begun_rss_ / kSameShare &&
                      Between(live, seen_live_) < kSameLiveBytes;
    if (now_ns < next_ns_ + (same ? kStillPeriodNs - kPeriodNs : 0)) return false;
  }
  const uint64_t credit_ns = has_stopped ? kCreditNs : kCreditNs / 2;
  return spent_ns_ + cost_ns_ <= credit_ns + (now_ns - start_ns_) / kShare;
}

bool RssSampler::IsNews(uint64_t now_ns, uint64_t rss, uint64_t live) const {
  if (looking_ || always_ || seen_rss_ == 0 || now_ns - seen_ns_ >= kFreshNs) return available_;
  return Between(rss, seen_rss_) >= seen_rss_ / kSameShare ||
         Between(live, seen_live_) >= kSameLiveBytes;
}

void RssSampler::Begin(const ResidentParts::Owners& owners, Dictionary* dictionary, uint64_t now_ns,
                       uint64_t rss, uint64_t live) {
  const int tid = os::Tid();
  const uint64_t cpu_before = os::ThreadCpuNs(tid);
  available_ = looking_ = parts_.Begin(owners, dictionary);
  begun_ns_ = now_ns;
  begun_rss_ = rss;
  begun_live_ = live;
  cost_ns_ = os::ThreadCpuNs(tid) - cpu_before;
}

bool RssSampler::Step() {
  const int tid = os::Tid();
  const uint64_t cpu_before = os::ThreadCpuNs(tid);
  if (!parts_.Step(kStepPages)) {
    cost_ns_ += os::ThreadCpuNs(tid) - cpu_before;
    return false;
  }
  looking_ = false;
  available_ = parts_.record().rss > 0;
  cost_ns_ += os::ThreadCpuNs(tid) - cpu_before;
  spent_ns_ += cost_ns_;
  next_ns_ = begun_ns_ + kPeriodNs;
  return true;
}

void RssSampler::Write(LogWriter* writer) {
  if (!available_) return;
  const RssRecord record = parts_.record();
  writer->Emit([&](RecordEncoder& encoder) { return encoder.Rss(record); });
  std::span<const RssRun> runs = parts_.runs();
  while (!runs.empty()) {
    const std::span<const RssRun> some = runs.first(std::min(runs.size(), kMaxRuns));
    writer->Emit([&](RecordEncoder& encoder) { return encoder.RssPages(some); });
    runs = runs.subspan(some.size());
  }
  peak_ = std::max(peak_, record.rss);
  seen_rss_ = record.rss;
  seen_live_ = begun_live_;
  seen_ns_ = os::MonotonicNs();
}

}  // namespace memtape
