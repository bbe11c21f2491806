// SPDX-License-Identifier: MIT
// Reads .eh_frame through the search table of .eh_frame_hdr. Pure functions over bytes: no memory
// beyond a few words of stack, no calls, and every access is checked against the image's bounds.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stack/byte_cursor.h"
#include "stack/cfi_rule.h"

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

// Runs the programs of a CIE and an FDE.
class CfiProgram {
 public:
  // Runs the CIE's part. The CIE is not needed afterwards.
  void Start(const Cie& cie);

  // Calls row(pc, rule) for each change, in ascending order of pc, until it returns false.
  template <typename RowFn>
  void Run(const Fde& fde, RowFn&& row) {
    rule_ = initial_;
    depth_ = 0;
    uint64_t pc = fde.begin;
    ByteCursor program = fde.program;
    while (!program.done()) {
      const uint64_t delta = Next(&program);
      if (delta == 0) continue;
      if (!row(pc, Finished())) return;
      // (A delta past the end, as in damaged data, must not wrap around either.)
      if (delta >= fde.end - pc) return;
      pc += delta;
    }
    row(pc, Finished());
  }

 private:
  // One instruction. Returns how far it moves pc.
  uint64_t Next(ByteCursor* program);
  uint64_t NextExtended(uint8_t opcode, ByteCursor* program);
  void DefineCfa(uint64_t reg, int64_t offset);
  void DefineCfaExpression(ByteCursor expression);
  void SaveAtExpression(uint64_t reg, ByteCursor expression);
  void Save(uint64_t reg, SlotKind kind, int64_t offset);
  void Restore(uint64_t reg);
  CfiRule Finished() const;

  static constexpr unsigned kMaxSaved = 2;  // Compilers nest remember_state once.

  uint32_t code_align_ = 1;
  int32_t data_align_ = 1;
  CfiRule initial_;
  CfiRule rule_;
  CfiRule saved_[kMaxSaved];
  unsigned depth_ = 0;
};

}  // namespace memtape
