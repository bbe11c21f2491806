// SPDX-License-Identifier: MIT
// A bump allocator over whole pages, for code that runs inside, beside or below malloc.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memtape {

// Nothing is ever given back; not thread-safe. The pages come from the function that the owner
// passes (os::MapPages, in practice): zeroed, page-aligned memory or nullptr.
class PageArena {
 public:
  using MapPages = void* (*)(size_t bytes);

  explicit constexpr PageArena(MapPages map_pages) : map_pages_(map_pages) {}
  PageArena(const PageArena&) = delete;
  PageArena& operator=(const PageArena&) = delete;

  // Zeroed memory aligned to `align` (a power of two, at most 4096), or nullptr.
  void* Allocate(size_t bytes, size_t align = 16) {
    size_t at = (used_ + align - 1) & ~(align - 1);
    if (at > size_ || bytes > size_ - at) {
      // A big request gets its own mapping, so that the rest of the open chunk is not lost.
      if (bytes >= kChunkBytes / 4) return Map(bytes);
      chunk_ = static_cast<uint8_t*>(Map(kChunkBytes));
      size_ = chunk_ == nullptr ? 0 : kChunkBytes;
      used_ = 0;
      if (chunk_ == nullptr) return nullptr;
      at = 0;
    }
    used_ = at + bytes;
    return chunk_ + at;
  }

  template <typename T>
  T* AllocateArray(size_t count) {
    if (count > SIZE_MAX / sizeof(T)) return nullptr;
    return static_cast<T*>(Allocate(count * sizeof(T), alignof(T)));
  }

  size_t mapped_bytes() const { return mapped_bytes_; }

 private:
  static constexpr size_t kChunkBytes = 65536;

  void* Map(size_t bytes) {
    void* pages = map_pages_(bytes);
    if (pages != nullptr) mapped_bytes_ += bytes;
    return pages;
  }

  MapPages map_pages_;
  uint8_t* chunk_ = nullptr;
  size_t size_ = 0;
  size_t used_ = 0;
  size_t mapped_bytes_ = 0;
};

}  // namespace memtape
