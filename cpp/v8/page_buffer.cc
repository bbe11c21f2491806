// SPDX-License-Identifier: MIT
#include "v8/page_buffer.h"

#include <algorithm>

#include "os/os.h"

namespace memtape::v8 {

bool PageBuffer::Reserve(size_t more) {
  if (size + more <= capacity) return true;
  size_t wanted = std::max<size_t>(capacity * 2, 16 << 10);
  while (wanted < size + more) wanted *= 2;
  void* moved = data == nullptr ? os::MapPages(wanted) : os::GrowPages(data, capacity, wanted);
  if (moved == nullptr) return false;
  data = static_cast<uint8_t*>(moved);
  capacity = wanted;
  return true;
}

void PageBuffer::Free() {
  if (data != nullptr) os::UnmapPages(data, capacity);
  *this = {};
}

}  // namespace memtape::v8
