// SPDX-License-Identifier: MIT
#include "stack/cfi_rows.h"

#include <string.h>

#include <new>

#include "base/populate.h"
#include "os/os.h"

namespace memtape {
namespace {

constexpr uint32_t kMaxRules = 65536;
constexpr uint32_t kHashSlots = 2 * kMaxRules;

uint32_t HashRule(const CfiRule& rule) {
  const CfiRule::Words words = rule.AsWords();
  const uint64_t mixed = (words.low ^ (words.high * 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u;
  return static_cast<uint32_t>(mixed >> 32) & (kHashSlots - 1);
}

}  // namespace

// Writes rows to scratch pages that are large enough for any input, then copies what came out.
// (Pages that stay untouched cost nothing.)
class CfiTableBuilder {
 public:
  explicit CfiTableBuilder(const CfiSections& sections, size_t max_rows)
      : sections_(sections), max_rows_(max_rows) {}
  ~CfiTableBuilder() { os::UnmapPages(scratch_, ScratchBytes()); }

  bool Decode();
  bool Finish(PageArena* arena, CfiTable* table) const;

 private:
  static constexpr size_t kCies = 8;

  size_t ScratchBytes() const {
    return kMaxRules * sizeof(CfiRule) + kHashSlots * sizeof(uint32_t) +
           max_rows_ * (sizeof(uint32_t) + sizeof(uint16_t));
  }
  const Cie* FindCie(const uint8_t* at);
  void DecodeFde(uint32_t index);
  void Append(uint64_t vaddr, const CfiRule& rule);
  uint16_t Intern(const CfiRule& rule);

  const CfiSections& sections_;
  const size_t max_rows_;
  uint8_t* scratch_ = nullptr;
  CfiRule* rules_ = nullptr;
  uint32_t* hash_ = nullptr;  // rule number + 1
  uint32_t* pcs_ = nullptr;
  uint16_t* rule_of_ = nullptr;
  uint64_t base_ = 0;
  uint64_t end_ = 0;  // of the FDEs so far
  uint32_t row_count_ = 0;
  uint32_t rule_count_ = 0;
  Cie cies_[kCies];
  size_t next_cie_ = 0;
};

bool CfiTableBuilder::Decode() {
  scratch_ = static_cast<uint8_t*>(os::MapPages(ScratchBytes()));
  if (scratch_ == nullptr) return false;
  rules_ = reinterpret_cast<CfiRule*>(scratch_);
  hash_ = reinterpret_cast<uint32_t*>(rules_ + kMaxRules);
  Populate(hash_, kHashSlots * sizeof(uint32_t));
  pcs_ = hash_ + kHashSlots;
  rule_of_ = reinterpret_cast<uint16_t*>(pcs_ + max_rows_);
  // Number 0 is where to go when the dictionary is full: better no caller than a wrong one.
  Intern(kInvalidRule);
  base_ = end_ = sections_.Begin(0);
  for (uint32_t i = 0; i < sections_.count(); i++) DecodeFde(i);
  return row_count_ > 0;
}

const Cie* CfiTableBuilder::FindCie(const uint8_t* at) {
  if (at == nullptr) return nullptr;
  for (const Cie& cie : cies_) {
    if (cie.at == at) return &cie;
  }
  Cie* slot = &cies_[next_cie_++ % kCies];
  if (sections_.ReadCie(at, slot)) return slot;
  slot->at = nullptr;
  return nullptr;
}

void CfiTableBuilder::DecodeFde(uint32_t index) {
  const Cie* cie = FindCie(sections_.CieAddress(index));
  Fde fde;
  if (cie == nullptr || !sections_.ReadFde(index, *cie, &fde)) return;
  // Ranges never overlap in what linkers write; in damaged input the first one stays.
  if (fde.begin < end_ || fde.end - base_ > UINT32_MAX) return;
  if (fde.begin > end_) Append(end_, kFramePointerRule);
  end_ = fde.end;
  CfiProgram program;
  program.Start(*cie);
  program.Run(fde, [this](uint64_t pc, const CfiRule& rule) {
    Append(pc, rule);
    return true;
  });
}

void CfiTableBuilder::Append(uint64_t vaddr, const CfiRule& rule) {
  if (row_count_ == max_rows_) return;
  const uint16_t number = Intern(rule);
  if (row_count_ > 0 && rule_of_[row_count_ - 1] == number) return;
  pcs_[row_count_] = static_cast<uint32_t>(vaddr - base_);
  rule_of_[row_count_] = number;
  row_count_++;
}

uint16_t CfiTableBuilder::Intern(const CfiRule& rule) {
  for (uint32_t slot = HashRule(rule);; slot = (slot + 1) & (kHashSlots - 1)) {
    const uint32_t number = hash_[slot];
    if (number == 0) {
      if (rule_count_ == kMaxRules) return 0;
      rules_[rule_count_] = rule;
      hash_[slot] = ++rule_count_;
      return static_cast<uint16_t>(rule_count_ - 1);
    }
    if (rules_[number - 1] == rule) return static_cast<uint16_t>(number - 1);
  }
}

bool CfiTableBuilder::Finish(PageArena* arena, CfiTable* table) const {
  const uint64_t span = end_ - base_;
  const size_t page_count = static_cast<size_t>(span >> CfiTable::kPageShift) + 2;
  const size_t rules_bytes = rule_count_ * sizeof(CfiRule);
  const size_t pages_bytes = page_count * sizeof(uint32_t);
  const size_t pcs_bytes = row_count_ * sizeof(uint32_t);
  const size_t bytes = rules_bytes + pages_bytes + pcs_bytes + row_count_ * sizeof(uint16_t);
  uint8_t* memory = static_cast<uint8_t*>(arena->Allocate(bytes, alignof(CfiRule)));
  if (memory == nullptr) return false;
  uint32_t* pages = reinterpret_cast<uint32_t*>(memory + rules_bytes);
  uint8_t* pcs = memory + rules_bytes + pages_bytes;
  memcpy(memory, rules_, rules_bytes);
  memcpy(pcs, pcs_, pcs_bytes);
  memcpy(pcs + pcs_bytes, rule_of_, row_count_ * sizeof(uint16_t));
  // pages[p]: the row in force at the first byte of page p; the row of any pc in page p lies in
  // [pages[p], pages[p + 1]].
  uint32_t row = 0;
  for (size_t page = 0; page < page_count; page++) {
    const uint64_t start = uint64_t{page} << CfiTable::kPageShift;
    while (row + 1 < row_count_ && pcs_[row + 1] <= start) row++;
    pages[page] = row;
  }
  table->base_ = base_;
  table->span_ = span;
  table->rules_ = reinterpret_cast<const CfiRule*>(memory);
  table->pages_ = pages;
  table->pcs_ = reinterpret_cast<const uint32_t*>(pcs);
  table->rule_of_ = reinterpret_cast<const uint16_t*>(pcs + pcs_bytes);
  table->row_count_ = row_count_;
  table->rule_count_ = rule_count_;
  table->bytes_ = bytes;
  return true;
}

const CfiTable* CfiTable::Build(const CfiImage& image, PageArena* arena) {
  CfiSections sections;
  if (!sections.Open(image)) return nullptr;
  // A row takes at least one byte of program; each FDE adds its first row and that of a gap.
  const size_t max_rows =
      image.size - (image.hdr_vaddr - image.vaddr) + 2 * size_t{sections.count()};
  CfiTableBuilder builder(sections, max_rows);
  if (!builder.Decode()) return nullptr;
  void* memory = arena->Allocate(sizeof(CfiTable));
  if (memory == nullptr) return nullptr;
  CfiTable* table = new (memory) CfiTable;
  return builder.Finish(arena, table) ? table : nullptr;
}

const CfiTable* CfiTable::OpenDirect(const CfiImage& image, PageArena* arena) {
  CfiSections sections;
  if (!sections.Open(image)) return nullptr;
  void* memory = arena->Allocate(sizeof(CfiTable));
  if (memory == nullptr) return nullptr;
  CfiTable* table = new (memory) CfiTable;
  table->sections_ = sections;
  return table;
}

CfiRule CfiTable::FindRow(uint32_t offset) const {
  const uint32_t page = offset >> kPageShift;
  uint32_t low = pages_[page];
  uint32_t length = pages_[page + 1] - low + 1;
  // The last row at or before `offset`. Without a branch: each step would be a coin toss.
  while (length > 1) {
    const uint32_t half = length / 2;
    low = pcs_[low + half] <= offset ? low + half : low;
    length -= half;
  }
  return rules_[rule_of_[low]];
}

CfiRule CfiTable::FindDirect(uint64_t vaddr, Scratch* scratch) const {
  const uint32_t index = sections_.Search(vaddr);
  if (index == sections_.count()) return kFramePointerRule;
  const uint8_t* cie_address = sections_.CieAddress(index);
  if (cie_address == nullptr || !sections_.ReadCie(cie_address, &scratch->cie) ||
      !sections_.ReadFde(index, scratch->cie, &scratch->fde) || vaddr >= scratch->fde.end) {
    return kFramePointerRule;
  }
  CfiRule found = kInvalidRule;
  scratch->program.Start(scratch->cie);
  scratch->program.Run(scratch->fde, [&](uint64_t pc, const CfiRule& rule) {
    if (pc > vaddr) return false;
    found = rule;
    return true;
  });
  return found;
}

}  // namespace memtape
