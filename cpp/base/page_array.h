// SPDX-License-Identifier: MIT
// A growable array in pages of its own, for the drain thread's tables: no malloc, new elements are
// zero, growth moves page tables instead of bytes. Elements must be trivial. One thread.
#pragma once

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <type_traits>

#include "base/out_of_memory.h"
#include "base/own_pages.h"
#include "base/page_order.h"
#include "base/populate.h"

namespace memtape {

template <typename T>
class PageArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }

  void push_back(const T& value) {
    Reserve(size_ + 1);
    data_[size_++] = value;
  }
  // Elements beyond the old size are zero if they were never used before.
  void Resize(size_t size) {
    Reserve(size);
    size_ = size;
  }
  // Makes element `i` exist.
  T& At(size_t i) {
    if (i >= size_) Resize(i + 1);
    return data_[i];
  }
  void Append(const T* values, size_t count) {
    if (count == 0) return;  // `values` may be null, which memcpy must not get
    Reserve(size_ + count);
    memcpy(static_cast<void*>(data_ + size_), values, count * sizeof(T));
    size_ += count;
  }
  void Insert(size_t at, const T& value) {
    Reserve(size_ + 1);
    memmove(static_cast<void*>(data_ + at + 1), data_ + at, (size_ - at) * sizeof(T));
    data_[at] = value;
    size_++;
  }
  void Erase(size_t from, size_t to) {
    memmove(static_cast<void*>(data_ + from), data_ + to, (size_ - to) * sizeof(T));
    size_ -= to - from;
  }
  void Clear() { size_ = 0; }
  void Free() {
    PagesGo();
    if (data_ != nullptr) {
      OwnPagesGo(data_);
      syscall(SYS_munmap, data_, bytes_);
    }
    data_ = nullptr;
    size_ = bytes_ = 0;
  }

  // See populate.h.
  void Populate() { memtape::Populate(data_, size_ * sizeof(T)); }

  void Reserve(size_t count) {
    if (count * sizeof(T) <= bytes_) return;
    size_t wanted = bytes_ == 0 ? size_t{16} << 10 : bytes_ * 2;
    while (wanted < count * sizeof(T)) wanted *= 2;
    PagesGo();
    if (data_ != nullptr) OwnPagesGo(data_);
    // Straight to the kernel: libc's mmap is a function that memtape hooks.
    const long moved = data_ == nullptr
                           ? syscall(SYS_mmap, nullptr, wanted, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                           : syscall(SYS_mremap, data_, bytes_, wanted, MREMAP_MAYMOVE, 0);
    if (moved == -1) OutOfMemory();
    PagesCome();
    // As os::MapPages does; growing keeps it.
    if (data_ == nullptr) syscall(SYS_madvise, moved, wanted, MADV_DONTDUMP);
    data_ = reinterpret_cast<T*>(moved);
    bytes_ = wanted;
    OwnPagesCome(data_, bytes_);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace memtape
