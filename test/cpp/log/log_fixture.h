// SPDX-License-Identifier: MIT
// A LogWriter on a file of its own, for tests of what writes records.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "format/block_reader.h"
#include "log/log_writer.h"

namespace memtape {

// Hands out the tails that a test sets, and notes what became of them.
class FakeTails final : public LogWriter::RingSource {
 public:
  bool WriteRings(RecordEncoder* encoder) override {
    return !tails.empty() && encoder->RingTails(tails);
  }
  void BlockWritten() override { written++; }
  void WriteFailed() override { failed++; }

  std::vector<RingTail> tails;
  int written = 0;
  int failed = 0;
};

class LogTest : public testing::Test {
 protected:
  LogTest() : path_(testing::TempDir() + "log-" + std::to_string(getpid())) {}

  void SetUp() override {
    ASSERT_EQ(file_.Create(path_.c_str(), /*overwrite=*/false, {.capture_id = 1, .pid = 2}), 0);
    writer_.Start(&file_, &tails_);
  }
  void TearDown() override {
    file_.Close();
    unlink(path_.c_str());
  }

  std::vector<Block> Blocks() {
    writer_.Flush();
    return ReadBlocks(path_);
  }
  std::vector<StackDefinition> Stacks() {
    std::vector<StackDefinition> found;
    for (const Block& block : Blocks()) {
      found.insert(found.end(), block.stacks.begin(), block.stacks.end());
    }
    return found;
  }
  // Every record of that tag, in all blocks.
  std::vector<LongRecord> Records(LongTag tag) {
    std::vector<LongRecord> found;
    for (const Block& block : Blocks()) {
      for (const LongRecord& record : block.records) {
        if (record.tag == tag) found.push_back(record);
      }
    }
    return found;
  }

  const std::string path_;
  CaptureFile file_;
  FakeTails tails_;
  LogWriter writer_;
};

}  // namespace memtape
