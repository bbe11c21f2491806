// SPDX-License-Identifier: MIT
// Unsigned LEB128 and zigzag (format.md F-1). Writers need kMaxVarintBytes of room; nothing
// allocates.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace memtape {

inline constexpr size_t kMaxVarintBytes = 10;

// Writes `value` at `out` and returns the byte after it.
inline uint8_t* WriteVarint(uint8_t* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<uint8_t>(value);
  return out;
}

constexpr size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

constexpr uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Reads one varint from [in, end). Returns the byte after it, or nullptr when it is cut off, longer
// than 10 bytes, or does not fit in 64 bits.
inline const uint8_t* ReadVarint(const uint8_t* in, const uint8_t* end, uint64_t* value) {
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 70 && in < end; shift += 7) {
    const uint8_t byte = *in++;
    if (shift == 63 && byte > 1) return nullptr;
    result |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *value = result;
      return in;
    }
  }
  return nullptr;
}

}  // namespace memtape
