// SPDX-License-Identifier: MIT

#include "log/log_writer.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "log/log_fixture.h"

namespace memtape {
namespace {

class LogWriterTest : public LogTest {
 protected:
  uint32_t String(const std::string& text) {
    return writer_.Emit([&](RecordEncoder& encoder) { return encoder.DefineString(text); });
  }
};

TEST_F(LogWriterTest, WritesNothingWhenThereIsNothing) {
  writer_.Flush();
  writer_.Flush();
  EXPECT_TRUE(Blocks().empty());
  EXPECT_EQ(file_.bytes(), kFileHeaderBytes);
  EXPECT_EQ(tails_.written, 0);
}

TEST_F(LogWriterTest, ABlockGoesOnWhereTheOneBeforeEnded) {
  String("a");
  writer_.encoder().SyncTime(5'000'000);
  writer_.Flush();
  writer_.encoder().Thread(0);
  String("b");
  const std::vector<Block> blocks = Blocks();
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].prologue, (std::array<uint64_t, 8>{0, 0, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(blocks[1].prologue, (std::array<uint64_t, 8>{5'000'000, 0, 1, 2, 1, 1, 1, 1}));
  EXPECT_EQ(file_.bytes(), kFileHeaderBytes + blocks[0].bytes + blocks[1].bytes);
}

TEST_F(LogWriterTest, RecordsThatDoNotFitBeginABlock) {
  // Two of the longest strings never fit in one block.
  const std::string longest(kMaxStringBytes, 'x');
  for (uint32_t i = 1; i <= 3; i++) EXPECT_EQ(String(longest + std::to_string(i)), i);
  const std::vector<Block> blocks = Blocks();
  ASSERT_EQ(blocks.size(), 3u);
  for (const Block& block : blocks) {
    ASSERT_EQ(block.records.size(), 1u);
    EXPECT_EQ(block.records[0].body, longest);  // cut to the format's limit
  }
}

TEST_F(LogWriterTest, LeavesOutWhatNoBlockCanHold) {
  String("before");
  const std::string huge(kMaxRecordBytes + 1, ' ');
  EXPECT_FALSE(writer_.Emit([&](RecordEncoder& encoder) { return encoder.Metadata(huge); }));
  EXPECT_EQ(String("after"), 2u);
  std::vector<std::string> strings;
  for (const LongRecord& record : Records(LongTag::kString)) strings.push_back(record.body);
  EXPECT_EQ(strings, (std::vector<std::string>{"before", "after"}));
  EXPECT_TRUE(Records(LongTag::kMetadata).empty());
}

TEST_F(LogWriterTest, MakeRoomEndsABlockThatHotRecordsWouldFill) {
  std::vector<AddressState> addresses(2);
  StackState stack;
  RecordEncoder& encoder = writer_.encoder();
  encoder.Alloc(Allocator::kMalloc, 0, stack, 8, 1, addresses[1], 8);
  uint64_t most = 0;
  for (uint32_t i = 0; i < 3'000'000; i++) {
    writer_.MakeRoom();
    encoder.Alloc(Allocator::kMalloc, 0, stack, 8, 1, addresses[1], 8);
    most = std::max<uint64_t>(most, encoder.size());
  }
  EXPECT_GT(file_.bytes(), kMinBlockCapacity);
  EXPECT_LE(most, kMinBlockCapacity);  // the rest of the memory is for the tails
}

TEST_F(LogWriterTest, WantsAFlushFrom64KiBOn) {
  EXPECT_FALSE(writer_.WantsFlush());
  String(std::string(60 << 10, 'x'));
  EXPECT_FALSE(writer_.WantsFlush());
  String(std::string(5 << 10, 'x'));
  EXPECT_TRUE(writer_.WantsFlush());
  writer_.Flush();
  EXPECT_FALSE(writer_.WantsFlush());
}

TEST_F(LogWriterTest, EndsABlockWithTheTails) {
  tails_.tails = {{1, 800}, {2, 1600}};
  String("a");
  writer_.Flush();
  EXPECT_EQ(tails_.written, 1);
  tails_.tails.clear();
  const std::vector<Block> blocks = Blocks();
  ASSERT_EQ(blocks.size(), 1u);
  const LongRecord& last = blocks[0].records.back();
  EXPECT_EQ(last.tag, LongTag::kRingTails);
  EXPECT_EQ(last.numbers(), (std::vector<uint64_t>{1, 800, 2, 1600}));
}

TEST_F(LogWriterTest, TailsAloneMakeABlock) {
  // What rings held may amount to no record: a free that the capture has already.
  tails_.tails = {{7, 16}};
  writer_.Flush();
  EXPECT_EQ(tails_.written, 1);
  tails_.tails.clear();
  EXPECT_EQ(Blocks().size(), 1u);
}

TEST_F(LogWriterTest, TailsOfAllThreadsFitBehindAFullBlock) {
  // As many rings as there can be, their numbers as long as they get.
  for (uint32_t i = 0; i < 4096; i++) tails_.tails.push_back({kMaxThreads - 1, uint64_t{1} << 49});
  RecordEncoder& encoder = writer_.encoder();
  const std::string filler(60, 'x');
  while (encoder.room() > LogWriter::kRingReserve + filler.size() + 2)
    ASSERT_NE(String(filler), 0u);
  ASSERT_EQ(file_.bytes(), kFileHeaderBytes) << "flushed too early to test anything";
  writer_.Flush();
  tails_.tails.clear();
  const std::vector<Block> blocks = Blocks();
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].records.back().tag, LongTag::kRingTails);
  EXPECT_EQ(blocks[0].records.back().numbers().size(), 2 * 4096u);
}

TEST_F(LogWriterTest, SaysWhenABlockCouldNotBeWritten) {
  String("kept");
  writer_.Flush();
  const uint64_t whole = file_.bytes();
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight = {whole + 100, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tight);
  tails_.tails = {{1, 8}};
  String(std::string(1000, 'x'));
  writer_.Flush();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(tails_.failed, 1);
  EXPECT_EQ(tails_.written, 1) << "its tails must stay where they were";
  EXPECT_EQ(file_.error(), -EFBIG);
  // Nothing comes after it, and what is there is whole.
  String("lost");
  writer_.Flush();
  EXPECT_EQ(tails_.failed, 2);
  EXPECT_EQ(ReadBlocks(path_).size(), 1u);
}

TEST_F(LogWriterTest, StartsAgainFromTheBeginning) {
  String("a");
  writer_.Flush();
  writer_.Start(&file_, &tails_);
  EXPECT_EQ(String("b"), 1u);
  const std::vector<Block> blocks = Blocks();
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1].prologue[3], 1u);
}

}  // namespace
}  // namespace memtape
