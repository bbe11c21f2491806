// SPDX-License-Identifier: MIT
// One module's call frame information: pc -> rule.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/page_arena.h"
#include "stack/cfi_program.h"
#include "stack/cfi_rule.h"

namespace memtape {

// Flat rows: pcs_[i] is where rule rules_[rule_of_[i]] starts to hold, until pcs_[i + 1]. A program
// as large as node has 600,000 rows but few distinct rules, hence the dictionary: 6 bytes a row.
// pages_ leads to the rows of each 4 KiB of code, so that a look-up touches few cache lines.
//
// Find is safe in a hook on any thread: it reads, and nothing else. Build belongs to the owner.
class CfiTable {
 public:
  // What a direct look-up works with: kept off the small stacks that hooks run on.
  struct Scratch {
    Cie cie;
    Fde fde;
    CfiProgram program;
  };

  // Both return nullptr where there is no usable .eh_frame_hdr or no memory.
  // `image` need not outlive the call to Build; for OpenDirect it must stay mapped for good.
  static const CfiTable* Build(const CfiImage& image, PageArena* arena);
  // No rows: each Find runs the FDE's program. Costs nothing to open, ~10 times more to look up.
  static const CfiTable* OpenDirect(const CfiImage& image, PageArena* arena);

  // `vaddr`: pc - load bias, less 1 for a return address. kFramePointerRule where no FDE is.
  CfiRule Find(uint64_t vaddr, Scratch* scratch) const {
    const uint64_t offset = vaddr - base_;
    if (row_count_ == 0) return FindDirect(vaddr, scratch);
    if (offset >= span_) return kFramePointerRule;
    return FindRow(static_cast<uint32_t>(offset));
  }

  bool direct() const { return row_count_ == 0; }
  uint32_t row_count() const { return row_count_; }
  uint32_t rule_count() const { return rule_count_; }
  size_t bytes() const { return bytes_; }

 private:
  friend class CfiTableBuilder;
  static constexpr unsigned kPageShift = 12;

  CfiRule FindRow(uint32_t offset) const;
  CfiRule FindDirect(uint64_t vaddr, Scratch* scratch) const;

  uint64_t base_ = 0;  // vaddr of row 0
  uint64_t span_ = 0;  // last row's end - base_
  const uint32_t* pages_ = nullptr;
  const uint32_t* pcs_ = nullptr;
  const uint16_t* rule_of_ = nullptr;
  const CfiRule* rules_ = nullptr;
  uint32_t row_count_ = 0;
  uint32_t rule_count_ = 0;
  size_t bytes_ = 0;
  CfiSections sections_;
};

}  // namespace memtape
