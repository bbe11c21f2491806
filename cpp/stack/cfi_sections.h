// SPDX-License-Identifier: MIT
// Finds the FDEs of .eh_frame through the search table of .eh_frame_hdr. Pure functions over bytes:
// no memory beyond a few words of stack, no calls, and every access is checked against the bounds.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stack/byte_cursor.h"

namespace memtape {

// The bytes of the loadable segment that holds .eh_frame_hdr and .eh_frame, mapped or copied, and
// the address that the linker gave the first one. All addresses here are the linker's ("vaddr").
struct CfiImage {
  const uint8_t* data = nullptr;
  size_t size = 0;
  uint64_t vaddr = 0;
  uint64_t hdr_vaddr = 0;
};

struct Cie {
  const uint8_t* at = nullptr;  // its identity
  ByteCursor program;
  uint32_t code_align = 1;
  int32_t data_align = 1;
  uint8_t pointer_encoding = 0;
  bool has_augmentation_data = false;
  bool signal_frame = false;
};

struct Fde {
  uint64_t begin = 0;
  uint64_t end = 0;
  ByteCursor program;
};

// The FDEs of one module, in order of address.
class CfiSections {
 public:
  // False when there is no search table of the usual form: the module then has no rows.
  bool Open(const CfiImage& image);

  uint32_t count() const { return count_; }
  uint64_t Begin(uint32_t index) const;
  // The last FDE that begins at or before `vaddr`; count() if there is none.
  uint32_t Search(uint64_t vaddr) const;

  // Where the CIE of FDE `index` is; nullptr if either is malformed.
  const uint8_t* CieAddress(uint32_t index) const;
  bool ReadCie(const uint8_t* at, Cie* cie) const;
  bool ReadFde(uint32_t index, const Cie& cie, Fde* fde) const;

 private:
  ByteCursor Record(uint32_t index, const uint8_t** id_field) const;
  bool RecordAt(const uint8_t* at, ByteCursor* body) const;

  CfiImage image_;
  const uint8_t* table_ = nullptr;
  uint32_t count_ = 0;
};

}  // namespace memtape
