// SPDX-License-Identifier: MIT

#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace memtape {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, bits reversed

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// Table k advances a byte over k more zero bytes, so that eight bytes take eight look-ups and no
// chain.
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t i = 0; i < 256; ++i) {
      const uint32_t previous = tables[k - 1][i];
      tables[k][i] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

inline uint64_t Load64(const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2,crc32"))) uint32_t Crc32cHardware(uint32_t crc, const uint8_t* p,
                                                                size_t size) {
  uint64_t state = ~crc;
  for (; size >= 8; size -= 8, p += 8) state = __builtin_ia32_crc32di(state, Load64(p));
  uint32_t tail = static_cast<uint32_t>(state);
  for (; size > 0; --size, ++p) tail = __builtin_ia32_crc32qi(tail, *p);
  return ~tail;
}

bool HasHardware() {
  // Constructors of a preloaded library run before libgcc's own, which fills the table that
  // cpu_supports reads.
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}

#elif defined(__aarch64__)

// Inline assembly: the intrinsics of arm_acle.h want the whole file compiled for processors that
// have the instruction.
uint32_t Crc32cHardware(uint32_t crc, const uint8_t* p, size_t size) {
  uint32_t state = ~crc;
  for (; size >= 8; size -= 8, p += 8) {
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(Load64(p)));
  }
  for (; size > 0; --size, ++p) {
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(state) : "r"(uint32_t{*p}));
  }
  return ~state;
}

bool HasHardware() {
#if defined(__linux__)
  constexpr unsigned long kHwcapCrc32 = 1UL << 7;
  return (getauxval(AT_HWCAP) & kHwcapCrc32) != 0;
#else
  return true;  // every Apple processor
#endif
}

#else

uint32_t Crc32cHardware(uint32_t crc, const uint8_t* p, size_t size) {
  return Crc32cPortable(crc, p, size);
}

bool HasHardware() {
  return false;
}

#endif

}  // namespace

uint32_t Crc32cPortable(uint32_t crc, const void* data, size_t size) {
  const auto* p = static_cast<const uint8_t*>(data);
  uint32_t state = ~crc;
  for (; size >= 8; size -= 8, p += 8) {
    const uint64_t word = Load64(p) ^ state;  // both targets are little-endian
    state = kTables[7][word & 0xFF] ^ kTables[6][(word >> 8) & 0xFF] ^
            kTables[5][(word >> 16) & 0xFF] ^ kTables[4][(word >> 24) & 0xFF] ^
            kTables[3][(word >> 32) & 0xFF] ^ kTables[2][(word >> 40) & 0xFF] ^
            kTables[1][(word >> 48) & 0xFF] ^ kTables[0][word >> 56];
  }
  for (; size > 0; --size, ++p) state = (state >> 8) ^ kTables[0][(state ^ *p) & 0xFF];
  return ~state;
}

uint32_t Crc32c(uint32_t crc, const void* data, size_t size) {
  // Decided once per call, not once per process: a static with a guard would need
  // __cxa_guard_acquire, and blocks are large enough not to notice.
  if (HasHardware()) return Crc32cHardware(crc, static_cast<const uint8_t*>(data), size);
  return Crc32cPortable(crc, data, size);
}

}  // namespace memtape
