// SPDX-License-Identifier: MIT
// V8's source position tables (its source-position-table.cc): varint pairs of a code offset's delta
// and the zigzag delta of a raw position. Read at the source by code_details.h, kept as they are
// and decoded by the drain thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>

#include "base/varint.h"

namespace memtape::v8 {

using PositionBytes = std::span<const uint8_t>;

// How an offset's delta d is written. Both were read off tables of functions whose positions are
// known from --print-bytecode.
enum class PositionEncoding : uint16_t {
  kSigned = 0,   // zigzag(d), or zigzag(-d - 1) when the position is not a statement's (V8 11-13)
  kShifted = 1,  // d << 2 | flags (V8 14)
};

// Offsets start before the first instruction: the entry of the function is -1.
inline constexpr int64_t kPositionTableOrigin = -1;

// A raw position: bit 0 external, bits 1-30 offset in the script + 1, bits 31-46 inlining id + 1.
inline constexpr unsigned kPositionInliningShift = 31;
constexpr int64_t ScriptOffset(uint64_t raw) {
  return static_cast<int64_t>(raw >> 1 & ((uint64_t{1} << 30) - 1)) - 1;
}
constexpr int64_t InliningId(uint64_t raw) {
  return static_cast<int64_t>(raw >> kPositionInliningShift & 0xFFFF) - 1;
}

// Goes through the entries of one table.
class PositionReader {
 public:
  PositionReader(PositionBytes table, PositionEncoding encoding)
      : in_(table.data()), end_(in_ + table.size()), encoding_(encoding) {}

  // Moves to the next entry; false at the end.
  bool Next() {
    uint64_t value;
    if (in_ == nullptr || in_ >= end_) return false;
    if ((in_ = ReadVarint(in_, end_, &value)) == nullptr) return false;
    if (encoding_ == PositionEncoding::kShifted) {
      offset_ += static_cast<int64_t>(value >> 2);
    } else {
      const int64_t delta = UnZigZag(value);
      offset_ += delta < 0 ? -delta - 1 : delta;
    }
    if ((in_ = ReadVarint(in_, end_, &value)) == nullptr) return false;
    raw_ += UnZigZag(value);
    return true;
  }

  int64_t offset() const { return offset_; }
  uint64_t raw() const { return static_cast<uint64_t>(raw_); }

 private:
  const uint8_t* in_;
  const uint8_t* end_;
  PositionEncoding encoding_;
  int64_t offset_ = kPositionTableOrigin;
  int64_t raw_ = 0;
};

}  // namespace memtape::v8
