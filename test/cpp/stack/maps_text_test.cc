// SPDX-License-Identifier: MIT
#include "stack/maps_text.h"

#include <gtest/gtest.h>
#include <string.h>

#include <string>
#include <vector>

namespace memtape {
namespace {

std::vector<MapsLine> ReadAll(const std::string& text) {
  std::vector<MapsLine> lines;
  const char* at = text.data();
  MapsLine line;
  while (ReadMapsLine(&at, text.data() + text.size(), &line)) lines.push_back(line);
  return lines;
}

std::string Path(const MapsLine& line) {
  return std::string(line.path, line.path_size);
}

TEST(MapsTextTest, ReadsEachKindOfLine) {
  static const std::string text =
      "00400000-00b6f000 r--p 00000000 fe:00 1441817                            /usr/bin/node\n"
      "7f0c2a000000-7f0c2a021000 r-xp 00001000 fd:01 77     /a dir/lib x.so (deleted)\n"
      "7ffd1000-7ffd2000 rw-p 00000000 00:00 0 \n"
      "7ffe1000-7ffe2000 rw-p 00000000 00:00 0\n"
      "7fff1000-7fff3000 r-xp 00000000 00:00 0                                  [vdso]\n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
  const std::vector<MapsLine> lines = ReadAll(text);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0].begin, 0x400000u);
  EXPECT_EQ(lines[0].end, 0xb6f000u);
  EXPECT_EQ(lines[0].offset, 0u);
  EXPECT_EQ(lines[0].inode, 1441817u);
  EXPECT_FALSE(lines[0].executable);
  EXPECT_EQ(Path(lines[0]), "/usr/bin/node");
  EXPECT_EQ(lines[1].offset, 0x1000u);
  EXPECT_TRUE(lines[1].executable);
  EXPECT_EQ(Path(lines[1]), "/a dir/lib x.so (deleted)");
  EXPECT_EQ(Path(lines[2]), "");
  EXPECT_EQ(Path(lines[3]), "");
  EXPECT_EQ(Path(lines[4]), "[vdso]");
  EXPECT_EQ(lines[5].end, 0xffffffffff601000u);
}

TEST(MapsTextTest, StopsAtACutOrMalformedLine) {
  const std::string good = "1000-2000 r-xp 00000000 fe:00 12 /x\n";
  for (size_t length = 0; length < good.size(); length++) {
    EXPECT_EQ(ReadAll(good.substr(0, length)).size(), 0u) << length;
  }
  EXPECT_EQ(ReadAll(good + "rubbish\n" + good).size(), 1u);
  EXPECT_EQ(ReadAll(good + "\n" + good).size(), 1u);
}

}  // namespace
}  // namespace memtape
