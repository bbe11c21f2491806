// SPDX-License-Identifier: MIT
#include "stack/return_path.h"

#include "os/os.h"

namespace memtape {
namespace {

constexpr int64_t kMaxFrameBytes = 1 << 20;

bool RuleAtReturn(int64_t sp, bool from_fp, bool has_fp, int64_t fp_at, CfiRule* rule) {
  const int64_t cfa = sp + 8;
  // The ABI aligns sp at calls. So a jump of a switch, where sp is as it was, is no return.
  if (cfa <= 0 || cfa > kMaxFrameBytes || cfa % 16 != 0) return false;
  *rule = CfiRule{.cfa = from_fp ? CfaKind::kFp : CfaKind::kSp,
                  .ra = SlotKind::kCfa,
                  .cfa_offset = static_cast<int32_t>(cfa),
                  .ra_offset = -8};
  if (has_fp) {
    rule->fp = SlotKind::kCfa;
    rule->fp_offset = static_cast<int32_t>(fp_at - cfa);
  }
  return true;
}

}  // namespace

bool ReturnPath::Find(uint64_t pc, uint64_t begin, uint64_t end, CfiRule* rule) {
#if defined(__x86_64__)
  fd_ = os::OpenRead("/proc/self/mem");
  if (fd_ < 0) return false;
  begin_ = begin;
  end_ = end;
  left_ = kMaxInstructions;
  pending_count_ = seen_count_ = 0;
  window_at_ = 0;
  bool found = false;
  if (FollowsCall(pc)) {
    Path path;
    Add(path, pc);
    while (!found && TakeFirst(&path)) found = Follow(&path, rule);
  }
  os::Close(fd_);
  return found;
#else
  // Functions on arm64 keep frame pointers.
  static_cast<void>(pc), static_cast<void>(begin), static_cast<void>(end), static_cast<void>(rule);
  return false;
#endif
}

// Elsewhere no instruction need begin: the pc of a frame that a signal interrupted is none's.
bool ReturnPath::FollowsCall(uint64_t pc) const {
  constexpr uint64_t kLongestCall = 8;  // with a prefix
  uint8_t bytes[kLongestCall + kMaxInstructionBytes] = {};
  if (pc - begin_ < kLongestCall) return false;
  const int64_t size = static_cast<int64_t>(kLongestCall);
  if (os::ReadAt(fd_, bytes, kLongestCall, pc - kLongestCall) != size) return false;
  for (size_t length = 2; length <= kLongestCall; length++) {
    const Instruction call = DecodeInstruction(bytes + kLongestCall - length);
    if (call.kind == Instruction::kCall && call.length == length) return true;
  }
  return false;
}

// Until the path returns (true), ends otherwise, or comes to a call: others may have had fewer.
bool ReturnPath::Follow(Path* path, CfiRule* rule) {
  while (left_ > 0) {
    left_--;
    const uint8_t* code = CodeAt(path->pc);
    if (code == nullptr) return false;
    const Instruction instruction = DecodeInstruction(code);
    const uint64_t next = path->pc + instruction.length;
    const uint64_t target = next + static_cast<uint64_t>(instruction.value);
    path->pc = next;
    switch (instruction.kind) {
      case Instruction::kInvalid:
      case Instruction::kEndOfCode:
        return false;
      case Instruction::kReturn:
      case Instruction::kJumpAway:
        return !path->lost &&
               RuleAtReturn(path->sp, path->from_fp, path->has_fp, path->fp_at, rule);
      case Instruction::kCall:
        path->calls++;
        Add(*path, next);
        return false;
      case Instruction::kJump:
        path->pc = target;
        if (!IsNew(target)) return false;
        break;
      case Instruction::kBranch:
        Add(*path, target);
        break;
      default:
        Apply(instruction, path);
        break;
    }
  }
  return false;
}

void ReturnPath::Apply(const Instruction& instruction, Path* path) const {
  switch (instruction.kind) {
    case Instruction::kMoveSp:
      path->sp += instruction.value;
      break;
    case Instruction::kPushFp:
      path->sp -= 8;
      StoreFp(path, path->sp);
      break;
    case Instruction::kStoreFp:
      StoreFp(path, path->sp + instruction.value);
      break;
    case Instruction::kPopFp:
      LoadFp(path, path->sp);
      path->sp += 8;
      break;
    case Instruction::kLoadFp:
      LoadFp(path, path->sp + instruction.value);
      break;
    case Instruction::kChangeFp:
      path->fp_changed = true;
      path->new_fp = path->sp + instruction.value;
      break;
    case Instruction::kSpFromFp:
      SetSpFromFp(path, instruction.value);
      break;
    case Instruction::kLeave:
      SetSpFromFp(path, 0);
      LoadFp(path, path->sp);
      path->sp += 8;
      break;
    case Instruction::kLoseSp:
      path->lost = true;
      break;
    default:
      break;
  }
}

void ReturnPath::StoreFp(Path* path, int64_t at) const {
  path->has_stored = !path->fp_changed;
  path->stored_at = at;
  path->stored_has_fp = path->has_fp;
  path->stored_fp_at = path->fp_at;
}

void ReturnPath::LoadFp(Path* path, int64_t at) const {
  path->fp_changed = false;
  const bool stored = path->has_stored && path->stored_at == at;
  path->has_fp = stored ? path->stored_has_fp : true;
  path->fp_at = stored ? path->stored_fp_at : at;
}

void ReturnPath::SetSpFromFp(Path* path, int64_t offset) const {
  if (path->fp_changed) {
    path->sp = path->new_fp + offset;
    return;
  }
  // (Once it has been given back, it is another function's.)
  path->lost = path->has_fp;
  path->has_stored = false;
  path->from_fp = true;
  path->sp = offset;
}

void ReturnPath::Add(const Path& path, uint64_t pc) {
  if (pending_count_ == kMaxPending || !IsNew(pc)) return;
  pending_[pending_count_] = path;
  pending_[pending_count_++].pc = pc;
}

// The oldest of those with the fewest calls.
bool ReturnPath::TakeFirst(Path* path) {
  if (pending_count_ == 0) return false;
  size_t first = 0;
  for (size_t i = 1; i < pending_count_; i++) {
    if (pending_[i].calls < pending_[first].calls) first = i;
  }
  *path = pending_[first];
  pending_count_--;
  for (size_t i = first; i < pending_count_; i++) pending_[i] = pending_[i + 1];
  return true;
}

bool ReturnPath::IsNew(uint64_t pc) {
  for (size_t i = 0; i < seen_count_; i++) {
    if (seen_[i] == pc) return false;
  }
  if (seen_count_ == kMaxSeen) return false;
  seen_[seen_count_++] = pc;
  return true;
}

const uint8_t* ReturnPath::CodeAt(uint64_t pc) {
  if (pc < begin_ || pc >= end_) return nullptr;
  if (window_at_ == 0 || pc - window_at_ > kWindowBytes - kMaxInstructionBytes) {
    // What lies behind the module's end decodes to no return in it.
    uint64_t bytes = end_ - pc < kWindowBytes ? end_ - pc : kWindowBytes;
    const int64_t got = os::ReadAt(fd_, window_, bytes, pc);
    window_at_ = 0;
    if (got <= 0) return nullptr;
    for (uint64_t i = static_cast<uint64_t>(got); i < kWindowBytes; i++) window_[i] = 0;
    window_at_ = pc;
  }
  return window_ + (pc - window_at_);
}

}  // namespace memtape
