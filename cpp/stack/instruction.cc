// SPDX-License-Identifier: MIT
#include "stack/instruction.h"

#include <string.h>

namespace memtape {
namespace {

using Kind = Instruction::Kind;

constexpr unsigned kSp = 4;
constexpr unsigned kFp = 5;

// What follows an opcode, as bits. (z: 4 bytes, 2 with an operand size prefix.)
constexpr uint8_t kModRm = 1;
constexpr uint8_t kImm8 = 2;
constexpr uint8_t kImmZ = 4;
constexpr uint8_t kBad = 8;

// Opcodes of one byte, 16 a line.
constexpr uint8_t kOneByte[] = {
    1, 1, 1, 1, 2, 4, 8, 8, 1, 1, 1, 1, 2, 4, 8, 8,  // 00
    1, 1, 1, 1, 2, 4, 8, 8, 1, 1, 1, 1, 2, 4, 8, 8,  // 10
    1, 1, 1, 1, 2, 4, 8, 8, 1, 1, 1, 1, 2, 4, 8, 8,  // 20
    1, 1, 1, 1, 2, 4, 8, 8, 1, 1, 1, 1, 2, 4, 8, 8,  // 30
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,  // 40: REX, gone by here
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // 50
    8, 8, 8, 1, 8, 8, 8, 8, 4, 5, 2, 3, 8, 8, 8, 8,  // 60
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,  // 70
    3, 5, 8, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  // 80
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0,  // 90
    8, 8, 8, 8, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0, 0, 0,  // a0
    2, 2, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4,  // b0
    3, 3, 0, 0, 8, 8, 3, 5, 8, 0, 8, 8, 0, 8, 8, 8,  // c0
    1, 1, 1, 1, 8, 8, 8, 0, 1, 1, 1, 1, 1, 1, 1, 1,  // d0
    2, 2, 2, 2, 8, 8, 8, 8, 4, 4, 8, 2, 8, 8, 8, 8,  // e0
    8, 8, 8, 8, 0, 0, 1, 1, 0, 0, 8, 8, 0, 0, 1, 1,  // f0
};
static_assert(sizeof kOneByte == 256);

// Opcodes behind 0f, and those of VEX and EVEX that stand for them.
uint8_t AfterTwoBytes(uint8_t op) {
  if ((op >= 0x80 && op < 0x90)) return kImmZ;
  if (op >= 0xc8 && op < 0xd0) return 0;               // bswap
  if (op >= 0x70 && op < 0x74) return kModRm | kImm8;  // shifts, shuffles
  if (op == 0xa4 || op == 0xac || op == 0xba) return kModRm | kImm8;
  if (op == 0xc2 || (op >= 0xc4 && op <= 0xc6)) return kModRm | kImm8;
  if (op == 0x05 || op == 0x0b || op == 0x31 || op == 0x77) return 0;
  if (op == 0xa2 || op == 0xa0 || op == 0xa1 || op == 0xa8 || op == 0xa9) return 0;
  if (op < 0x0d || (op >= 0x30 && op < 0x40)) return op < 0x04 ? kModRm : kBad;
  return kModRm;
}

// An instruction taken apart.
struct Parts {
  const uint8_t* at = nullptr;  // what has not been looked at
  bool narrow = false;          // an operand size prefix
  uint8_t rex = 0;
  uint8_t map = 0;  // 0: one byte
  bool vector = false;
  uint8_t op = 0;
  uint8_t modrm = 0;
  bool memory = false;
  bool plain_base = false;  // base + displacement, without index
  unsigned base = 0;        // 16: rip
  int64_t displacement = 0;
  int64_t immediate = 0;

