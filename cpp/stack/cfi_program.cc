// SPDX-License-Identifier: MIT
#include "stack/cfi_program.h"

namespace memtape {
namespace {

enum Opcode : uint8_t {
  kAdvanceLoc = 0x40,  // the low six bits are the operand of these three
  kOffset = 0x80,
  kRestore = 0xc0,
  kNop = 0x00,
  kAdvanceLoc1 = 0x02,
  kAdvanceLoc2 = 0x03,
  kAdvanceLoc4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegister = 0x09,
  kRememberState = 0x0a,
  kRestoreState = 0x0b,
  kDefCfa = 0x0c,
  kDefCfaRegister = 0x0d,
  kDefCfaOffset = 0x0e,
  kDefCfaExpression = 0x0f,
  kExpression = 0x10,
  kOffsetExtendedSf = 0x11,
  kDefCfaSf = 0x12,
  kDefCfaOffsetSf = 0x13,
  kValOffset = 0x14,
  kValOffsetSf = 0x15,
  kValExpression = 0x16,
  kAdvanceLoc8 = 0x1d,
  kNegateRaState = 0x2d,  // arm64 pointer authentication; the walk always strips signatures
  kGnuArgsSize = 0x2e,
  kGnuNegativeOffsetExtended = 0x2f,
};

enum ExpressionOpcode : uint8_t {
  kOpDeref = 0x06,
  kOpAnd = 0x1a,
  kOpPlus = 0x22,
  kOpPlusUconst = 0x23,
  kOpShl = 0x24,
  kOpGe = 0x2a,
  kOpLit0 = 0x30,
  kOpBreg0 = 0x70,
};

ByteCursor TakeBlock(ByteCursor* program) {
  const uint64_t length = program->Uleb();
  const uint8_t* begin = program->at();
  program->Skip(length);
  return ByteCursor(begin, program->at());
}

bool FitsInt32(int64_t value) {
  return value == static_cast<int32_t>(value);
}
bool FitsInt16(int64_t value) {
  return value == static_cast<int16_t>(value);
}

}  // namespace

void CfiProgram::Start(const Cie& cie) {
  code_align_ = cie.code_align;
  data_align_ = cie.data_align;
  rule_ = CfiRule{};
  depth_ = 0;
  ByteCursor program = cie.program;
  while (!program.done()) Next(&program);
  if (cie.signal_frame) rule_.flags |= CfiRule::kSignalFrame;
  initial_ = rule_;
}

uint64_t CfiProgram::Next(ByteCursor* program) {
  const uint8_t opcode = program->Read<uint8_t>();
  const uint8_t operand = opcode & 0x3f;
  switch (opcode & 0xc0) {
    case kAdvanceLoc:
      return uint64_t{operand} * code_align_;
    case kOffset:
      Save(operand, SlotKind::kCfa, static_cast<int64_t>(program->Uleb()) * data_align_);
      return 0;
    case kRestore:
      Restore(operand);
      return 0;
    default:
      return NextExtended(opcode, program);
  }
}

uint64_t CfiProgram::NextExtended(uint8_t opcode, ByteCursor* program) {
  switch (opcode) {
    case kAdvanceLoc1:
      return uint64_t{program->Read<uint8_t>()} * code_align_;
    case kAdvanceLoc2:
      return uint64_t{program->Read<uint16_t>()} * code_align_;
    case kAdvanceLoc4:
      return uint64_t{program->Read<uint32_t>()} * code_align_;
    case kAdvanceLoc8:
      return program->Read<uint64_t>() * code_align_;
    case kRememberState:
      if (depth_ < kMaxSaved) saved_[depth_] = rule_;
      depth_++;
      return 0;
    case kRestoreState:
      if (depth_ == 0) return 0;
      depth_--;
      rule_ = depth_ < kMaxSaved ? saved_[depth_] : kInvalidRule;
      return 0;
    case kGnuArgsSize:
      program->Uleb();
      return 0;
    case kNop:
    case kNegateRaState:
      return 0;
    default:
      break;
  }
  if (!NextCfa(opcode, program) && !NextSave(opcode, program)) {
    // An unknown instruction has an unknown length (DW_CFA_set_loc is never used): nothing after
    // it can be trusted.
    rule_ = kInvalidRule;
    program->Skip(program->left());
  }
  return 0;
}

// What defines the CFA. (Operands are read in statements of their own: C++ leaves the order of a
// call's arguments open.)
bool CfiProgram::NextCfa(uint8_t opcode, ByteCursor* program) {
  uint64_t reg;
  switch (opcode) {
    case kDefCfa:
      reg = program->Uleb();
      DefineCfa(reg, static_cast<int64_t>(program->Uleb()));
      return true;
    case kDefCfaSf:
      reg = program->Uleb();
      DefineCfa(reg, program->Sleb() * data_align_);
      return true;
    case kDefCfaRegister:
      DefineCfa(program->Uleb(), rule_.cfa_offset);
      return true;
    case kDefCfaOffset:
      rule_.cfa_offset = static_cast<int32_t>(program->Uleb());
      return true;
    case kDefCfaOffsetSf:
      rule_.cfa_offset = static_cast<int32_t>(program->Sleb() * data_align_);
      return true;
    case kDefCfaExpression:
      DefineCfaExpression(TakeBlock(program));
      return true;
    default:
      return false;
  }
}

// What says where a register is.
bool CfiProgram::NextSave(uint8_t opcode, ByteCursor* program) {
  if (opcode < kOffsetExtended || opcode > kGnuNegativeOffsetExtended) return false;
  const uint64_t reg = program->Uleb();
  switch (opcode) {
    case kOffsetExtended:
      Save(reg, SlotKind::kCfa, static_cast<int64_t>(program->Uleb()) * data_align_);
      return true;
    case kOffsetExtendedSf:
      Save(reg, SlotKind::kCfa, program->Sleb() * data_align_);
      return true;
    case kGnuNegativeOffsetExtended:
      Save(reg, SlotKind::kCfa, -static_cast<int64_t>(program->Uleb()) * data_align_);
      return true;
    case kRestoreExtended:
      Restore(reg);
      return true;
    case kUndefined:
      Save(reg, SlotKind::kUndefined, 0);
      return true;
    case kSameValue:
      Save(reg, SlotKind::kSame, 0);
      return true;
    case kRegister:
    case kValOffset:
    case kValOffsetSf:
      program->Uleb();
      Save(reg, SlotKind::kUnknown, 0);
      return true;
    case kExpression:
      SaveAtExpression(reg, TakeBlock(program));
      return true;
    case kValExpression:
      TakeBlock(program);
      Save(reg, SlotKind::kUnknown, 0);
      return true;
    default:
      return false;
  }
}

void CfiProgram::DefineCfa(uint64_t reg, int64_t offset) {
  rule_.cfa = reg == kDwarfSp ? CfaKind::kSp : reg == kDwarfFp ? CfaKind::kFp : CfaKind::kInvalid;
  if (!FitsInt32(offset)) rule_.cfa = CfaKind::kInvalid;
  // Kept for other registers too: def_cfa_register may come back to sp with the same offset.
  rule_.cfa_offset = static_cast<int32_t>(offset);
  rule_.aux = 0;
}

// Two forms are in use: *(reg + a) + b, and the linker's rule for its PLT, which says that the
// stub's push makes the frame 8 bytes larger from a certain instruction on.
void CfiProgram::DefineCfaExpression(ByteCursor expression) {
  rule_.cfa = CfaKind::kInvalid;
  rule_.cfa_offset = 0;
  rule_.aux = 0;
  const uint64_t reg = static_cast<uint64_t>(expression.Read<uint8_t>()) - kOpBreg0;
  const int64_t displacement = expression.Sleb();
  if ((reg != kDwarfSp && reg != kDwarfFp) || !FitsInt16(displacement)) return;
  const uint8_t next = expression.Read<uint8_t>();
  if (next == kOpDeref) {
    const bool has_more = !expression.done();
    if (has_more && expression.Read<uint8_t>() != kOpPlusUconst) return;
    const uint64_t addend = has_more ? expression.Uleb() : 0;
    if (!expression.done() || addend > INT32_MAX) return;
    rule_.cfa = reg == kDwarfSp ? CfaKind::kDerefSp : CfaKind::kDerefFp;
    rule_.aux = static_cast<int16_t>(displacement);
    rule_.cfa_offset = static_cast<int32_t>(addend);
    return;
  }
  if (next != kOpBreg0 + kDwarfRa || reg != kDwarfSp) return;
  // breg(ra) 0; lit15; and; lit<aux>; ge; lit3; shl; plus
  if (expression.Sleb() != 0 || expression.Read<uint8_t>() != kOpLit0 + 15) return;
  if (expression.Read<uint8_t>() != kOpAnd) return;
  const uint8_t threshold = expression.Read<uint8_t>();
  if (threshold < kOpLit0 || threshold > kOpLit0 + 15) return;
  if (expression.Read<uint8_t>() != kOpGe || expression.Read<uint8_t>() != kOpLit0 + 3) return;
  if (expression.Read<uint8_t>() != kOpShl || expression.Read<uint8_t>() != kOpPlus) return;
  rule_.cfa = CfaKind::kPlt;
  rule_.cfa_offset = static_cast<int32_t>(displacement);
  rule_.aux = static_cast<int16_t>(threshold - kOpLit0);
}

void CfiProgram::SaveAtExpression(uint64_t reg, ByteCursor expression) {
  const uint64_t base = static_cast<uint64_t>(expression.Read<uint8_t>()) - kOpBreg0;
  const int64_t displacement = expression.Sleb();
  const bool known = expression.ok() && expression.done();
  if (known && base == kDwarfSp) {
    Save(reg, SlotKind::kSp, displacement);
  } else if (known && base == kDwarfFp) {
    Save(reg, SlotKind::kFp, displacement);
  } else {
    Save(reg, SlotKind::kUnknown, 0);
  }
}

void CfiProgram::Save(uint64_t reg, SlotKind kind, int64_t offset) {
  if (reg == kDwarfFp) {
    const bool fits = FitsInt32(offset);
    rule_.fp = fits ? kind : SlotKind::kUnknown;
    rule_.fp_offset = fits ? static_cast<int32_t>(offset) : 0;
  } else if (reg == kDwarfRa) {
    const bool fits = FitsInt16(offset);
    rule_.ra = fits ? kind : SlotKind::kUnknown;
    rule_.ra_offset = fits ? static_cast<int16_t>(offset) : int16_t{0};
  }
}

void CfiProgram::Restore(uint64_t reg) {
  if (reg == kDwarfFp) {
    rule_.fp = initial_.fp;
    rule_.fp_offset = initial_.fp_offset;
  } else if (reg == kDwarfRa) {
    rule_.ra = initial_.ra;
    rule_.ra_offset = initial_.ra_offset;
  }
}

// Rules that mean the same are made equal, so that the table can merge them.
CfiRule CfiProgram::Finished() const {
  if (rule_.ra == SlotKind::kUndefined) return kRootRule;
  if (rule_.cfa == CfaKind::kInvalid || rule_.ra == SlotKind::kUnknown) return kInvalidRule;
  return rule_;
}

}  // namespace memtape
