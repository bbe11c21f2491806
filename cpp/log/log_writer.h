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
  // Tails to write at the end of the block that is being finished, and what to do once it is in
  // the file (format.md §5, ring_tails).
  class TailSource {
   public:
    virtual std::span<const RingTail> TailsToWrite() = 0;
    virtual void TailsWritten() = 0;
    // The block could not be written: what is in it must stay in the rings.
    virtual void WriteFailed() = 0;

   protected:
    ~TailSource() = default;
  };

  void Start(CaptureFile* file, TailSource* tails);

  RecordEncoder& encoder() { return encoder_; }

  // Makes sure that one hot record fits.
  void MakeRoom() {
    if (encoder_.room() < kMaxHotRecordBytes + kTailReserve) Flush();
  }

  // Calls encode(encoder) until it succeeds: when the block is full, in a new one. The second
  // attempt fails only for records beyond the format's limits, which are left out.
  template <typename Encode>
  auto Emit(Encode&& encode) -> decltype(encode(std::declval<RecordEncoder&>())) {
    if (encoder_.room() > kTailReserve) {
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
  static constexpr size_t kTailReserve = 64 << 10;
  static constexpr size_t kCapacity = kMinBlockCapacity + kTailReserve;

  RecordEncoder encoder_;
  CaptureFile* file_ = nullptr;
  TailSource* tails_ = nullptr;
  uint8_t* memory_ = nullptr;
};

}  // namespace memtape
