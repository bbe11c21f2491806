// SPDX-License-Identifier: MIT
#include "track/rss_sampler.h"

#include <algorithm>

#include "os/os.h"

namespace memtape {
namespace {

constexpr uint64_t kPeriodNs = 500'000'000;
// Looks may take this part of the time.
constexpr uint64_t kShare = 200;
// What looks may cost beyond their share of the time, so that a short program gets some.
constexpr uint64_t kCreditNs = 10'000'000;
// While RSS rises there is a look at each eighth more, with half of the credit. When it stops, that
// may be its highest: then less is enough.
constexpr uint64_t kRisingShare = 8, kStoppedShare = 50, kHigherBytes = 1 << 20;
// What is no news.
constexpr uint64_t kFreshNs = 20'000'000, kSameShare = 1000, kSameLiveBytes = 64 << 10;
// In one record: a block has room for it.
constexpr size_t kMaxRuns = 8192;

}  // namespace

void RssSampler::Start(bool always, uint64_t now_ns) {
  always_ = always;
  available_ = true;
  start_ns_ = next_ns_ = now_ns;
  spent_ns_ = cost_ns_ = peak_ = last_rss_ = seen_ns_ = seen_rss_ = seen_live_ = 0;
}

bool RssSampler::IsDue(uint64_t now_ns, uint64_t rss) {
  if (always_) return available_;
  const bool has_stopped = rss <= last_rss_;
  last_rss_ = rss;
  const uint64_t more = peak_ / (has_stopped ? kStoppedShare : kRisingShare) + kHigherBytes;
  if (!available_ || (now_ns < next_ns_ && rss <= peak_ + more)) return false;
  const uint64_t credit_ns = has_stopped ? kCreditNs : kCreditNs / 2;
  return spent_ns_ + cost_ns_ <= credit_ns + (now_ns - start_ns_) / kShare;
}

bool RssSampler::IsNews(uint64_t now_ns, uint64_t rss, uint64_t live) const {
  if (always_ || seen_rss_ == 0 || now_ns - seen_ns_ >= kFreshNs) return available_;
  const auto between = [](uint64_t a, uint64_t b) { return a > b ? a - b : b - a; };
  return between(rss, seen_rss_) >= seen_rss_ / kSameShare ||
         between(live, seen_live_) >= kSameLiveBytes;
}

void RssSampler::Sample(const ResidentParts::Owners& owners, Dictionary* dictionary,
                        LogWriter* writer, uint64_t now_ns, uint64_t live) {
  const int tid = os::Tid();
  const uint64_t cpu_before = os::ThreadCpuNs(tid);
  available_ = parts_.Look(owners, dictionary);
  if (available_) {
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
    seen_live_ = live;
    seen_ns_ = os::MonotonicNs();
  }
  cost_ns_ = os::ThreadCpuNs(tid) - cpu_before;
  spent_ns_ += cost_ns_;
  next_ns_ = now_ns + kPeriodNs;
}

}  // namespace memtape
