// SPDX-License-Identifier: MIT
#include "stack/cfi_sections.h"

#include <string.h>

#include "stack/cfi_rule.h"

namespace memtape {
namespace {

// Pointer encodings (DW_EH_PE_*): the low half is the format, the high half the application.
constexpr uint8_t kFormatMask = 0x0f;
constexpr uint8_t kUdata4 = 0x03;
constexpr uint8_t kDatarelSdata4 = 0x3b;
constexpr uint8_t kOmit = 0xff;

// Bytes of a pointer; 0 for encodings that compilers do not use in these sections.
size_t EncodedBytes(uint8_t encoding) {
  switch (encoding & kFormatMask) {
    case 0x02:
    case 0x0a:
      return 2;
    case 0x03:
    case 0x0b:
      return 4;
    case 0x00:
    case 0x04:
    case 0x0c:
      return 8;
    default:
      return 0;
  }
}

uint64_t ReadUnsigned(ByteCursor* cursor, size_t bytes) {
  if (bytes == 2) return cursor->Read<uint16_t>();
  if (bytes == 4) return cursor->Read<uint32_t>();
  return cursor->Read<uint64_t>();
}

}  // namespace

bool CfiSections::Open(const CfiImage& image) {
  const uint64_t at = image.hdr_vaddr - image.vaddr;
  if (image.data == nullptr || at >= image.size) return false;
  ByteCursor cursor(image.data + at, image.data + image.size);
  const uint8_t version = cursor.Read<uint8_t>();
  const uint8_t frame_encoding = cursor.Read<uint8_t>();
  const uint8_t count_encoding = cursor.Read<uint8_t>();
  const uint8_t table_encoding = cursor.Read<uint8_t>();
  if (version != 1 || count_encoding != kUdata4 || table_encoding != kDatarelSdata4) return false;
  // The start of .eh_frame itself is not needed: the table leads to each FDE.
  const size_t skip = frame_encoding == kOmit ? 0 : EncodedBytes(frame_encoding);
  if (skip == 0) return false;
  cursor.Skip(skip);
  const uint32_t count = cursor.Read<uint32_t>();
  if (!cursor.ok() || count == 0 || cursor.left() / 8 < count) return false;
  image_ = image;
  table_ = cursor.at();
  count_ = count;
  return true;
}

uint64_t CfiSections::Begin(uint32_t index) const {
  int32_t offset;
  memcpy(&offset, table_ + 8 * size_t{index}, sizeof offset);
  return image_.hdr_vaddr + static_cast<uint64_t>(static_cast<int64_t>(offset));
}

uint32_t CfiSections::Search(uint64_t vaddr) const {
  if (count_ == 0 || vaddr < Begin(0)) return count_;
  uint32_t low = 0;
  uint32_t high = count_;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (Begin(middle) <= vaddr) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// The part of a CIE or FDE after its length field.
bool CfiSections::RecordAt(const uint8_t* at, ByteCursor* body) const {
  const uint8_t* end = image_.data + image_.size;
  if (at < image_.data || at >= end) return false;
  ByteCursor cursor(at, end);
  const uint32_t length = cursor.Read<uint32_t>();
  // 0 is the terminator; 0xffffffff announces the 64-bit form, which no linker writes here.
  if (!cursor.ok() || length < 4 || length > cursor.left()) return false;
  *body = ByteCursor(cursor.at(), cursor.at() + length);
  return true;
}

const uint8_t* CfiSections::CieAddress(uint32_t index) const {
  int32_t offset;
  memcpy(&offset, table_ + 8 * size_t{index} + 4, sizeof offset);
  const uint64_t at = image_.hdr_vaddr - image_.vaddr + static_cast<uint64_t>(int64_t{offset});
  if (at >= image_.size) return nullptr;
  ByteCursor body;
  if (!RecordAt(image_.data + at, &body)) return nullptr;
  const uint8_t* field = body.at();
  const uint32_t distance = body.Read<uint32_t>();
  if (distance == 0 || distance > static_cast<uint64_t>(field - image_.data)) return nullptr;
  return field - distance;
}

bool CfiSections::ReadCie(const uint8_t* at, Cie* cie) const {
  ByteCursor body;
  if (!RecordAt(at, &body)) return false;
  *cie = Cie{};
  cie->at = at;
  const uint32_t id = body.Read<uint32_t>();
  const uint8_t version = body.Read<uint8_t>();
  if (id != 0 || (version != 1 && version != 3)) return false;
  const char* augmentation = reinterpret_cast<const char*>(body.at());
  while (body.Read<uint8_t>() != 0) {
  }
  cie->code_align = static_cast<uint32_t>(body.Uleb());
  cie->data_align = static_cast<int32_t>(body.Sleb());
  const uint64_t ra = version == 1 ? body.Read<uint8_t>() : body.Uleb();
  if (!body.ok() || ra != kDwarfRa) return false;
  cie->program = body;
  if (*augmentation == 0) return true;
  if (*augmentation++ != 'z') return false;

  cie->has_augmentation_data = true;
  const uint64_t length = body.Uleb();
  cie->program = body;
  cie->program.Skip(length);
  for (; *augmentation != 0; augmentation++) {
    if (*augmentation == 'R') {
      cie->pointer_encoding = body.Read<uint8_t>();
    } else if (*augmentation == 'P') {
      const size_t bytes = EncodedBytes(body.Read<uint8_t>());
      if (bytes == 0) return false;
      body.Skip(bytes);
    } else if (*augmentation == 'L') {
      body.Skip(1);
    } else if (*augmentation == 'S') {
      cie->signal_frame = true;
    } else if (*augmentation != 'B' && *augmentation != 'G') {  // arm64: signing key, tagging
      return false;
    }
  }
  return body.ok() && cie->program.ok() && EncodedBytes(cie->pointer_encoding) != 0;
}

bool CfiSections::ReadFde(uint32_t index, const Cie& cie, Fde* fde) const {
  int32_t offset;
  memcpy(&offset, table_ + 8 * size_t{index} + 4, sizeof offset);
  ByteCursor body;
  // CieAddress has checked the offset.
  if (!RecordAt(image_.data + (image_.hdr_vaddr - image_.vaddr) + offset, &body)) return false;
  const size_t bytes = EncodedBytes(cie.pointer_encoding);
  body.Skip(4 + bytes);  // the search table has the start address already
  const uint64_t length = ReadUnsigned(&body, bytes);
  if (cie.has_augmentation_data) body.Skip(body.Uleb());
  fde->begin = Begin(index);
  fde->end = fde->begin + length;
  fde->program = body;
  return body.ok() && fde->end > fde->begin;
}

}  // namespace memtape
