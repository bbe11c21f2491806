// SPDX-License-Identifier: MIT
#include "track/rss_sampler.h"

#include "log/log_fixture.h"
#include "os/os.h"
#include "os/proc.h"

namespace memtape {
namespace {

constexpr uint64_t kMs = 1'000'000;

class RssSamplerTest : public LogTest {
 protected:
  void SetUp() override {
    LogTest::SetUp();
    dictionary_.Start(&writer_);
    owners_.ledger = &ledger_;
  }
  void TearDown() override {
    sampler_.Clear();
    dictionary_.Clear();
    LogTest::TearDown();
  }
  void Look() {
    rss_ = os::ResidentBytes();
    sampler_.Begin(owners_, &dictionary_, os::MonotonicNs(), rss_, kLive);
    while (!sampler_.Step()) EXPECT_TRUE(sampler_.looking());
    sampler_.Write(&writer_);
  }

  static constexpr uint64_t kLive = 5'000'000;
  Dictionary dictionary_;
  MapLedger ledger_;
  ResidentParts::Owners owners_;
  RssSampler sampler_;
  uint64_t rss_ = 0;  // as the latest look was told
};

TEST_F(RssSamplerTest, TheSameOnceMoreIsNoNews) {
  sampler_.Start(/*always=*/false, os::MonotonicNs());
  const uint64_t rss = os::ResidentBytes();
  EXPECT_TRUE(sampler_.IsNews(os::MonotonicNs(), rss, kLive)) << "nobody has looked yet";
  Look();
  const uint64_t now = os::MonotonicNs();
  const uint64_t seen = sampler_.seen_rss();
  ASSERT_GT(seen, 0u);
  EXPECT_FALSE(sampler_.IsNews(now, seen, kLive));
  EXPECT_FALSE(sampler_.IsNews(now, seen + seen / 2000, kLive));
  EXPECT_FALSE(sampler_.IsNews(now, seen - seen / 2000, kLive));
  EXPECT_TRUE(sampler_.IsNews(now, seen + seen / 500, kLive));
  EXPECT_TRUE(sampler_.IsNews(now, seen - seen / 500, kLive));
  EXPECT_FALSE(sampler_.IsNews(now, seen, kLive - 60'000));
  EXPECT_TRUE(sampler_.IsNews(now, seen, kLive - 70'000)) << "freed while the look went on";
  EXPECT_TRUE(sampler_.IsNews(now, seen, kLive + 70'000));
  EXPECT_TRUE(sampler_.IsNews(now + 20 * kMs, seen, kLive)) << "much happens in 20 ms";
}

TEST_F(RssSamplerTest, LooksRarelyWhereNothingChanges) {
  const uint64_t start = os::MonotonicNs();
  // Long ago: AddressSanitizer's pages make a look take half a second, and that has to be
  // affordable.
  sampler_.Start(/*always=*/false, start - 3'600'000 * kMs);
  EXPECT_TRUE(sampler_.IsDue(start, os::ResidentBytes(), kLive));
  Look();
  const uint64_t later = os::MonotonicNs() + 600 * kMs;
  EXPECT_FALSE(sampler_.IsDue(later, rss_, kLive));
  EXPECT_TRUE(sampler_.IsDue(later, rss_, kLive + 100'000)) << "blocks have come";
  EXPECT_TRUE(sampler_.IsDue(later, rss_ - rss_ / 20, kLive)) << "pages have gone";
  EXPECT_TRUE(sampler_.IsDue(later + 5000 * kMs, rss_, kLive)) << "after all that time";
}

TEST_F(RssSamplerTest, ALookInTheWayOfAnotherIsForgotten) {
  sampler_.Start(/*always=*/false, os::MonotonicNs());
  sampler_.Begin(owners_, &dictionary_, os::MonotonicNs(), os::ResidentBytes(), kLive);
  EXPECT_TRUE(sampler_.looking());
  EXPECT_FALSE(sampler_.IsDue(os::MonotonicNs(), uint64_t{1} << 40, kLive));
  EXPECT_TRUE(sampler_.IsNews(os::MonotonicNs(), os::ResidentBytes(), kLive));
  Look();
  EXPECT_FALSE(sampler_.looking());
  EXPECT_GT(sampler_.seen_rss(), 0u);
}

TEST_F(RssSamplerTest, EverythingIsNewsToWhoWantsAll) {
  sampler_.Start(/*always=*/true, os::MonotonicNs());
  Look();
  EXPECT_TRUE(sampler_.IsNews(os::MonotonicNs(), os::ResidentBytes(), kLive));
}

}  // namespace
}  // namespace memtape
