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
// Code is rarely larger than a tenth of this.
constexpr size_t kMaxCodeBytes = 512 << 10;
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

// Whether `code` is the Code object of instructions that start at `start` and reach beyond `pc`.
bool IsCodeOf(const CarefulReader& reader, uintptr_t code, uintptr_t start, uintptr_t pc,
              UnlistedCode* found) {
  const Layout& layout = GetLayout();
  uint8_t bytes[kCodeObjectBytes];
  const uintptr_t object = reinterpret_cast<uintptr_t>(bytes);
  if (!IsHeapObject(code) || code >> 47 != 0) return false;
  if (!reader.Read(code - 1, bytes, sizeof bytes)) return false;
  if (Load<uintptr_t>(object + layout.code_start) != start) return false;
  found->start = start;
  found->length = Load<uint32_t>(object + layout.code_size);
  const uint32_t kind = Load<uint32_t>(object + layout.code_flags) & 15;
  found->kind = kind == layout.baseline_kind + 1   ? FrameKind::kMaglev
                : kind == layout.baseline_kind + 2 ? FrameKind::kTurbofan
                                                   : FrameKind::kBuiltin;
  return pc - start < found->length;
}

}  // namespace

bool FindUnlistedCode(uintptr_t pc, UnlistedCode* found) {
  const Layout& layout = GetLayout();
  if (!layout.known || layout.baseline_kind == 0) return false;
  const CarefulReader reader;
  const uintptr_t call = pc - 1;
  alignas(8) uint8_t chunk[kChunkBytes + kMaxHeaderBytes];
  // Downwards from the call to the next header. What lies between is this code's own instructions:
  // it is on the stack, so it is alive, and nothing that died before it is left there.
  uintptr_t high = call / kAlignment * kAlignment;
  const uintptr_t lowest = high - std::min<uintptr_t>(high, kMaxCodeBytes);
  while (high > lowest) {
    const uintptr_t low = std::max(lowest, high - kChunkBytes);
    if (!reader.Read(low - kMaxHeaderBytes, chunk, high - low + kMaxHeaderBytes)) return false;
    for (uintptr_t start = high; start > low; start -= kAlignment) {
      // The header ends where the instructions start; its second word is the Code object.
      const size_t at = start - low + kMaxHeaderBytes - layout.instruction_header + 8;
      const uintptr_t code = Load<uintptr_t>(reinterpret_cast<uintptr_t>(chunk) + at);
      if (!IsCodeOf(reader, code, start, call, found)) continue;
      return found->kind != FrameKind::kBuiltin;
    }
    high = low;
  }
  return false;
}

}  // namespace memtape::v8
