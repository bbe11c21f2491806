// SPDX-License-Identifier: MIT
#include "stack/elf_image.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "os/os.h"
#include "stack/byte_cursor.h"

namespace memtape {
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);

constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxNotes = 1024;

bool IsOurKindOfElf(const Header& header) {
  return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_phentsize == sizeof(Segment) && header.e_phnum > 0 &&
         header.e_phnum <= kMaxSegments;
}

void Extend(ElfImage::Range* range, uint64_t begin, uint64_t end) {
  if (range->end == 0 || begin < range->begin) range->begin = begin;
  if (end > range->end) range->end = end;
}

void ReadSegments(const Segment* segments, size_t count, ElfImage* image) {
  for (size_t i = 0; i < count; i++) {
    const Segment& s = segments[i];
    if (s.p_type == PT_GNU_EH_FRAME) image->hdr_vaddr = s.p_vaddr;
    if (s.p_type != PT_LOAD) continue;
    const uint64_t begin = image->bias + s.p_vaddr;
    Extend(&image->all, begin, begin + s.p_memsz);
    if ((s.p_flags & PF_X) && image->code_count < ElfImage::kMaxCode) {
      image->code[image->code_count++] = {begin, begin + s.p_memsz};
    }
  }
  for (size_t i = 0; i < count && image->hdr_vaddr != 0; i++) {
    const Segment& s = segments[i];
    if (s.p_type != PT_LOAD || image->hdr_vaddr - s.p_vaddr >= s.p_filesz) continue;
    image->cfi_vaddr = s.p_vaddr;
    image->cfi_size = s.p_filesz;
  }
}

void ReadNotes(const uint8_t* data, size_t size, ElfImage* image) {
  constexpr uint32_t kGnu = 0x00554e47;  // "GNU\0"
  ByteCursor cursor(data, data + size);
  while (image->build_id_size == 0 && cursor.left() >= 12) {
    const uint32_t name_size = cursor.Read<uint32_t>();
    const uint32_t value_size = cursor.Read<uint32_t>();
    const uint32_t type = cursor.Read<uint32_t>();
    ByteCursor name = cursor;
    cursor.Skip((uint64_t{name_size} + 3) & ~uint64_t{3});
    const uint8_t* value = cursor.at();
    cursor.Skip(value_size);
    if (!cursor.ok()) return;
    if (type == NT_GNU_BUILD_ID && name_size == 4 && name.Read<uint32_t>() == kGnu &&
        value_size <= ElfImage::kMaxBuildId) {
      memcpy(image->build_id, value, value_size);
      image->build_id_size = value_size;
    }
    cursor.Skip(((value_size + 3) & ~3u) - value_size);
  }
}

bool ReadExactly(int fd, void* to, size_t bytes, uint64_t offset) {
  uint8_t* at = static_cast<uint8_t*>(to);
  while (bytes > 0) {
    const int64_t got = os::ReadAt(fd, at, bytes, offset);
    if (got <= 0) return false;
    at += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

bool ReadMappedElf(uint64_t bias, const void* headers, size_t count, ElfImage* image) {
  const Segment* segments = static_cast<const Segment*>(headers);
  *image = ElfImage{};
  image->bias = bias;
  ReadSegments(segments, count, image);
  for (size_t i = 0; i < count; i++) {
    if (segments[i].p_type != PT_NOTE) continue;
    ReadNotes(reinterpret_cast<const uint8_t*>(bias + segments[i].p_vaddr), segments[i].p_memsz,
              image);
  }
  return image->code_count > 0;
}

bool ReadElfThroughFile(int mem_fd, uint64_t address, ElfImage* image) {
  Header header;
  Segment segments[kMaxSegments];
  if (!ReadExactly(mem_fd, &header, sizeof header, address) || !IsOurKindOfElf(header))
    return false;
  const size_t count = header.e_phnum;
  if (!ReadExactly(mem_fd, segments, count * sizeof(Segment), address + header.e_phoff))
    return false;
  *image = ElfImage{};
  size_t first = 0;
  while (first < count && segments[first].p_type != PT_LOAD) first++;
  if (first == count) return false;
  image->bias = address - (segments[first].p_vaddr - segments[first].p_offset);
  ReadSegments(segments, count, image);
  for (size_t i = 0; i < count; i++) {
    if (segments[i].p_type != PT_NOTE) continue;
    uint8_t notes[kMaxNotes];
    const size_t size = segments[i].p_memsz < kMaxNotes ? segments[i].p_memsz : kMaxNotes;
    if (ReadExactly(mem_fd, notes, size, image->bias + segments[i].p_vaddr)) {
      ReadNotes(notes, size, image);
    }
  }
  return image->code_count > 0;
}

bool CopyCfiThroughFile(int mem_fd, const ElfImage& image, CfiImage* copy) {
  if (image.cfi_size == 0) return false;
  // The segment may hold 50 MB of constants too: begin at .eh_frame_hdr, or at .eh_frame where the
  // linker put that first.
  struct {
    uint8_t encodings[4];
    int32_t frame_offset;
  } start;
  if (!ReadExactly(mem_fd, &start, sizeof start, image.bias + image.hdr_vaddr)) return false;
  constexpr uint8_t kPcrelSdata4 = 0x1b;
  uint64_t begin = image.hdr_vaddr;
  if (start.encodings[1] == kPcrelSdata4 && start.frame_offset < 0) {
    begin += 4 + static_cast<uint64_t>(int64_t{start.frame_offset});
  }
  if (begin < image.cfi_vaddr || begin > image.hdr_vaddr) return false;
  const size_t bytes = image.cfi_vaddr + image.cfi_size - begin;
  void* pages = os::MapPages(bytes);
  if (pages == nullptr) return false;
  if (!ReadExactly(mem_fd, pages, bytes, image.bias + begin)) {
    os::UnmapPages(pages, bytes);
    return false;
  }
  *copy = {static_cast<const uint8_t*>(pages), bytes, begin, image.hdr_vaddr};
  return true;
}

}  // namespace memtape
