// SPDX-License-Identifier: MIT
#include "v8/translation.h"

#include "base/varint.h"

namespace memtape::v8 {
namespace {

constexpr TranslationOpcodes kOpcodes[] = {
#include "v8/translation_opcodes.inc"
};

constexpr size_t kOperandsKept = 3;
constexpr size_t kBeginOperands = 3;  // distance of the basis, frames, frames of JavaScript
constexpr size_t kJsFrameOpcodes = 4;

struct Instruction {
  uint8_t opcode;
  uint64_t operands[kOperandsKept];
};

// V8 writes signed operands as magnitude and sign.
int64_t Signed(uint64_t operand) {
  const int64_t magnitude = static_cast<int64_t>(operand >> 1);
  return (operand & 1) != 0 ? -magnitude : magnitude;
}

// Reads instructions that stand in the table.
class Cursor {
 public:
  Cursor() = default;
  Cursor(std::span<const uint8_t> bytes, const TranslationOpcodes& opcodes)
      : at_(bytes.data()), end_(at_ + bytes.size()), opcodes_(&opcodes) {}

  bool AtEnd() const { return at_ == end_; }
  uint8_t Peek() const { return *at_; }
  void Skip() { at_++; }

  bool Operand(uint64_t* value) {
    at_ = ReadVarint(at_, end_, value);
    if (at_ == nullptr) at_ = end_ = nullptr;
    return at_ != nullptr;
  }

  bool Next(Instruction* instruction) {
    if (AtEnd() || *at_ >= opcodes_->count) return false;
    instruction->opcode = *at_++;
    const size_t operands =
        static_cast<size_t>(opcodes_->operand_counts[instruction->opcode] - '0');
    for (size_t i = 0; i < operands; i++) {
      uint64_t value;
      if (!Operand(&value)) return false;
      if (i < kOperandsKept) instruction->operands[i] = value;
    }
    return true;
  }

 private:
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  const TranslationOpcodes* opcodes_ = nullptr;
};

class Translation {
 public:
  Translation(std::span<const uint8_t> table, const TranslationOpcodes& opcodes)
      : table_(table), opcodes_(opcodes) {}

  bool Start(size_t index, uint64_t* js_frames) {
    if (index >= table_.size()) return false;
    own_ = Cursor(table_.subspan(index), opcodes_);
    Instruction begin = {};
    if (!Begin(&own_, &begin)) return false;
    const uint64_t distance = begin.operands[0];
    *js_frames = static_cast<uint64_t>(Signed(begin.operands[2]));
    if (distance == 0) return true;
    if (distance > index) return false;
    // The basis ends before this translation and has no basis of its own.
    basis_ = Cursor(table_.subspan(index - distance, distance), opcodes_);
    Instruction basis = {};
    return Begin(&basis_, &basis) && basis.operands[0] == 0;
  }

  bool Next(Instruction* instruction) {
    if (repeats_ == 0) {
      if (own_.AtEnd()) return false;
      const uint8_t opcode = own_.Peek();
      const size_t repeat_opcode = opcodes_.count - 1;
      if (opcode < repeat_opcode) {
        behind_++;
        return own_.Next(instruction);
      }
      // The number of repeats is an operand, or added to the opcode.
      own_.Skip();
      repeats_ = opcode - opcodes_.count;
      if (opcode == repeat_opcode && !own_.Operand(&repeats_)) return false;
      // They repeat what stands at the same place in the basis.
      for (; behind_ > 0; behind_--) {
        if (!basis_.Next(instruction)) return false;
      }
      if (repeats_ == 0) return false;
    }
    repeats_--;
    return basis_.Next(instruction);
  }

 private:
  bool Begin(Cursor* cursor, Instruction* begin) const {
    return cursor->Next(begin) &&
           (begin->opcode == opcodes_.begin || begin->opcode == opcodes_.begin + 1);
  }

  std::span<const uint8_t> table_;
  const TranslationOpcodes& opcodes_;
  Cursor own_, basis_;
  uint64_t repeats_ = 0;
  uint64_t behind_ = 0;  // own instructions since the basis was last read
};

}  // namespace

const TranslationOpcodes* FindTranslationOpcodes(int major, int minor) {
  for (const TranslationOpcodes& row : kOpcodes) {
    if (row.major == major && row.minor == minor) return &row;
  }
  return nullptr;
}

size_t ReadTranslation(std::span<const uint8_t> table, size_t index,
                       const TranslationOpcodes& opcodes, std::span<TranslatedFrame> out) {
  static_assert(kBeginOperands <= kOperandsKept);
  Translation translation(table, opcodes);
  uint64_t frames = 0;
  if (!translation.Start(index, &frames) || frames > out.size()) return 0;
  Instruction instruction;
  for (size_t found = 0; found < frames;) {
    // Each step takes a byte of the table or of the basis, so this ends.
    if (!translation.Next(&instruction)) return 0;
    const uint8_t opcode = instruction.opcode;
    if (opcode == opcodes.begin || opcode == opcodes.begin + 1) return 0;
    if (opcode < opcodes.js_frame || opcode >= opcodes.js_frame + kJsFrameOpcodes) continue;
    out[found++] = {Signed(instruction.operands[0]), Signed(instruction.operands[1]),
                    opcode >= opcodes.js_frame + 2};
  }
  return static_cast<size_t>(frames);
}

}  // namespace memtape::v8
