// SPDX-License-Identifier: MIT

#include "log/ring.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <thread>

#include "os/os.h"

namespace memtape {
namespace {

// A ring in memory of its own, mapped twice as RingFile does it.
class RingTest : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = memfd_create("ring", 0);
    ASSERT_GE(fd_, 0);
    ASSERT_EQ(os::Allocate(fd_, 0, kSlotBytes), 0);
    header_ = reinterpret_cast<SlotHeader*>(os::MapShared(fd_, 0, kSlotHeaderBytes));
    ring_ = os::MapTwice(fd_, kSlotHeaderBytes, kRingBytes);
    ASSERT_NE(header_, nullptr);
    ASSERT_NE(ring_, nullptr);
    writer_.Reset(header_, ring_);
  }
  void TearDown() override {
    os::UnmapPages(header_, kSlotHeaderBytes);
    os::UnmapPages(ring_, 2 * kRingBytes);
    os::Close(fd_);
  }

  void Write(size_t words, uint64_t stamp) {
    ASSERT_TRUE(writer_.HasRoom(words));
    uint64_t* const record = writer_.Next();
    record[0] = stamp;
    for (size_t i = 1; i < words; i++) record[i] = stamp * 1000 + i;
    writer_.Commit(words, stamp);
  }
  const uint64_t* RecordAt(uint64_t position) const {
    return reinterpret_cast<const uint64_t*>(ring_ + (position & (kRingBytes - 1)));
  }

  int fd_ = -1;
  SlotHeader* header_ = nullptr;
  uint8_t* ring_ = nullptr;
  RingWriter writer_;
};

TEST_F(RingTest, CommitPublishesTheRecord) {
  EXPECT_EQ(header_->head.load(), 0u);
  Write(4, 77);
  EXPECT_EQ(header_->head.load(), 32u);
  EXPECT_EQ(writer_.last_stamp(), 77u);
  EXPECT_EQ(RecordAt(0)[0], 77u);
  EXPECT_EQ(RecordAt(0)[3], 77'003u);
}

TEST_F(RingTest, OpenAndCloseShowWhoIsInside) {
  EXPECT_FALSE(writer_.inside());
  writer_.Open();
  EXPECT_TRUE(writer_.inside());
  writer_.Close();
  EXPECT_FALSE(writer_.inside());
}

TEST_F(RingTest, IsFullWhenNothingIsConsumed) {
  constexpr size_t kWords = 4;
  const size_t fits = kRingBytes / 8 / kWords;
  for (size_t i = 0; i < fits; i++) Write(kWords, i + 1);
  EXPECT_FALSE(writer_.HasRoom(1));
  EXPECT_EQ(writer_.used(), kRingBytes);
  // A byte count that was consumed makes as much room, no more.
  header_->tail.store(8 * kWords);
  EXPECT_TRUE(writer_.HasRoom(kWords));
  EXPECT_FALSE(writer_.HasRoom(kWords + 1));
  EXPECT_EQ(RecordAt(0)[0], 1u);  // was not overwritten
}

TEST_F(RingTest, RecordsAcrossTheEndAreWhole) {
  // Leave 3 words before the end, then write 7.
  header_->tail.store(0);
  size_t written = 0;
  while (kRingBytes - header_->head.load() > 3 * 8) {
    const size_t left = (kRingBytes - header_->head.load()) / 8 - 3;
    Write(std::min<size_t>(left < 4 ? left : 4, left), ++written);
  }
  ASSERT_EQ(header_->head.load(), kRingBytes - 24);
  header_->tail.store(header_->head.load());
  Write(7, 4242);
  const uint64_t* const record = RecordAt(kRingBytes - 24);
  for (size_t i = 1; i < 7; i++) EXPECT_EQ(record[i], 4'242'000 + i);
  // Both mappings are the same memory: the last words stand at the ring's start.
  EXPECT_EQ(*RecordAt(0), 4'242'003u);
  EXPECT_EQ(header_->head.load(), kRingBytes - 24 + 7 * 8);
}

TEST_F(RingTest, ResetGoesOnWhereTheSlotStands) {
  Write(4, 1);
  Write(2, 2);
  header_->tail.store(48);
  writer_.Open();
  RingWriter other;
  other.Reset(header_, ring_);
  EXPECT_FALSE(other.inside());
  EXPECT_EQ(other.last_stamp(), 0u);
  EXPECT_EQ(other.used(), 0u);
  ASSERT_TRUE(other.HasRoom(2));
  other.Next()[0] = 9;
  other.Commit(2, 9);
  EXPECT_EQ(header_->head.load(), 64u);
  EXPECT_EQ(RecordAt(48)[0], 9u);
}

TEST_F(RingTest, ReaderSeesWhatWasWritten) {
  constexpr uint64_t kRecords = 400'000;
  std::thread reader([this] {
    uint64_t at = 0;
    for (uint64_t n = 1; n <= kRecords;) {
      const uint64_t end = header_->head.load(std::memory_order_acquire);
      if (at == end) std::this_thread::yield();
      for (; at < end; n++) {
        const size_t words = 2 + n % 7;
        const uint64_t* const record = RecordAt(at);
        ASSERT_EQ(record[0], n);
        ASSERT_EQ(record[words - 1], n * 1000 + words - 1);
        at += words * 8;
      }
      header_->tail.store(at, std::memory_order_release);
    }
  });
  for (uint64_t n = 1; n <= kRecords; n++) {
    while (!writer_.HasRoom(2 + n % 7)) std::this_thread::yield();
    Write(2 + n % 7, n);
  }
  reader.join();
  EXPECT_EQ(header_->head.load(), header_->tail.load());
}

}  // namespace
}  // namespace memtape
