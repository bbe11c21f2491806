// SPDX-License-Identifier: MIT
// The table of safepoints that follows the instructions of Maglev's code (V8 13 and later): for
// each return address where the collector may run, among other things at which exit the code is
// left when it has been thrown away. TurboFan's deoptimization data has the return addresses
// themselves, Maglev's those of the exits.
//
//   u32 stack slots, u32 entries, u32 configuration, u32 tagged slots, then the entries:
//   return address, exit + 1, exit's address + 1, u8 spill slots, tagged registers
// The configuration has the sizes in bytes: bit 0 whether there are exits, then three bits each for
// registers, addresses, exits.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "v8/heap_object.h"

namespace memtape::v8 {

class SafepointReader {
 public:
  // `code_bytes` bounds the number of entries: no two have one address.
  SafepointReader(uintptr_t table, size_t code_bytes) : at_(table + kHeaderBytes) {
    const uint32_t configuration = Load<uint32_t>(table + 8);
    left_ = Load<uint32_t>(table + 4);
    register_bytes_ = configuration >> 1 & 7;
    address_bytes_ = configuration >> 4 & 7;
    exit_bytes_ = configuration >> 7 & 7;
    const bool sane = (configuration & 1) != 0 && left_ <= code_bytes && address_bytes_ >= 1 &&
                      address_bytes_ <= 4 && exit_bytes_ >= 1 && exit_bytes_ <= 4 &&
                      register_bytes_ <= 4;
    if (!sane) left_ = 0;
  }

  // Moves to the next entry that has an exit; false at the end.
  bool Next() {
    for (; left_ > 0; left_--) {
      const uint32_t address = Take(address_bytes_);
      const uint32_t exit = Take(exit_bytes_);
      at_ += address_bytes_ + 1 + register_bytes_;
      if (exit == 0) continue;
      return_offset_ = address;
      exit_ = exit - 1;
      left_--;
      return true;
    }
    return false;
  }

  uint32_t return_offset() const { return return_offset_; }
  uint32_t exit() const { return exit_; }

 private:
  static constexpr size_t kHeaderBytes = 16;

  uint32_t Take(size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= uint32_t{Load<uint8_t>(at_++)} << (8 * i);
    return value;
  }

  uintptr_t at_;
  uint32_t left_;
  size_t register_bytes_, address_bytes_, exit_bytes_;
  uint32_t return_offset_ = 0, exit_ = 0;
};

}  // namespace memtape::v8
