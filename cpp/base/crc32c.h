// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli): the checksum of file headers and blocks. Any thread, any time, early
// constructors included.
#pragma once

#include <cstddef>
#include <cstdint>

namespace memtape {

// The CRC of the bytes that made `crc` followed by `data`; start with 0. Crc32c(Crc32c(0, a), b) ==
// Crc32c(0, a + b).
uint32_t Crc32c(uint32_t crc, const void* data, size_t size);

// The table-driven variant, for tests and for processors without the instruction.
uint32_t Crc32cPortable(uint32_t crc, const void* data, size_t size);

}  // namespace memtape
