// SPDX-License-Identifier: MIT
#include "v8/unlisted_code.h"

#include <algorithm>

#include "os/os.h"
#include "v8/heap_object.h"
#include "v8/layout.h"

namespace memtape::v8 {
namespace {

// Instructions start at multiples of this on all versions and architectures, or of more.
constexpr uintptr_t kAlignment = 32;
constexpr uintptr_t kPageBytes = 256 << 10;
constexpr size_t kChunkBytes = 8 << 10;
constexpr size_t kMaxHeaderBytes = 32;
constexpr size_t kCodeObjectBytes = 64;

// Reads memory that may not be there.
class CarefulReader {
 public:
  CarefulReader() : fd_(os::OpenRead("/proc/self/mem")) {}
  ~CarefulReader() {
    if (fd_ >= 0) os::Close(fd_);
  }
  CarefulReader(const CarefulReader&) = delete;
  CarefulReader& operator=(const CarefulReader&) = delete;

  bool Read(uintptr_t address, void* out, size_t bytes) const {
    return fd_ >= 0 && os::ReadAt(fd_, out, bytes, address) == static_cast<int64_t>(bytes);
  }

 private:
  int fd_;
};

// Whether `code` is the Code object of optimized instructions that start at `start`.
bool ReadCode(const CarefulReader& reader, uintptr_t code, uintptr_t start, UnlistedCode* found) {
  const Layout& layout = GetLayout();
  uint8_t bytes[kCodeObjectBytes];
  const uintptr_t object = reinterpret_cast<uintptr_t>(bytes);
  if (!IsHeapObject(code) || code >> 47 != 0) return false;
  if (!reader.Read(code - 1, bytes, sizeof bytes)) return false;
  if (Load<uintptr_t>(object + layout.code_start) != start) return false;
  const uint32_t kind = Load<uint32_t>(object + layout.code_flags) & 15;
  if (kind != layout.baseline_kind + 1 && kind != layout.baseline_kind + 2) return false;
  found->start = start;
  found->length = Load<uint32_t>(object + layout.code_size);
  found->kind = kind == layout.baseline_kind + 1 ? FrameKind::kMaglev : FrameKind::kTurbofan;
  return true;
}

// The header ends where the instructions start; its second word is the Code object.
uintptr_t CodeSlot(uintptr_t start) {
  return start - GetLayout().instruction_header + 8;
}

size_t FindInChunk(const CarefulReader& reader, uintptr_t low, std::span<const uintptr_t> listed,
                   std::span<UnlistedCode> out) {
  alignas(8) uint8_t chunk[kChunkBytes + kMaxHeaderBytes];
  // Not all of a page is mapped.
  if (!reader.Read(low - kMaxHeaderBytes, chunk, sizeof chunk)) return 0;
  size_t count = 0;
  for (uintptr_t start = low; start < low + kChunkBytes && count < out.size();
       start += kAlignment) {
    const size_t at = CodeSlot(start) - (low - kMaxHeaderBytes);
    const uintptr_t code = Load<uintptr_t>(reinterpret_cast<uintptr_t>(chunk) + at);
    if (!ReadCode(reader, code, start, &out[count])) continue;
    if (!std::binary_search(listed.begin(), listed.end(), start)) count++;
  }
  return count;
}

}  // namespace

size_t FindUnlistedCode(std::span<const uintptr_t> listed, std::span<const uintptr_t> addresses,
                        std::span<UnlistedCode> out) {
  const Layout& layout = GetLayout();
  if (!layout.known || layout.baseline_kind == 0) return 0;
  const CarefulReader reader;
  size_t count = 0;
  uintptr_t last = 0;
  for (const uintptr_t address : addresses) {
    const uintptr_t page = address / kPageBytes * kPageBytes;
    if (page == last) continue;
    last = page;
    for (uintptr_t low = page; low < page + kPageBytes; low += kChunkBytes) {
      count += FindInChunk(reader, low, listed, out.subspan(count));
    }
  }
  return count;
}

bool IsStillThere(const UnlistedCode& code) {
  const CarefulReader reader;
  uintptr_t object;
  UnlistedCode now;
  return reader.Read(CodeSlot(code.start), &object, sizeof object) &&
         ReadCode(reader, object, code.start, &now) && now.length == code.length;
}

}  // namespace memtape::v8
