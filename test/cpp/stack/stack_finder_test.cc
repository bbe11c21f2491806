// SPDX-License-Identifier: MIT
#include "stack/stack_finder.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <thread>

#include "stack/unwind_fixture.h"

namespace memtape {
namespace {

uint64_t Here() {
  return reinterpret_cast<uint64_t>(__builtin_frame_address(0));
}

// The bounds that the finder gives must be mapped, and hold what is there.
void ExpectAround(const StackBounds* bounds, uint64_t sp) {
  ASSERT_NE(bounds, nullptr);
  EXPECT_LE(bounds->lo, sp);
  EXPECT_GT(bounds->hi, sp);
  const uint64_t page = sp & ~uint64_t{4095};
  EXPECT_EQ(msync(reinterpret_cast<void*>(page), bounds->hi - page, MS_ASYNC), 0);
}

TEST(StackFinderTest, FindsAThreadsOwnStack) {
  std::thread([] {
    StackFinder finder;
    finder.Start(os::StackEnd(os::Tid()));
    const StackBounds* bounds = finder.Find(Here());
    ExpectAround(bounds, Here());
    EXPECT_EQ(bounds->hi, os::StackEnd(os::Tid()));
    EXPECT_EQ(bounds->lo, ThisThreadsBounds().lo);
  }).join();
}

[[gnu::noinline]] void Deep(StackFinder* finder, int depth) {
  volatile char room[16 << 10];
  room[0] = 1;
  ExpectAround(finder->Find(Here()), Here());
  if (depth > 0) Deep(finder, depth - 1);
  room[1] = room[0];
}

TEST(StackFinderTest, FollowsAStackThatGrows) {
  StackFinder finder;
  finder.Start(ThisThreadsBounds().hi);
  const uint64_t lo = finder.Find(Here())->lo;
  Deep(&finder, 100);
  EXPECT_EQ(finder.Find(Here())->lo, lo);
}

TEST(StackFinderTest, OfAnUnknownEndItKnowsTheMapping) {
  StackFinder finder;
  finder.Start(0);
  ExpectAround(finder.Find(Here()), Here());
}

TEST(StackFinderTest, KnowsNoStackWhereNothingIsMapped) {
  StackFinder finder;
  finder.Start(ThisThreadsBounds().hi);
  EXPECT_EQ(finder.Find(64), nullptr);
}

#if !defined(MEMTAPE_SANITIZED)
constexpr size_t kBytes = size_t{64} << 10;

StackFinder* test_finder;
StackBounds in_other;

void OnOtherStack() {
  const StackBounds* bounds = test_finder->Find(Here());
  ExpectAround(bounds, Here());
  if (bounds != nullptr) in_other = *bounds;
}

TEST(StackFinderTest, FindsAStackThatTheThreadHasSwitchedTo) {
  StackFinder finder;
  finder.Start(ThisThreadsBounds().hi);
  test_finder = &finder;
  char* const pages = static_cast<char*>(os::MapPages(kBytes + 8192));
  // Holes on both sides: the mapping is the stack and nothing else.
  munmap(pages, 4096);
  munmap(pages + 4096 + kBytes, 4096);
  ucontext_t here;
  ucontext_t there;
  getcontext(&there);
  there.uc_stack.ss_sp = pages + 4096;
  there.uc_stack.ss_size = kBytes;
  there.uc_link = &here;
  makecontext(&there, OnOtherStack, 0);
  swapcontext(&here, &there);
  EXPECT_EQ(in_other.lo, reinterpret_cast<uint64_t>(pages) + 4096);
  EXPECT_EQ(in_other.hi, in_other.lo + kBytes);
  ExpectAround(finder.Find(Here()), Here());
  munmap(pages + 4096, kBytes);
}

TEST(StackFinderTest, KnowsTheStackOfSignalHandlers) {
  StackFinder finder;
  finder.Start(ThisThreadsBounds().hi);
  test_finder = &finder;
  const uint64_t own = finder.Find(Here())->hi;
  char* const pages = static_cast<char*>(os::MapPages(kBytes));
  const stack_t stack = {pages, 0, kBytes};
  stack_t old;
  ASSERT_EQ(sigaltstack(&stack, &old), 0);
  struct sigaction action = {};
  action.sa_flags = SA_ONSTACK;
  action.sa_handler = [](int) {
    const StackBounds* bounds = test_finder->Find(Here());
    if (bounds != nullptr) in_other = *bounds;
  };
  sigaction(SIGUSR2, &action, nullptr);
  raise(SIGUSR2);
  sigaltstack(&old, nullptr);
  EXPECT_EQ(in_other.hi, own);
  EXPECT_EQ(in_other.alt_lo, reinterpret_cast<uint64_t>(pages));
  EXPECT_EQ(in_other.alt_hi, in_other.alt_lo + kBytes);
  os::UnmapPages(pages, kBytes);
}
#endif

}  // namespace
}  // namespace memtape
