// SPDX-License-Identifier: MIT
#include "stack/unwinder.h"

#include "stack/rule_store.h"
#include "stack/step.h"

namespace memtape {

namespace {

// What return paths led to: reading code takes microseconds.
constinit RuleStore return_rules;

}  // namespace

void UnwindCache::Init(void* memory, size_t entries) {
  entries_ = static_cast<Entry*>(memory);
  shift_ = 64 - static_cast<unsigned>(__builtin_ctzll(entries));
}

[[gnu::noinline]] void UnwindCache::Fill(Entry* entry, uint64_t pc) {
  CfiRule rule = kFramePointerRule;
  const ModuleMap* map = reader_.map();
  const ModuleRange* range = map == nullptr ? nullptr : map->Find(pc - 1);
  if (range != nullptr) {
    if (range->cfi != nullptr) rule = range->cfi->Find(pc - 1 - range->bias, &scratch_);
    if ((rule.flags & CfiRule::kNoRow) && (range->flags & ModuleRange::kFramePointers) == 0) {
      FindReturnPath(pc, *range, &rule);
    }
    if (range->flags & ModuleRange::kWrapper) rule.flags |= CfiRule::kWrapper;
  }
  if (IsShort(rule)) {
    const unsigned shape = static_cast<unsigned>(ShapeOf(rule)) << CfiRule::kShapeShift;
    rule.flags |= static_cast<uint8_t>(CfiRule::kShort | shape);
  }
  misses_++;
  entry->pc = pc;
  entry->rule = rule;
}

void UnwindCache::FindReturnPath(uint64_t pc, const ModuleRange& range, CfiRule* rule) {
  if (range.cfi != nullptr && return_rules.Find(pc, range.cfi, rule)) return;
  return_path_.Find(pc, range.begin, range.end, rule);
  if (range.cfi != nullptr) return_rules.Add(pc, range.cfi, *rule);
}

[[gnu::noinline]] void UnwindCache::Flush() {
  const size_t entries = size_t{1} << (64 - shift_);
  for (size_t i = 0; i < entries; i++) entries_[i].pc = 0;
}

bool Step(Regs* regs, UnwindCache* cache, const StackBounds& bounds, WalkEnd* end) {
  StepTrace trace;
  const WalkEnd reason = StepByRule(cache->Find(regs->pc), regs, bounds, &trace);
  if (end != nullptr) *end = reason;
  return reason == WalkEnd::kNone;
}

size_t Unwind(const Regs& start, UnwindCache* cache, const StackBounds& bounds, uint64_t* pcs,
              size_t max, WalkEnd* end) {
  cache->Sync();
  Regs regs = start;
  WalkEnd reason = WalkEnd::kCut;
  size_t count = 0;
  while (count < max) {
    pcs[count++] = regs.pc;
    StepTrace trace;
    const WalkEnd step = StepByRule(cache->Find(regs.pc), &regs, bounds, &trace);
    if (step == WalkEnd::kNone) continue;
    reason = step;
    break;
  }
  if (end != nullptr) *end = reason;
  return count;
}

Regs SkipWrappers(const Regs& regs, UnwindCache* cache, const StackBounds& bounds) {
  constexpr int kMaxSteps = 4;
  cache->Sync();
  Regs at = regs;
  for (int steps = 0;; steps++) {
    const CfiRule& rule = cache->Find(at.pc);
    if ((rule.flags & CfiRule::kWrapper) == 0) return at;
    StepTrace trace;
    if (steps == kMaxSteps || StepByRule(rule, &at, bounds, &trace) != WalkEnd::kNone) return regs;
  }
}

}  // namespace memtape
