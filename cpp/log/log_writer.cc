// SPDX-License-Identifier: MIT
#include "log/log_writer.h"

#include "base/out_of_memory.h"
#include "os/os.h"

namespace memtape {

void LogWriter::Start(CaptureFile* file, TailSource* tails) {
  file_ = file;
  tails_ = tails;
  if (memory_ == nullptr) memory_ = static_cast<uint8_t*>(os::MapPages(kCapacity));
  if (memory_ == nullptr) OutOfMemory();
  encoder_.BeginBlock(memory_, kCapacity, Prologue{});
}

void LogWriter::Flush() {
  const std::span<const RingTail> tails = tails_->TailsToWrite();
  if (encoder_.empty() && tails.empty()) return;
  if (!tails.empty()) encoder_.RingTails(tails);
  if (file_->Append(encoder_.FinishBlock())) {
    tails_->TailsWritten();
  } else {
    tails_->WriteFailed();
  }
  encoder_.BeginBlock(memory_, kCapacity);
}

}  // namespace memtape
