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
  void Look() { sampler_.Sample(owners_, &dictionary_, &writer_, os::MonotonicNs(), kLive); }

  static constexpr uint64_t kLive = 5'000'000;
  Dictionary dictionary_;
  MapLedger ledger_;
  ResidentParts::Owners owners_;
  RssSampler sampler_;
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

TEST_F(RssSamplerTest, EverythingIsNewsToWhoWantsAll) {
  sampler_.Start(/*always=*/true, os::MonotonicNs());
  Look();
  EXPECT_TRUE(sampler_.IsNews(os::MonotonicNs(), os::ResidentBytes(), kLive));
}

}  // namespace
}  // namespace memtape
