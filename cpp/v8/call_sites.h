// SPDX-License-Identifier: MIT
// The calls in one piece of optimized code: for each return address, the functions that are active
// there, inlined ones included, each with the bytecode that it is at. Made from V8's deoptimization
// data by code_details.h, kept as bytes, read by the drain thread.
//
// Per site, varints: zigzag delta of the return address, number of outermost frames that are as at
// the site before, number of frames that follow; per such frame: function, bytecode offset + 1.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <span>

#include "base/varint.h"

namespace memtape::v8 {

struct SiteFrame {
  uint32_t function;        // index into the functions told with the code
  int64_t bytecode_offset;  // -1: the function's entry
  bool operator==(const SiteFrame&) const = default;
};
inline constexpr size_t kMaxSiteFrames = 32;

class CallSiteWriter {
 public:
  explicit CallSiteWriter(std::span<uint8_t> out)
      : begin_(out.data()), at_(begin_), end_(begin_ + out.size()) {}

  // Frames outermost first; none when they are not known. False when there is no more room.
  bool Add(int64_t return_offset, std::span<const SiteFrame> frames) {
    const size_t most = (3 + 2 * frames.size()) * kMaxVarintBytes;
    if (frames.size() > kMaxSiteFrames || static_cast<size_t>(end_ - at_) < most) return false;
    size_t shared = 0;
    while (shared < std::min(count_, frames.size()) && frames[shared] == frames_[shared]) shared++;
    at_ = WriteVarint(at_, ZigZag(return_offset - return_offset_));
    at_ = WriteVarint(at_, shared);
    at_ = WriteVarint(at_, frames.size() - shared);
    for (size_t i = shared; i < frames.size(); i++) {
      at_ = WriteVarint(at_, frames[i].function);
      at_ = WriteVarint(at_, static_cast<uint64_t>(frames[i].bytecode_offset + 1));
      frames_[i] = frames[i];
    }
    count_ = frames.size();
    return_offset_ = return_offset;
    return true;
  }

  size_t size() const { return static_cast<size_t>(at_ - begin_); }

 private:
  uint8_t* begin_;
  uint8_t* at_;
  uint8_t* end_;
  int64_t return_offset_ = 0;
  size_t count_ = 0;
  SiteFrame frames_[kMaxSiteFrames];
};

// Goes through the sites of one piece of code.
class CallSiteReader {
 public:
  explicit CallSiteReader(std::span<const uint8_t> sites)
      : in_(sites.data()), end_(in_ + sites.size()) {}

  // Moves to the next site; false at the end.
  bool Next() {
    uint64_t delta, shared, more;
    if (!Read(&delta) || !Read(&shared) || !Read(&more)) return false;
    if (shared > count_ || more > kMaxSiteFrames - shared) return false;
    return_offset_ += UnZigZag(delta);
    count_ = shared + more;
    for (size_t i = shared; i < count_; i++) {
      uint64_t function, offset;
      if (!Read(&function) || !Read(&offset)) return false;
      frames_[i] = {static_cast<uint32_t>(function), static_cast<int64_t>(offset) - 1};
    }
    return true;
  }

  int64_t return_offset() const { return return_offset_; }
  // Outermost first.
  std::span<const SiteFrame> frames() const { return {frames_, count_}; }

 private:
  bool Read(uint64_t* value) {
    if (in_ == nullptr || in_ >= end_) return false;
    in_ = ReadVarint(in_, end_, value);
    return in_ != nullptr;
  }

  const uint8_t* in_;
  const uint8_t* end_;
  int64_t return_offset_ = 0;
  size_t count_ = 0;
  SiteFrame frames_[kMaxSiteFrames];
};

}  // namespace memtape::v8
