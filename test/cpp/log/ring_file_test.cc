// SPDX-License-Identifier: MIT

#include "log/ring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "os/os.h"

namespace memtape {
namespace {

template <typename T>
T FieldAt(const std::string& bytes, size_t offset) {
  T value;
  memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

class RingFileTest : public testing::Test {
 protected:
  RingFileTest() : path_(testing::TempDir() + "rings-" + std::to_string(getpid())) {}
  void SetUp() override { ASSERT_EQ(file_.Create(path_.c_str(), kStart), 0); }
  void TearDown() override {
    file_.Close(true);
    unlink(path_.c_str());
  }

  std::string Bytes() const {
    std::ifstream in(path_, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  // Mappings of this process that are of the file.
  int Mappings() const {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    int count = 0;
    while (std::getline(maps, line)) count += line.find(path_) != std::string::npos;
    return count;
  }

  static constexpr RingFile::Start kStart = {0x1122334455667788, 1000, 3'000'000'000,
                                             1'700'000'000};
  const std::string path_;
  RingFile file_;
  RingWriter writers_[16];
};

TEST_F(RingFileTest, WritesTheHeader) {
  const std::string bytes = Bytes();
  ASSERT_EQ(bytes.size(), kRingsHeaderBytes);
  EXPECT_EQ(memcmp(bytes.data(), kRingsMagic, sizeof kRingsMagic), 0);
  EXPECT_EQ(FieldAt<uint16_t>(bytes, kRingsVersionMajorOffset), 1);
  EXPECT_EQ(FieldAt<uint32_t>(bytes, kRingsSlotBytesOffset), kSlotBytes);
  EXPECT_EQ(FieldAt<uint64_t>(bytes, kRingsCaptureIdOffset), kStart.capture_id);
  EXPECT_EQ(FieldAt<uint64_t>(bytes, kRingsTicksAtStartOffset), kStart.ticks);
  EXPECT_EQ(FieldAt<uint64_t>(bytes, kRingsTicksPerSecondOffset), kStart.ticks_per_second);
  EXPECT_EQ(FieldAt<uint64_t>(bytes, kRingsStartUnixNsOffset), kStart.unix_ns);
  EXPECT_EQ(FieldAt<uint32_t>(bytes, kRingsSlotCountOffset), 0u);
  file_.SetTicksPerSecond(12345);
  EXPECT_EQ(FieldAt<uint64_t>(Bytes(), kRingsTicksPerSecondOffset), 12345u);
}

TEST_F(RingFileTest, HandsOutSlots) {
  EXPECT_EQ(file_.count(), 0u);
  EXPECT_EQ(file_.Acquire(501, &writers_[0]), 0);
  EXPECT_EQ(file_.Acquire(502, &writers_[1]), 1);
  ASSERT_EQ(file_.count(), 2u);
  for (uint32_t i = 0; i < 2; i++) {
    const Slot slot = file_.At(i);
    EXPECT_EQ(slot.owner, &writers_[i]);
    EXPECT_EQ(slot.header->os_tid.load(), 501 + i);
    // What the writer commits stands in the file, at the place that the format says.
    ASSERT_TRUE(writers_[i].HasRoom(2));
    writers_[i].Next()[0] = 70 + i;
    writers_[i].Next()[1] = RingFreeWord1(0x1000);
    writers_[i].Commit(2, 70 + i);
  }
  const std::string bytes = Bytes();
  ASSERT_EQ(bytes.size(), kRingsHeaderBytes + 2 * kSlotBytes);
  EXPECT_EQ(FieldAt<uint32_t>(bytes, kRingsSlotCountOffset), 2u);
  const size_t second = kRingsHeaderBytes + kSlotBytes;
  EXPECT_EQ(FieldAt<uint64_t>(bytes, second + kSlotHeadOffset), 16u);
  EXPECT_EQ(FieldAt<uint32_t>(bytes, second + kSlotOsTidOffset), 502u);
  EXPECT_EQ(FieldAt<uint64_t>(bytes, second + kSlotHeaderBytes), 71u);
}

TEST_F(RingFileTest, ReusesReleasedSlots) {
  for (int i = 0; i < 4; i++) ASSERT_EQ(file_.Acquire(1, &writers_[i]), i);
  file_.Release(2);
  EXPECT_EQ(file_.At(2).owner, nullptr);
  EXPECT_EQ(file_.At(2).header->os_tid.load(), 0u);
  EXPECT_EQ(file_.Acquire(9, &writers_[5]), 2);
  EXPECT_EQ(file_.At(2).owner, &writers_[5]);
  EXPECT_EQ(file_.Acquire(9, &writers_[6]), 4);
}

TEST_F(RingFileTest, ThreadsGetSlotsOfTheirOwn) {
  std::vector<std::thread> threads;
  int64_t got[16];
  for (size_t i = 0; i < 16; i++) {
    threads.emplace_back([&, i] { got[i] = file_.Acquire(1, &writers_[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<int64_t>(got, got + 16).size(), 16u);
  EXPECT_EQ(file_.count(), 16u);
  // Whoever came last, the file knows of all.
  EXPECT_EQ(FieldAt<uint32_t>(Bytes(), kRingsSlotCountOffset), 16u);
}

TEST_F(RingFileTest, CloseUnmapsAllButWhatIsInUse) {
  for (int i = 0; i < 3; i++) ASSERT_EQ(file_.Acquire(1, &writers_[i]), i);
  EXPECT_EQ(Mappings(), 1 + 3 * 3);
  writers_[1].Open();
  SlotHeader* const header = file_.At(1).header;
  file_.Close(/*settled=*/true);
  EXPECT_EQ(Mappings(), 3);
  // The thread inside can still write, though nobody will read it.
  ASSERT_TRUE(writers_[1].HasRoom(2));
  writers_[1].Next()[0] = 5;
  writers_[1].Commit(2, 5);
  EXPECT_EQ(header->head.load(), 16u);
  EXPECT_EQ(file_.count(), 0u);
}

TEST_F(RingFileTest, CloseUnmapsNothingWhenNotSettled) {
  ASSERT_EQ(file_.Acquire(1, &writers_[0]), 0);
  file_.Close(/*settled=*/false);
  EXPECT_EQ(Mappings(), 3);
}

TEST_F(RingFileTest, SessionsDoNotPileUp) {
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 4; i++) ASSERT_EQ(file_.Acquire(1, &writers_[i]), i);
    file_.Unlink();
    file_.Close(true);
    ASSERT_EQ(Mappings(), 0);
    ASSERT_EQ(file_.Create(path_.c_str(), kStart), 0);
    ASSERT_EQ(file_.count(), 0u);
  }
}

TEST_F(RingFileTest, ReplacesTheFileOfAnotherProcess) {
  // That has it mapped: to empty it would be a SIGBUS there.
  ASSERT_EQ(file_.Acquire(1, &writers_[0]), 0);
  RingFile other;
  ASSERT_EQ(other.Create(path_.c_str(), kStart), 0);
  ASSERT_TRUE(writers_[0].HasRoom(2));
  writers_[0].Next()[0] = 1;
  writers_[0].Commit(2, 1);
  EXPECT_EQ(file_.At(0).header->head.load(), 16u);
  EXPECT_EQ(Bytes().size(), kRingsHeaderBytes);
  other.Close(true);
}

TEST_F(RingFileTest, RefusesToGrowBeyondTheFileSizeLimit) {
  // Trying would raise SIGXFSZ, which ends the process.
  rlimit before, low;
  getrlimit(RLIMIT_FSIZE, &before);
  low = before;
  low.rlim_cur = kRingsHeaderBytes + kSlotBytes;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_EQ(file_.Acquire(1, &writers_[0]), 0);
  EXPECT_EQ(file_.Acquire(1, &writers_[1]), -EFBIG);
  setrlimit(RLIMIT_FSIZE, &before);
  // The one that failed leaves a hole, which the next one passes.
  EXPECT_EQ(file_.Acquire(1, &writers_[2]), 2);
  EXPECT_EQ(file_.At(1).header, nullptr);
  EXPECT_NE(file_.At(2).header, nullptr);
}

TEST_F(RingFileTest, SurvivesAProgramThatClosesItsDescriptors) {
  ASSERT_EQ(file_.Acquire(1, &writers_[0]), 0);
  struct stat before, after;
  ASSERT_EQ(stat(path_.c_str(), &before), 0);
  std::vector<int> victims;
  for (int fd = 3; fd < 5000; fd++) close(fd);
  for (int i = 0; i < 8; i++) victims.push_back(fileno(tmpfile()));
  EXPECT_EQ(file_.Acquire(1, &writers_[1]), 1);
  ASSERT_EQ(stat(path_.c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_GT(after.st_size, before.st_size);
  for (const int fd : victims) {
    struct stat victim;
    ASSERT_EQ(fstat(fd, &victim), 0);
    EXPECT_EQ(victim.st_size, 0);
  }
}

}  // namespace
}  // namespace memtape
