// SPDX-License-Identifier: MIT
// Builds text without malloc: paths, messages, JSON. Cuts what does not fit.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <string_view>

namespace memtape {

template <size_t kCapacity>
class TextBuffer {
 public:
  TextBuffer& Add(std::string_view text) {
    const size_t room = kCapacity - 1 - size_;
    const size_t bytes = text.size() < room ? text.size() : room;
    memcpy(data_ + size_, text.data(), bytes);
    size_ += bytes;
    data_[size_] = 0;
    return *this;
  }
  TextBuffer& AddChar(char c) { return Add({&c, 1}); }
  TextBuffer& AddNumber(uint64_t value) {
    char digits[20];
    size_t i = sizeof digits;
    do {
      digits[--i] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value > 0);
    return Add({digits + i, sizeof digits - i});
  }
  // A JSON string, quotes included. Bytes that are not UTF-8 pass as they are: the reader of the
  // whole text replaces them.
  TextBuffer& AddQuoted(std::string_view text) {
    AddChar('"');
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        AddChar('\\').AddChar(c);
      } else if (static_cast<unsigned char>(c) < 0x20) {
        constexpr char kHex[] = "0123456789abcdef";
        Add("\\u00").AddChar(kHex[(c >> 4) & 15]).AddChar(kHex[c & 15]);
      } else {
        AddChar(c);
      }
    }
    return AddChar('"');
  }

  const char* c_str() const { return data_; }
  std::string_view view() const { return {data_, size_}; }
  size_t size() const { return size_; }
  bool full() const { return size_ == kCapacity - 1; }
  void Clear() { data_[size_ = 0] = 0; }
  void Truncate(size_t size) {
    if (size < size_) data_[size_ = size] = 0;
  }

 private:
  size_t size_ = 0;
  char data_[kCapacity] = {};
};

}  // namespace memtape
