// SPDX-License-Identifier: MIT
// Reads the little-endian numbers of ELF and DWARF; past the end everything is zero and ok() false.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace memtape {

class ByteCursor {
 public:
  ByteCursor() = default;
  ByteCursor(const uint8_t* begin, const uint8_t* end) : at_(begin), end_(end) {}

  const uint8_t* at() const { return at_; }
  const uint8_t* end() const { return end_; }
  bool ok() const { return at_ != nullptr; }
  bool done() const { return at_ >= end_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  template <typename T>
  T Read() {
    T value{};
    if (left() < sizeof(T)) {
      Fail();
      return value;
    }
    memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  void Skip(uint64_t bytes) {
    if (bytes > left()) {
      Fail();
    } else {
      at_ += bytes;
    }
  }

  uint64_t Uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0; at_ < end_; shift += 7) {
      const uint8_t byte = *at_++;
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }

  int64_t Sleb() {
    uint64_t value = 0;
    for (unsigned shift = 0; at_ < end_;) {
      const uint8_t byte = *at_++;
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      shift += 7;
      if (byte >= 0x80) continue;
      if (shift < 64 && (byte & 0x40)) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
    Fail();
    return 0;
  }

 private:
  void Fail() { at_ = end_ = nullptr; }

  // Two words and no more: it travels in registers.
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
};

}  // namespace memtape
