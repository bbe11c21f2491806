// SPDX-License-Identifier: MIT
// Records into blocks into the capture. Wraps RecordEncoder so that callers need not think of full
// blocks. Drain thread only.
#pragma once

#include <stdint.h>

#include <utility>

#include "base/page_array.h"
#include "format/encode.h"
#include "log/capture_file.h"

namespace memtape {

class LogWriter {
 public:
  // Who fills the blocks with what comes from the rings.
  class RingSource {
   public:
    // Writes the last records of a block, which say what it took from the rings (format.md §7);
    // at most kRingReserve bytes. Returns whether there were any.
    virtual bool WriteRings(RecordEncoder* encoder) = 0;
    // The block is in the file.
    virtual void BlockWritten() = 0;
    // The block could not be written: what is in it must stay in the rings.
    virtual void WriteFailed() = 0;

   protected:
    ~RingSource() = default;
  };
  static constexpr size_t kRingReserve = 128 << 10;

  void Start(CaptureFile* file, RingSource* rings);

  RecordEncoder& encoder() { return encoder_; }

  // Makes sure that one hot record fits.
  void MakeRoom() {
    if (encoder_.room() < kMaxHotRecordBytes + kRingReserve) Flush();
  }

  // Calls encode(encoder) until it succeeds: when the block is full, in a new one. The second
  // attempt fails only for records beyond the format's limits, which are left out.
  template <typename Encode>
  auto Emit(Encode&& encode) -> decltype(encode(std::declval<RecordEncoder&>())) {
    if (encoder_.room() > kRingReserve) {
      if (auto result = encode(encoder_)) return result;
    }
    Flush();
    return encode(encoder_);
  }

  bool WantsFlush() const { return encoder_.size() >= kFlushBytes; }
  // Ends the block and writes it, if anything is in it.
  void Flush();

 private:
  static constexpr size_t kFlushBytes = 64 << 10;
  static constexpr size_t kCapacity = kMinBlockCapacity + kRingReserve;

  RecordEncoder encoder_;
  CaptureFile* file_ = nullptr;
  RingSource* rings_ = nullptr;
  uint8_t* memory_ = nullptr;
};

}  // namespace memtape
