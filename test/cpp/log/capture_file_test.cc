// SPDX-License-Identifier: MIT

#include "log/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace memtape {
namespace {

constexpr FileHeader kHeader = {.capture_id = 1, .pid = 2, .start_unix_ns = 3, .flags = 0};

class CaptureFileTest : public testing::Test {
 protected:
  CaptureFileTest() : path_(testing::TempDir() + "capture-" + std::to_string(getpid())) {}
  void TearDown() override {
    file_.Close();
    unlink(path_.c_str());
  }
  std::string Bytes() const {
    std::ifstream in(path_, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  bool Append(const std::string& text) {
    return file_.Append({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }

  const std::string path_;
  CaptureFile file_;
};

TEST_F(CaptureFileTest, AppendsAfterTheHeader) {
  ASSERT_EQ(file_.Create(path_.c_str(), false, kHeader), 0);
  EXPECT_EQ(file_.bytes(), kFileHeaderBytes);
  EXPECT_TRUE(Append("one"));
  EXPECT_TRUE(Append("two"));
  EXPECT_EQ(file_.bytes(), kFileHeaderBytes + 6);
  file_.Close();
  EXPECT_EQ(Bytes().substr(0, 8), std::string(reinterpret_cast<const char*>(kMagic), 8));
  EXPECT_EQ(Bytes().substr(kFileHeaderBytes), "onetwo");
}

TEST_F(CaptureFileTest, KeepsAFileThatIsThere) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(file_.Create(path_.c_str(), false, kHeader), -EEXIST);
  EXPECT_EQ(file_.error(), -EEXIST);
  EXPECT_FALSE(Append("x"));
  EXPECT_EQ(Bytes(), "precious");
}

TEST_F(CaptureFileTest, ReplacesOneThatMayBeOverwritten) {
  std::ofstream(path_) << std::string(1000, 'x');
  const int reader = open(path_.c_str(), O_RDONLY);
  ASSERT_EQ(file_.Create(path_.c_str(), true, kHeader), 0);
  EXPECT_EQ(Bytes().size(), kFileHeaderBytes);
  // Who had the old one open still has all of it.
  EXPECT_EQ(lseek(reader, 0, SEEK_END), 1000);
  close(reader);
}

TEST_F(CaptureFileTest, WritesThroughLinksAndToDevices) {
  const std::string link = path_ + ".link";
  std::ofstream(path_) << "old";
  ASSERT_EQ(symlink(path_.c_str(), link.c_str()), 0);
  ASSERT_EQ(file_.Create(link.c_str(), true, kHeader), 0);
  EXPECT_EQ(Bytes().size(), kFileHeaderBytes);
  unlink(link.c_str());
  file_.Close();
  ASSERT_EQ(file_.Create("/dev/null", true, kHeader), 0);
  struct stat status;
  ASSERT_EQ(stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST_F(CaptureFileTest, SaysWhyItCannotBeCreated) {
  EXPECT_EQ(file_.Create("/no/such/folder/x", true, kHeader), -ENOENT);
  EXPECT_EQ(file_.Create("/", true, kHeader), -EISDIR);
  // A full disk: the header does not fit.
  EXPECT_EQ(file_.Create("/dev/full", true, kHeader), -ENOSPC);
}

TEST_F(CaptureFileTest, LatchesTheFirstError) {
  ASSERT_EQ(file_.Create(path_.c_str(), false, kHeader), 0);
  ASSERT_TRUE(Append("whole"));
  rlimit before, low;
  getrlimit(RLIMIT_FSIZE, &before);
  low = before;
  low.rlim_cur = kFileHeaderBytes + 8;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  EXPECT_FALSE(Append("beyond the limit"));  // and SIGXFSZ does not end this process
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(file_.error(), -EFBIG);
  EXPECT_FALSE(Append("small"));
  EXPECT_EQ(file_.bytes(), kFileHeaderBytes + 5);
  EXPECT_EQ(Bytes().substr(kFileHeaderBytes), "whole");
}

TEST_F(CaptureFileTest, IsFoundAgainWhenItsDescriptorIsGone) {
  const std::string folder = testing::TempDir();
  ASSERT_EQ(chdir(folder.c_str()), 0);
  const std::string name = path_.substr(folder.size());
  ASSERT_EQ(file_.Create(name.c_str(), false, kHeader), 0);
  ASSERT_TRUE(Append("one"));
  ASSERT_EQ(chdir("/"), 0);
  for (int round = 0; round < 2; round++) {
    // As a daemon does: all are closed, and the numbers are given to other files.
    std::vector<int> victims;
    for (int fd = 3; fd < 5000; fd++) close(fd);
    const std::string other = path_ + ".other";
    for (int i = 0; i < 4; i++) victims.push_back(open(other.c_str(), O_RDWR | O_CREAT, 0600));
    for (int fd = 1000; fd < 5000; fd += 50) victims.push_back(dup2(victims[0], fd));
    EXPECT_TRUE(Append("two"));
    EXPECT_EQ(lseek(victims[0], 0, SEEK_END), 0);
    for (const int fd : victims) close(fd);
    unlink(other.c_str());
  }
  EXPECT_EQ(Bytes().substr(kFileHeaderBytes), "onetwotwo");
}

TEST_F(CaptureFileTest, ClosesNoFileOfTheProgram) {
  ASSERT_EQ(file_.Create(path_.c_str(), false, kHeader), 0);
  for (int fd = 3; fd < 5000; fd++) close(fd);
  const int null = open("/dev/null", O_RDONLY);
  for (int fd = null + 1; fd < 5000; fd++) dup2(null, fd);
  file_.Close();
  for (int fd = null; fd < 5000; fd++) EXPECT_NE(fcntl(fd, F_GETFD), -1) << fd;
  for (int fd = null; fd < 5000; fd++) close(fd);
}

TEST_F(CaptureFileTest, GivesUpWhenTheFileIsGone) {
  ASSERT_EQ(file_.Create(path_.c_str(), false, kHeader), 0);
  unlink(path_.c_str());
  EXPECT_TRUE(Append("still open"));
  for (int fd = 3; fd < 5000; fd++) close(fd);
  EXPECT_FALSE(Append("x"));
  EXPECT_EQ(file_.error(), -ENOENT);
}

TEST_F(CaptureFileTest, LeavesTheProgramItsDescriptors) {
  rlimit before, low;
  getrlimit(RLIMIT_NOFILE, &before);
  low = before;
  low.rlim_cur = 16;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int fd = 3; fd < 16; fd++) close(fd);
  EXPECT_EQ(file_.Create(path_.c_str(), false, kHeader), 0);
  int opened = 0;
  while (open("/dev/null", O_RDONLY) >= 0) opened++;
  EXPECT_EQ(opened, 13);
  rlimit after;
  getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, 16u);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
  EXPECT_TRUE(Append("x"));
  setrlimit(RLIMIT_NOFILE, &before);
  for (int fd = 3; fd < 16; fd++) close(fd);
}

}  // namespace
}  // namespace memtape
