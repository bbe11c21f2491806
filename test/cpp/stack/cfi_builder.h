// SPDX-License-Identifier: MIT
// Writes .eh_frame_hdr and .eh_frame byte by byte, as a linker would.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "stack/cfi_sections.h"

namespace memtape {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t kPcrelSdata4 = 0x1b;

template <typename T>
void Put(Bytes* out, T value) {
  const size_t at = out->size();
  out->resize(at + sizeof value);
  memcpy(out->data() + at, &value, sizeof value);
}

struct CieSpec {
  std::string augmentation = "zR";
  uint8_t encoding = kPcrelSdata4;
  uint8_t version = 1;
  int8_t data_align = -8;
  uint8_t code_align = 1;
};

struct FdeSpec {
  uint64_t begin;  // vaddr
  uint64_t length;
  Bytes program;
};

// Owns the bytes. `image()` is valid while this lives.
class CfiBuilder {
 public:
  static constexpr uint64_t kVaddr = 0x1000;

  // `fdes` in ascending order.
  CfiBuilder(const CieSpec& cie, const std::vector<FdeSpec>& fdes) {
    const uint32_t count = static_cast<uint32_t>(fdes.size());
    bytes_ = {1, kPcrelSdata4, 0x03, 0x3b};
    Put<int32_t>(&bytes_, static_cast<int32_t>(8 + 8 * count));
    Put<uint32_t>(&bytes_, count);
    bytes_.resize(12 + 8 * count);
    const size_t cie_at = bytes_.size();
    AppendRecord(0, CieBody(cie));
    for (uint32_t i = 0; i < count; i++) {
      const int32_t begin = static_cast<int32_t>(fdes[i].begin - kVaddr);
      const int32_t at = static_cast<int32_t>(bytes_.size());
      memcpy(&bytes_[12 + 8 * i], &begin, 4);
      memcpy(&bytes_[16 + 8 * i], &at, 4);
      AppendRecord(static_cast<uint32_t>(bytes_.size() + 4 - cie_at), FdeBody(cie, fdes[i]));
    }
    Put<uint32_t>(&bytes_, 0);
  }

  Bytes& bytes() { return bytes_; }
  CfiImage image() const { return {bytes_.data(), bytes_.size(), kVaddr, kVaddr}; }

 private:
  void AppendRecord(uint32_t id, const Bytes& body) {
    Put<uint32_t>(&bytes_, static_cast<uint32_t>(4 + body.size()));
    Put<uint32_t>(&bytes_, id);
    bytes_.insert(bytes_.end(), body.begin(), body.end());
  }

  static size_t PointerBytes(uint8_t encoding) {
    const uint8_t format = encoding & 0x0f;
    return format == 0x03 || format == 0x0b ? 4 : format == 0x02 || format == 0x0a ? 2 : 8;
  }

  static Bytes CieBody(const CieSpec& cie) {
    Bytes body = {cie.version};
    body.insert(body.end(), cie.augmentation.begin(), cie.augmentation.end());
    body.push_back(0);
    body.push_back(cie.code_align);
    body.push_back(static_cast<uint8_t>(cie.data_align) & 0x7f);
    body.push_back(16);
    if (!cie.augmentation.empty() && cie.augmentation[0] == 'z') {
      Bytes data;
      for (char c : cie.augmentation.substr(1)) {
        if (c == 'R') data.push_back(cie.encoding);
        if (c == 'L') data.push_back(kPcrelSdata4);
        if (c == 'P') {
          data.push_back(kPcrelSdata4);
          Put<uint32_t>(&data, 0x1234);
        }
      }
      body.push_back(static_cast<uint8_t>(data.size()));
      body.insert(body.end(), data.begin(), data.end());
    }
    // def_cfa sp + 8; the return address at CFA - 8
    for (uint8_t byte : {0x0c, 7, 8, 0x80 | 16, 1}) body.push_back(byte);
    return body;
  }

  static Bytes FdeBody(const CieSpec& cie, const FdeSpec& fde) {
    Bytes body;
    const bool has_data = !cie.augmentation.empty() && cie.augmentation[0] == 'z';
    const size_t pointer = PointerBytes(has_data ? cie.encoding : 0);
    body.resize(2 * pointer);  // the start comes from the search table
    memcpy(&body[pointer], &fde.length, pointer);
    if (has_data) body.push_back(0);
    body.insert(body.end(), fde.program.begin(), fde.program.end());
    return body;
  }

  Bytes bytes_;
};

}  // namespace memtape
