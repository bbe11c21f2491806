// SPDX-License-Identifier: MIT
#include "track/drain_priority.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "os/os.h"

namespace memtape {
namespace {

constexpr uint64_t kPause = DrainPriority::kFirstPauseNs;

int Policy() {
  return sched_getscheduler(0);
}

// In a thread of its own: without privileges a low one would stay so.
template <typename Body>
void OnAThread(Body&& body) {
  std::thread(body).join();
}

bool Privileged() {
  bool may = false;
  OnAThread([&] { may = os::MayRaisePriority(); });
  return may;
}

TEST(DrainPriorityTest, TryingChangesNothing) {
  OnAThread([] {
    const int own = getpriority(PRIO_PROCESS, 0);  // of who runs the tests
    os::MayRaisePriority();
    EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
    setpriority(PRIO_PROCESS, 0, own + 5);
    os::MayRaisePriority();
    EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own + 5);
  });
}

TEST(DrainPriorityTest, AnyoneCanRaiseIt) {
  if (!Privileged()) GTEST_SKIP() << "needs CAP_SYS_NICE";
  OnAThread([] {
    DrainPriority priority;
    priority.Start();
    EXPECT_EQ(Policy(), SCHED_OTHER);
    priority.Lower(1);
    EXPECT_EQ(Policy(), SCHED_IDLE);
    EXPECT_TRUE(priority.is_low());
    OnAThread([&] { priority.Raise(); });
    EXPECT_EQ(Policy(), SCHED_OTHER);
    EXPECT_FALSE(priority.is_low());
  });
}

TEST(DrainPriorityTest, StaysForAWhileAfterThatAndLongerEachTime) {
  if (!Privileged()) GTEST_SKIP() << "needs CAP_SYS_NICE";
  OnAThread([] {
    DrainPriority priority;
    priority.Start();
    uint64_t now = 1;
    for (uint64_t pause = kPause; pause <= 8 * kPause; pause *= 2) {
      priority.Lower(now);
      ASSERT_TRUE(priority.is_low());
      priority.Raise();
      priority.Lower(++now);
      priority.Lower(now + pause - 1);
      EXPECT_EQ(Policy(), SCHED_OTHER);
      now += pause;
    }
    priority.Lower(now);
    ASSERT_TRUE(priority.is_low());
    // It lasted.
    now += 1000 * kPause;
    priority.Raise();
    priority.Lower(now);
    EXPECT_FALSE(priority.is_low());
    priority.Lower(now + kPause);
    EXPECT_TRUE(priority.is_low());
    priority.Raise();
  });
}

TEST(DrainPriorityTest, RaisesItselfAfterItStoodStill) {
  if (!Privileged()) GTEST_SKIP() << "needs CAP_SYS_NICE";
  OnAThread([] {
    DrainPriority priority;
    priority.Start();
    priority.Lower(os::MonotonicNs());
    ASSERT_TRUE(priority.is_low());
    usleep(2 * DrainPriority::kLateNs / 1000);
    for (int i = 0; i < 1000; i++) priority.Step();
    EXPECT_EQ(Policy(), SCHED_OTHER);
  });
}

TEST(DrainPriorityTest, RaisesItselfWhenItWakesUpLate) {
  if (!Privileged()) GTEST_SKIP() << "needs CAP_SYS_NICE";
  OnAThread([] {
    DrainPriority priority;
    priority.Start();
    std::atomic<uint32_t> word{0};
    priority.Lower(os::MonotonicNs() - 2 * DrainPriority::kLateNs);
    ASSERT_TRUE(priority.is_low());
    priority.Sleep(&word, 1);
    EXPECT_EQ(Policy(), SCHED_OTHER);
  });
}

TEST(DrainPriorityTest, IsKeptForGood) {
  if (!Privileged()) GTEST_SKIP() << "needs CAP_SYS_NICE";
  OnAThread([] {
    DrainPriority priority;
    priority.Start();
    priority.Lower(1);
    ASSERT_TRUE(priority.is_low());
    OnAThread([&] { priority.Keep(); });
    EXPECT_EQ(Policy(), SCHED_OTHER);
    for (uint64_t n = 1; n < 100; n++) priority.Lower(n * DrainPriority::kLastPauseNs);
    EXPECT_EQ(Policy(), SCHED_OTHER);
    priority.Start();  // of the next session
    priority.Lower(1);
    EXPECT_EQ(Policy(), SCHED_IDLE);
    priority.Raise();
  });
}

// Who is not sure of getting it back keeps it.
TEST(DrainPriorityTest, AThreadWithoutPrivilegesKeepsItsPriority) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_NICE, &none);
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    DrainPriority priority;
    priority.Start();
    priority.Lower(1);
    _exit(priority.is_low() || Policy() != SCHED_OTHER ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace memtape
