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

bool FitsInt32(int64_t value) {
  return value == static_cast<int32_t>(value);
}
bool FitsInt16(int64_t value) {
  return value == static_cast<int16_t>(value);
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
  // Operands are read in order; C++ leaves the order of a call's arguments open.
  const auto sub_cursor = [program] {
    const uint64_t length = program->Uleb();
    const uint8_t* begin = program->at();
    program->Skip(length);
    return ByteCursor(begin, program->at());
  };
  uint64_t reg;
  switch (opcode) {
    case kAdvanceLoc1:
      return uint64_t{program->Read<uint8_t>()} * code_align_;
    case kAdvanceLoc2:
      return uint64_t{program->Read<uint16_t>()} * code_align_;
    case kAdvanceLoc4:
      return uint64_t{program->Read<uint32_t>()} * code_align_;
    case kAdvanceLoc8:
      return program->Read<uint64_t>() * code_align_;
    case kOffsetExtended:
      reg = program->Uleb();
      Save(reg, SlotKind::kCfa, static_cast<int64_t>(program->Uleb()) * data_align_);
      break;
    case kOffsetExtendedSf:
      reg = program->Uleb();
      Save(reg, SlotKind::kCfa, program->Sleb() * data_align_);
      break;
    case kGnuNegativeOffsetExtended:
      reg = program->Uleb();
      Save(reg, SlotKind::kCfa, -static_cast<int64_t>(program->Uleb()) * data_align_);
      break;
    case kRestoreExtended:
      Restore(program->Uleb());
      break;
    case kUndefined:
      Save(program->Uleb(), SlotKind::kUndefined, 0);
      break;
    case kSameValue:
      Save(program->Uleb(), SlotKind::kSame, 0);
      break;
    case kRegister:
    case kValOffset:
    case kValOffsetSf:
      reg = program->Uleb();
      program->Uleb();
      Save(reg, SlotKind::kUnknown, 0);
      break;
    case kRememberState:
      if (depth_ < kMaxSaved) saved_[depth_] = rule_;
      depth_++;
      break;
    case kRestoreState:
      if (depth_ == 0) break;
      depth_--;
      rule_ = depth_ < kMaxSaved ? saved_[depth_] : kInvalidRule;
      break;
    case kDefCfa:
      reg = program->Uleb();
      DefineCfa(reg, static_cast<int64_t>(program->Uleb()));
      break;
    case kDefCfaSf:
      reg = program->Uleb();
      DefineCfa(reg, program->Sleb() * data_align_);
      break;
    case kDefCfaRegister:
      DefineCfa(program->Uleb(), rule_.cfa_offset);
      break;
    case kDefCfaOffset:
      rule_.cfa_offset = static_cast<int32_t>(program->Uleb());
      break;
    case kDefCfaOffsetSf:
      rule_.cfa_offset = static_cast<int32_t>(program->Sleb() * data_align_);
      break;
    case kDefCfaExpression:
      DefineCfaExpression(sub_cursor());
      break;
    case kExpression:
      reg = program->Uleb();
      SaveAtExpression(reg, sub_cursor());
      break;
    case kValExpression:
      Save(program->Uleb(), SlotKind::kUnknown, 0);
      sub_cursor();
      break;
    case kGnuArgsSize:
      program->Uleb();
      break;
    case kNop:
    case kNegateRaState:
      break;
    default:
      // An unknown instruction has an unknown length (DW_CFA_set_loc is never used): nothing
      // after it can be trusted.
      rule_ = kInvalidRule;
      program->Skip(program->left());
  }
  return 0;
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
