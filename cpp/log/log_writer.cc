// SPDX-License-Identifier: MIT
#include "log/log_writer.h"

#include "base/out_of_memory.h"
#include "os/os.h"

namespace memtape {

void LogWriter::Start(CaptureFile* file, RingSource* rings) {
  file_ = file;
  rings_ = rings;
  if (memory_ == nullptr) memory_ = static_cast<uint8_t*>(os::MapPages(kCapacity));
  if (memory_ == nullptr) OutOfMemory();
  encoder_.BeginBlock(memory_, kCapacity, Prologue{});
}

void LogWriter::Flush() {
  if (!rings_->WriteRings(&encoder_) && encoder_.empty()) return;
  if (file_->Append(encoder_.FinishBlock())) {
    rings_->BlockWritten();
  } else {
    rings_->WriteFailed();
  }
  encoder_.BeginBlock(memory_, kCapacity);
}

}  // namespace memtape
