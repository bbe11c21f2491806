// SPDX-License-Identifier: MIT
#include "base/populate.h"

#include <errno.h>
#include <gtest/gtest.h>

namespace memtape {
namespace {

// It runs inside a malloc of the program's that succeeds.
TEST(PopulateTest, LeavesErrnoAloneWhereTheKernelRefuses) {
  errno = EINTR;
  Populate(nullptr, 4096);
  EXPECT_EQ(errno, EINTR);
}

}  // namespace
}  // namespace memtape
