// SPDX-License-Identifier: MIT
// Tagged words of V8's heap, 64-bit without pointer compression: small integers have 32 zero bits
// below them, pointers to objects have the low bits 01.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace memtape::v8 {

template <typename T>
inline T Load(uintptr_t address) {
  T value;
  memcpy(&value, reinterpret_cast<const void*>(address), sizeof value);
  return value;
}

inline uintptr_t LoadWord(uintptr_t address) {
  return *reinterpret_cast<const uintptr_t*>(address);
}

inline bool IsHeapObject(uintptr_t tagged) {
  return (tagged & 3) == 1 && tagged > 0x10000;
}
inline bool IsSmallInteger(uintptr_t tagged) {
  return (tagged & 0xFFFFFFFF) == 0;
}

inline uintptr_t Field(uintptr_t tagged, size_t offset) {
  return LoadWord(tagged - 1 + offset);
}

inline uint32_t SmallInteger(uintptr_t tagged) {
  return IsSmallInteger(tagged) ? static_cast<uint32_t>(tagged >> 32) : 0;
}

}  // namespace memtape::v8
