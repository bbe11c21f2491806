// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape::v8 {

// Growable bytes in pages of their own.
struct PageBuffer {
  uint8_t* data = nullptr;
  size_t size = 0;
  size_t capacity = 0;

  // Room for `more` bytes after size; false when there is no memory.
  bool Reserve(size_t more);
  void Free();
};

}  // namespace memtape::v8
