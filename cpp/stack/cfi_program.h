// SPDX-License-Identifier: MIT
// Call frame information is a small program per function: one register machine, pc by pc. Needs no
// memory of its own and calls nobody.
#pragma once

#include <stdint.h>

#include "stack/byte_cursor.h"
#include "stack/cfi_rule.h"
#include "stack/cfi_sections.h"

namespace memtape {

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
  bool NextCfa(uint8_t opcode, ByteCursor* program);
  bool NextSave(uint8_t opcode, ByteCursor* program);
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
