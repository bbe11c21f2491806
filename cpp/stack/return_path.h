// SPDX-License-Identifier: MIT
// The rule of a frame whose code has no call frame information and keeps no frame pointer: read
// from the code itself. However a function got to where it is, from there to its return it takes
// from the stack what it has put there. Such code is 70 % of libvips as sharp ships it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stack/cfi_rule.h"
#include "stack/instruction.h"

namespace memtape {

// Follows the code from a return address to a return, through branches either way, and takes the
// return with the fewest calls before it: a call may be one that never comes back, and what follows
// it something else.
//
// Belongs to one thread, hook-safe. Code is read through /proc/self/mem: where a module has been
// unloaded since, that is an error and no fault.
class ReturnPath {
 public:
  // Code in [begin, end). False, with *rule as it was, when no return is found.
  bool Find(uint64_t pc, uint64_t begin, uint64_t end, CfiRule* rule);

 private:
  static constexpr size_t kMaxPending = 48;
  static constexpr size_t kMaxSeen = 256;
  static constexpr size_t kMaxInstructions = 4096;
  static constexpr size_t kWindowBytes = 512;

  struct Path {
    uint64_t pc = 0;
    int64_t sp = 0;     // less what sp, or once from_fp fp, was at the start
    int64_t fp_at = 0;  // where the caller's fp is, likewise, if has_fp
    uint16_t calls = 0;
    bool from_fp = false;
    bool has_fp = false;
    bool fp_changed = false;  // to new_fp: by a function that was jumped to
    int64_t new_fp = 0;
    bool lost = false;  // where sp is is not known
    // What fp was when the path stored it: it is that again when loaded from there.
    bool has_stored = false;
    bool stored_has_fp = false;
    int64_t stored_at = 0;
    int64_t stored_fp_at = 0;
  };

  bool FollowsCall(uint64_t pc) const;
  bool Follow(Path* path, CfiRule* rule);
  void StoreFp(Path* path, int64_t at) const;
  void LoadFp(Path* path, int64_t at) const;
  void SetSpFromFp(Path* path, int64_t offset) const;
  void Apply(const Instruction& instruction, Path* path) const;
  void Add(const Path& path, uint64_t pc);
  bool TakeFirst(Path* path);
  bool IsNew(uint64_t pc);
  const uint8_t* CodeAt(uint64_t pc);

  int fd_ = -1;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  size_t left_ = 0;  // instructions
  size_t pending_count_ = 0;
  size_t seen_count_ = 0;
  uint64_t window_at_ = 0;
  Path pending_[kMaxPending];
  uint64_t seen_[kMaxSeen];
  uint8_t window_[kWindowBytes];
};

}  // namespace memtape