  bool wide() const { return (rex & 8) != 0; }
  unsigned reg() const { return ((modrm >> 3) & 7) | ((rex & 4) << 1); }
  unsigned rm() const { return (modrm & 7) | ((rex & 1) << 3); }
  unsigned digit() const { return (modrm >> 3) & 7; }
};

template <typename T>
int64_t Take(const uint8_t** at) {
  T value;
  memcpy(&value, *at, sizeof value);
  *at += sizeof value;
  return value;
}

void TakePrefixes(Parts* parts) {
  constexpr size_t kMaxPrefixes = 11;  // of the longest padding
  for (size_t i = 0; i < kMaxPrefixes; i++, parts->at++) {
    const uint8_t byte = *parts->at;
    if (byte == 0x66) parts->narrow = true;
    const bool segment = (byte & 0xe7) == 0x26 || byte == 0x64 || byte == 0x65;
    if (!segment && (byte < 0x66 || byte > 0x67) && byte != 0xf0 && byte != 0xf2 && byte != 0xf3) {
      break;
    }
  }
  if ((*parts->at & 0xf0) == 0x40) parts->rex = *parts->at++;
}

void TakeOpcode(Parts* parts) {
  const uint8_t first = *parts->at++;
  if (first == 0xc5) {
    parts->at++;
    parts->map = 1;
  } else if (first == 0xc4) {
    parts->map = parts->at[0] & 0x1f;
    parts->at += 2;
  } else if (first == 0x62) {
    parts->map = parts->at[0] & 7;
    parts->at += 3;
  } else {
    parts->op = first;
    if (first != 0x0f) return;
    parts->map = 1;
    parts->op = *parts->at++;
    if (parts->op != 0x38 && parts->op != 0x3a) return;
    parts->map = parts->op == 0x38 ? 2 : 3;
    parts->op = *parts->at++;
    return;
  }
  parts->vector = true;
  parts->op = *parts->at++;
}

void TakeAddress(Parts* parts) {
  parts->modrm = *parts->at++;
  const unsigned mod = parts->modrm >> 6;
  unsigned base = parts->modrm & 7;
  parts->memory = mod != 3;
  if (!parts->memory) return;
  parts->plain_base = true;
  if (base == kSp) {
    const uint8_t sib = *parts->at++;
    const unsigned index = ((sib >> 3) & 7) | ((parts->rex & 2) << 2);
    base = sib & 7;
    parts->plain_base = index == kSp && (mod != 0 || base != kFp);
    if (mod == 0 && base == kFp) parts->displacement = Take<int32_t>(&parts->at);
  } else if (mod == 0 && base == kFp) {
    parts->displacement = Take<int32_t>(&parts->at);
    parts->base = 16;
    return;
  }
  if (mod == 1) parts->displacement = Take<int8_t>(&parts->at);
  if (mod == 2) parts->displacement = Take<int32_t>(&parts->at);
  parts->base = base | ((parts->rex & 1) << 3);
}

uint8_t OperandsOf(const Parts& parts) {
  switch (parts.map) {
    case 0:
      return kOneByte[parts.op];
    case 1:
      return AfterTwoBytes(parts.op);
    case 3:
      return kModRm | kImm8;
    case 2:
    case 5:
    case 6:
      return kModRm;
    default:
      return kBad;
  }
}

void TakeImmediate(uint8_t operands, Parts* parts) {
  const bool one_byte = parts->map == 0;
  if (one_byte && (parts->op == 0xf6 || parts->op == 0xf7) && parts->digit() < 2) {
    operands |= parts->op == 0xf6 ? kImm8 : kImmZ;
  }
  const bool movabs = one_byte && (parts->op & 0xf8) == 0xb8 && parts->wide();
  const bool is_ret = one_byte && parts->op == 0xc2;
  // Jumps and calls have 4 bytes whatever the prefix.
  const bool jumps = one_byte ? parts->op == 0xe8 || parts->op == 0xe9 : true;
  if (operands & kImm8) {
    parts->immediate = Take<int8_t>(&parts->at);
  } else if (movabs) {
    parts->immediate = Take<int64_t>(&parts->at);
  } else if (is_ret || ((operands & kImmZ) && parts->narrow && !parts->wide() && !jumps)) {
    parts->immediate = Take<int16_t>(&parts->at);
  } else if (operands & kImmZ) {
    parts->immediate = Take<int32_t>(&parts->at);
  }
}

struct Effect {
  Kind kind = Kind::kOther;
  int64_t value = 0;
};

Effect EffectOfPop(unsigned reg) {
  if (reg == kFp) return {Kind::kPopFp, 0};
  if (reg == kSp) return {Kind::kLoseSp, 0};
  return {Kind::kMoveSp, 8};
}

// add, sub, and, … with an immediate
Effect EffectOfArithmetic(const Parts& p) {
  constexpr unsigned kAdd = 0;
  constexpr unsigned kSub = 5;
  constexpr unsigned kCmp = 7;
  if (p.memory || p.rm() != kSp || p.digit() == kCmp) return {};
  if (!p.wide()) return {Kind::kLoseSp, 0};
  if (p.digit() == kAdd) return {Kind::kMoveSp, p.immediate};
  if (p.digit() == kSub) return {Kind::kMoveSp, -p.immediate};
  return {Kind::kLoseSp, 0};
}

// `to` is not memory.
Effect EffectOfMove(const Parts& p, unsigned to, bool from_memory, unsigned from) {
  if (to == kSp) {
    return !from_memory && from == kFp ? Effect{Kind::kSpFromFp, 0} : Effect{Kind::kLoseSp, 0};
  }
  if (to != kFp || !p.wide()) return {};
  if (!from_memory) return from == kSp ? Effect{Kind::kChangeFp, 0} : Effect{};
  const bool from_stack = p.plain_base && p.base == kSp;
  return from_stack ? Effect{Kind::kLoadFp, p.displacement} : Effect{};
}

Effect EffectOfStore(const Parts& p) {
  const bool stores_fp = p.reg() == kFp && p.wide() && p.plain_base && p.base == kSp;
  return stores_fp ? Effect{Kind::kStoreFp, p.displacement} : Effect{};
}

Effect EffectOfLea(const Parts& p) {
  if (p.reg() == kSp) {
    if (p.plain_base && p.base == kSp) return {Kind::kMoveSp, p.displacement};
    if (p.plain_base && p.base == kFp) return {Kind::kSpFromFp, p.displacement};
    return {Kind::kLoseSp, 0};
  }
  const bool sets_fp = p.reg() == kFp && p.plain_base && p.base == kSp;
  return sets_fp ? Effect{Kind::kChangeFp, p.displacement} : Effect{};
}

Effect EffectOfGroup5(const Parts& p) {
  switch (p.digit()) {
    case 2:
    case 3:
      return {Kind::kCall, 0};
    case 4:
      return {p.memory && p.base == 16 ? Kind::kReturn : Kind::kJumpAway, 0};
    case 5:
      return {Kind::kEndOfCode, 0};
    case 6:
      return {Kind::kMoveSp, -8};
    case 7:
      return {Kind::kInvalid, 0};
    default:
      return !p.memory && p.rm() == kSp ? Effect{Kind::kLoseSp, 0} : Effect{};
  }
}

// Of arithmetic between registers: the low bit 1 of the opcode tells which side is written.
Effect EffectOfRegisters(const Parts& p) {
  constexpr uint8_t kCmpOps = 0x38;
  if ((p.op & 0xf8) == kCmpOps) return {};
  const bool to_reg = (p.op & 2) != 0;
  const bool writes_sp = to_reg ? p.reg() == kSp : !p.memory && p.rm() == kSp;
  return writes_sp && (p.op & 1) != 0 ? Effect{Kind::kLoseSp, 0} : Effect{};
}

Effect EffectOfByte(const Parts& p) {
  const unsigned low_reg = (p.op & 7) | ((p.rex & 1) << 3);
  if (p.op < 0x40 && (p.op & 7) < 4) return EffectOfRegisters(p);
  if ((p.op & 0xf8) == 0x50) return {low_reg == kFp ? Kind::kPushFp : Kind::kMoveSp, -8};
  if ((p.op & 0xf8) == 0x58) return EffectOfPop(low_reg);
  if ((p.op & 0xf0) == 0x70 || (p.op >= 0xe0 && p.op < 0xe4)) return {Kind::kBranch, p.immediate};
  switch (p.op) {
    case 0x68:
    case 0x6a:
    case 0x9c:
      return {Kind::kMoveSp, -8};
    case 0x9d:
      return {Kind::kMoveSp, 8};
    case 0x81:
    case 0x83:
      return EffectOfArithmetic(p);
    case 0x87:
      return !p.memory && (p.rm() == kSp || p.reg() == kSp) ? Effect{Kind::kLoseSp, 0} : Effect{};
    case 0x89:
      return p.memory ? EffectOfStore(p) : EffectOfMove(p, p.rm(), false, p.reg());
    case 0x8b:
      return EffectOfMove(p, p.reg(), p.memory, p.rm());
    case 0x8d:
      return EffectOfLea(p);
    case 0x8f:
      return p.memory ? Effect{Kind::kMoveSp, 8} : EffectOfPop(p.rm());
    case 0xc2:
    case 0xc3:
      return {Kind::kReturn, 0};
    case 0xc9:
      return {Kind::kLeave, 0};
    case 0xcc:
    case 0xf4:
      return {Kind::kEndOfCode, 0};
    case 0xe8:
      return {Kind::kCall, p.immediate};
    case 0xe9:
    case 0xeb:
      return {Kind::kJump, p.immediate};
    case 0xff:
      return EffectOfGroup5(p);
    default:
      return {};
  }
}

Effect EffectOf(const Parts& p) {
  if (p.vector) return {};
  if (p.map == 0) return EffectOfByte(p);
  if (p.map != 1) return {};
  if ((p.op & 0xf0) == 0x80) return {Kind::kBranch, p.immediate};
  if (p.op == 0x0b || p.op == 0xb9) return {Kind::kEndOfCode, 0};  // ud2, ud1
  if (p.op == 0xa0 || p.op == 0xa8) return {Kind::kMoveSp, -8};
  if (p.op == 0xa1 || p.op == 0xa9) return {Kind::kMoveSp, 8};
  const bool cmov = (p.op & 0xf0) == 0x40;
  return cmov && p.reg() == kSp ? Effect{Kind::kLoseSp, 0} : Effect{};
}

}  // namespace

Instruction DecodeInstruction(const uint8_t* code) {
  // Prefixes and all may make more bytes than an instruction can have.
  uint8_t bytes[2 * kMaxInstructionBytes] = {};
  memcpy(bytes, code, kMaxInstructionBytes);
  Parts parts;
  parts.at = bytes;
  TakePrefixes(&parts);
  TakeOpcode(&parts);
  const uint8_t operands = OperandsOf(parts);
  if (operands & kBad) return {};
  // (vzeroupper is the one VEX instruction without operands; it shares its opcode with emms.)
  if (operands & kModRm) TakeAddress(&parts);
  TakeImmediate(operands, &parts);
  const size_t length = static_cast<size_t>(parts.at - bytes);
  if (length > kMaxInstructionBytes) return {};
  const Effect effect = EffectOf(parts);
  return {effect.kind, static_cast<uint8_t>(length), effect.value};
}

}  // namespace memtape
