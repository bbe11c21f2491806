// SPDX-License-Identifier: MIT

#include "log/ring_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace memtape {
namespace {

class RingPagesTest : public testing::Test {
 protected:
  RingPagesTest() : path_(testing::TempDir() + "pages-" + std::to_string(getpid())) {}
  void SetUp() override {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ASSERT_EQ(os::Allocate(fd_, 0, kRingBytes), 0);
    ring_ = os::MapTwice(fd_, 0, kRingBytes);
    ASSERT_NE(ring_, nullptr);
  }
  void TearDown() override {
    munmap(ring_, 2 * kRingBytes);
    close(fd_);
    unlink(path_.c_str());
  }

  // What a thread does: so many bytes more, each of which says where it is.
  void Write(uint64_t bytes) {
    for (uint64_t end = at_ + bytes; at_ < end; at_ += 8) {
      *reinterpret_cast<uint64_t*>(ring_ + (at_ & (kRingBytes - 1))) = at_ + 1;
    }
  }
  void Release() { pages_.Release(ring_, at_); }
  // The bytes of the ring that this process has in its page tables: what counts as resident.
  uint64_t Resident() const {
    const int pagemap = open("/proc/self/pagemap", O_RDONLY);
    const uint64_t page = os::PageSize();
    std::vector<uint64_t> entries(2 * kRingBytes / page);
    const off_t at = static_cast<off_t>(reinterpret_cast<uintptr_t>(ring_) / page * 8);
    const ssize_t size = static_cast<ssize_t>(entries.size() * 8);
    EXPECT_EQ(pread(pagemap, entries.data(), entries.size() * 8, at), size);
    close(pagemap);
    uint64_t bytes = 0;
    for (const uint64_t entry : entries) bytes += (entry >> 63) != 0 ? page : 0;
    return bytes;
  }
  // Whether the file and the mapping have what was written last.
  bool HasAll() const {
    const uint64_t from = at_ - std::min<uint64_t>(at_, kRingBytes);
    for (uint64_t at = from; at < at_; at += 8) {
      uint64_t word = 0;
      if (pread(fd_, &word, sizeof word, static_cast<off_t>(at & (kRingBytes - 1))) != 8) {
        return false;
      }
      if (word != at + 1) return false;
    }
    for (uint64_t at = from; at < at_; at += 8) {
      if (*reinterpret_cast<uint64_t*>(ring_ + (at & (kRingBytes - 1))) != at + 1) return false;
    }
    return true;
  }

  const std::string path_;
  int fd_ = -1;
  uint8_t* ring_ = nullptr;
  uint64_t at_ = 0;
  RingPages pages_;
};

constexpr uint64_t kQuietBytes = RingPages::kBusyBytes;

TEST_F(RingPagesTest, QuietThreadsHoldLittleHoweverFarTheyGet) {
  for (uint64_t bytes = 0; bytes < 3 * kRingBytes; bytes += kQuietBytes) {
    Write(kQuietBytes);
    Release();
    EXPECT_LE(Resident(), RingPages::kLeastBytes) << bytes;
  }
  EXPECT_TRUE(HasAll());
}

TEST_F(RingPagesTest, BusyThreadsKeepTheirs) {
  Write(kRingBytes);
  Release();
  EXPECT_EQ(Resident(), kRingBytes);
  Write(RingPages::kBusyBytes + 8);
  Release();
  EXPECT_EQ(Resident(), kRingBytes);
}

TEST_F(RingPagesTest, UntilTheyAreQuiet) {
  Write(kRingBytes + kRingBytes / 2 + 4096);
  Release();
  EXPECT_EQ(Resident(), kRingBytes);
  Release();
  EXPECT_EQ(Resident(), 0U);
  EXPECT_TRUE(HasAll());
}

TEST_F(RingPagesTest, AFewPagesAreNotWorthIt) {
  Write(RingPages::kLeastBytes - 8);
  Release();
  EXPECT_EQ(Resident(), RingPages::kLeastBytes);
}

}  // namespace
}  // namespace memtape
