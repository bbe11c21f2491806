// SPDX-License-Identifier: MIT
// Layout of FILE.rings (format.md §7): positions and packing only; the ring itself is cpp/log's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace memtape {

inline constexpr uint8_t kRingsMagic[8] = {0x89, 'M', 'T', 'R', 'I', 'N', 'G', '\n'};
inline constexpr size_t kRingsHeaderBytes = 4096;

inline constexpr size_t kRingsMagicOffset = 0;
inline constexpr size_t kRingsVersionMajorOffset = 8;
inline constexpr size_t kRingsVersionMinorOffset = 10;
inline constexpr size_t kRingsSlotBytesOffset = 12;
inline constexpr size_t kRingsCaptureIdOffset = 16;
inline constexpr size_t kRingsTicksAtStartOffset = 24;
inline constexpr size_t kRingsTicksPerSecondOffset = 32;
inline constexpr size_t kRingsStartUnixNsOffset = 40;
inline constexpr size_t kRingsSlotCountOffset = 48;

// A slot is one page of these fields, then the ring.
inline constexpr size_t kSlotHeaderBytes = 4096;
inline constexpr size_t kSlotHeadOffset = 0;
inline constexpr size_t kSlotTailOffset = 64;
inline constexpr size_t kSlotThreadOffset = 128;
inline constexpr size_t kSlotOsTidOffset = 132;

inline constexpr size_t kRingWordBytes = 8;

// Kinds from kRingFirstVariable on carry their number of words.
enum class RingKind : uint8_t { kFree = 1, kAlloc = 2, kMap = 3 };
inline constexpr uint8_t kRingFirstVariable = 16;

inline constexpr size_t kRingFreeWords = 2;
inline constexpr size_t kRingAllocWords = 4;
inline constexpr size_t kRingMapWords = 6;

// Word 1: kind in the low byte, then by kind.
inline constexpr unsigned kRingByteShift = 8;      // allocator, op
inline constexpr unsigned kRingAddressShift = 16;  // free, alloc
inline constexpr unsigned kRingHighShift = 32;     // map: stack; variable: number of words

constexpr uint64_t RingFreeWord1(uint64_t address) {
  return static_cast<uint64_t>(RingKind::kFree) | address << kRingAddressShift;
}

constexpr uint64_t RingAllocWord1(uint8_t allocator, uint64_t address) {
  return static_cast<uint64_t>(RingKind::kAlloc) |
         static_cast<uint64_t>(allocator) << kRingByteShift | address << kRingAddressShift;
}

constexpr uint64_t RingMapWord1(uint8_t op, uint32_t ring_stack) {
  return static_cast<uint64_t>(RingKind::kMap) | static_cast<uint64_t>(op) << kRingByteShift |
         static_cast<uint64_t>(ring_stack) << kRingHighShift;
}

constexpr uint64_t RingVariableWord1(uint8_t kind, uint32_t words) {
  return kind | static_cast<uint64_t>(words) << kRingHighShift;
}

}  // namespace memtape
