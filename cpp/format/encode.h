// SPDX-License-Identifier: MIT
// Records to bytes, one block at a time (format.md §3-§5). Pure: no I/O, no locks, no allocation;
// the caller gives all memory. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/varint.h"
#include "format/format.h"
#include "format/records.h"

namespace memtape {

// Room that each hot method may use: a tag, a stack, a size and an address.
inline constexpr size_t kMaxHotRecordBytes = 1 + 3 * kMaxVarintBytes;

// A block with this capacity holds any string, so that a string which did not fit always fits in
// the next, empty block.
inline constexpr size_t kMinBlockCapacity = kMaxStringBytes + 256;

// State of the first bytes of a block's payload (§3.1).
struct Prologue {
  uint64_t time_ns = 0;
  uint32_t thread = 0;
  uint32_t next_address = 1;
  uint32_t next_string = 1;
  uint32_t next_function = 1;
  uint32_t next_frame = 1;
  uint32_t next_node = 1;
  uint32_t next_stack = 1;
};

// One per address id, owned by the caller, zero at first. Where the address stands in the encoder's
// two histories; stale values are harmless, because the history is asked whether it agrees.
struct AddressState {
  uint16_t alloc_slot = 0;
  uint16_t free_slot = 0;
};

// One per stack (0 included), owned by the caller, zero at first.
struct StackState {
  uint32_t last_size = 0;
  uint32_t generation = 0;   // the block that last_size belongs to
  uint32_t recent_slot = 0;  // where it stands in the encoder's history; may be stale, too
};

class RecordEncoder {
 public:
  RecordEncoder() = default;
  RecordEncoder(const RecordEncoder&) = delete;
  RecordEncoder& operator=(const RecordEncoder&) = delete;

  // Starts a block in memory[0, capacity); its header is part of it. The memory must live until
  // FinishBlock. Blocks of one encoder share AddressState and StackState arrays; another encoder
  // needs arrays of its own. REQUIRES: kBlockHeaderBytes + 9 * kMaxVarintBytes <= capacity <=
  // kMaxBlockBytes + kBlockHeaderBytes.
  void BeginBlock(uint8_t* memory, size_t capacity, const Prologue& prologue);
  // Starts the next block where the previous one ended: its time, thread and identifiers.
  void BeginBlock(uint8_t* memory, size_t capacity) { BeginBlock(memory, capacity, state_); }
  // Writes the header and returns the whole block: memory[0, size()).
  std::span<const uint8_t> FinishBlock();

  size_t size() const { return static_cast<size_t>(pos_ - memory_); }
  size_t room() const { return static_cast<size_t>(end_ - pos_); }
  // Whether nothing was added since BeginBlock.
  bool empty() const { return pos_ == first_record_; }
  // Time, thread and next identifiers after the last record.
  const Prologue& state() const { return state_; }

  // --- Hot records. REQUIRES: room() >= kMaxHotRecordBytes before each call. ---

  // `address_id` equal to state().next_address defines the address; smaller ones are known.
  void Alloc(Allocator allocator, uint32_t stack, StackState& stack_state, uint64_t size,
             uint32_t address_id, AddressState& address_state, uint64_t address);
  void Free(uint32_t address_id, AddressState& address_state);
  void ForeignFree() { *pos_++ = kForeignFreeTag; }
  // Moves the clock when at least a millisecond has passed. Earlier times are ignored.
  void Time(uint64_t now_ns) {
    if (static_cast<int64_t>(now_ns - state_.time_ns) >= kTimeStepNs) SyncTime(now_ns);
  }
  // Moves the clock to `now_ns`, cut to whole microseconds since the block's start: before long
  // records.
  void SyncTime(uint64_t now_ns);
  // Makes `thread` the thread of what follows, if it is not.
  void Thread(uint32_t thread);

  // --- Long records. All return 0 or false, and change nothing, when there is no room (or the
  // record would pass kMaxRecordBytes): finish the block, begin another, repeat. ---

  // Definitions return the new identifier.
  uint32_t DefineString(std::string_view text);  // cut to kMaxStringBytes on a UTF-8 boundary
  uint32_t DefineFunction(const FunctionRecord& function);
  uint32_t DefineFrame(const FrameRecord& frame);
  // The stack's node is the last of the new ones, which get the next node ids, or `parent`.
  uint32_t DefineStack(const StackRecord& stack);

  bool Module(const ModuleRecord& module);
  bool ThreadStart(const ThreadStartRecord& thread);
  bool ThreadName(uint32_t thread, uint32_t name);
  bool ThreadEnd(uint32_t thread, uint64_t left_ns);
  bool Map(const MapRecord& map);
  bool Sample(const SampleRecord& sample);
  bool Rss(const RssRecord& rss);
  // `runs` by address.
  bool RssPages(std::span<const RssRun> runs);
  bool JsSample(const JsSampleRecord& sample);
  bool JsHeap(const JsHeapRecord& heap);
  bool JsHeapStacks(uint32_t thread, std::span<const JsHeapStack> stacks);
  bool Gc(uint32_t thread, uint64_t type, GcPhase phase);
  bool Mark(uint32_t thread, uint32_t name);
  bool Metadata(std::string_view json);
  bool Trailer(std::string_view json);
  bool Symbol(const SymbolRecord& symbol);
  bool Origin(const OriginRecord& origin);
  // The text of a line as reports show it; column 0 unless the line is long.
  bool SourceLine(uint32_t file, uint32_t line, uint32_t column, std::string_view text);
  bool Package(uint32_t file, std::string_view name, std::string_view version);
  bool SourceMap(uint32_t file, std::string_view url);
  bool Stall(uint32_t thread, uint64_t waited_ns);
  bool Fork(uint32_t thread, uint64_t pid, uint32_t stack);
  bool RingStack(uint32_t thread, std::span<const RingStacks> runs);
  bool RingTails(std::span<const RingTail> tails);

  // A long record of any tag, its bytes given: for finalizers that copy records, and for tests.
  bool Raw(uint8_t tag, std::span<const uint8_t> bytes);

 private:
  static constexpr int64_t kTimeStepNs = 1'000'000;

  void MakeCurrent(uint32_t stack) {
    recent_stacks_[stack_count_++ % kStackSlots] = stack;
    current_stack_ = stack;
  }
  void BeginLong(LongTag tag);
  void Number(uint64_t value);
  void Signed(int64_t value) { Number(ZigZag(value)); }
  void Bytes(const void* data, size_t size);
  void String(std::string_view text);
  bool EndLong();
  bool JsonRecord(LongTag tag, std::string_view json);

  uint8_t* memory_ = nullptr;
  uint8_t* pos_ = nullptr;
  uint8_t* end_ = nullptr;
  uint8_t* first_record_ = nullptr;
  uint8_t* long_start_ = nullptr;  // of the record that is open, at its tag
  bool long_fits_ = true;

  Prologue state_;
  uint32_t generation_ = 0;
  // The current stack (§4.1), and those that were current before it, by count modulo their size.
  static constexpr uint32_t kStackSlots = 128;
  static constexpr uint32_t kNoStack = UINT32_MAX;
  uint32_t current_stack_ = kNoStack;
  uint32_t stack_count_ = 0;
  uint32_t recent_stacks_[kStackSlots] = {};
  uint32_t predicted_frames_[kPredictedFrames] = {};
  uint64_t last_new_word_ = 0;  // address >> 3 of the latest new address
  uint32_t alloc_count_ = 0;
  uint32_t free_count_ = 0;
  // The ids of the last allocs and frees, by count modulo their size; 0 where this block has none.
  uint32_t recent_allocs_[kRecentAllocs] = {};
  uint32_t recent_frees_[kRecentFrees] = {};
};

struct FileHeader {
  uint64_t capture_id = 0;
  uint64_t pid = 0;
  uint64_t start_unix_ns = 0;
  uint32_t flags = 0;
};

void WriteFileHeader(uint8_t out[kFileHeaderBytes], const FileHeader& header);
void WriteBlockHeader(uint8_t out[kBlockHeaderBytes], BlockKind kind,
                      std::span<const uint8_t> payload);

// The longest prefix of `text` with at most `limit` bytes that does not cut a UTF-8 sequence.
std::string_view CutUtf8(std::string_view text, size_t limit);

// --- Hot methods, inline: the drain thread calls them for every event. ---

inline void RecordEncoder::Alloc(Allocator allocator, uint32_t stack, StackState& stack_state,
                                 uint64_t size, uint32_t address_id, AddressState& address_state,
                                 uint64_t address) {
  uint8_t* const tag = pos_;
  uint8_t* out = pos_ + 1;
  uint8_t bits =
      kAllocTag | static_cast<uint8_t>(static_cast<uint8_t>(allocator) << kAllocAllocatorShift);
  if (stack == current_stack_) {
    bits |= kAllocSameStack;
  } else {
    const uint32_t slot = stack_state.recent_slot % kStackSlots;
    const uint32_t changes = (stack_count_ - 1 - slot) % kStackSlots;
    if (recent_stacks_[slot] == stack && changes - 1 < kRecentStacks) {
      *out++ = static_cast<uint8_t>(changes - 1);
    } else {
      out = WriteVarint(out, uint64_t{stack} + kRecentStacks);
    }
    MakeCurrent(stack);
  }
  stack_state.recent_slot = stack_count_ - 1;
  if (stack_state.generation == generation_ && stack_state.last_size == size) {
    bits |= kAllocSameSize;
  } else {
    out = WriteVarint(out, size);
    stack_state.last_size = static_cast<uint32_t>(size);
    // Sizes that last_size cannot hold never match.
    stack_state.generation = size <= UINT32_MAX ? generation_ : 0;
  }
  AddressMode mode = AddressMode::kKnown;
  const uint32_t freed_slot = address_state.free_slot % kRecentFrees;
  if (address_id == state_.next_address) {
    ++state_.next_address;
    if ((address & 7) == 0) {
      mode = AddressMode::kNew;
      const uint64_t word = address >> 3;
      out = WriteVarint(out, ZigZag(static_cast<int64_t>(word - last_new_word_)));
      last_new_word_ = word;
    } else {
      mode = AddressMode::kNewUnaligned;
      out = WriteVarint(out, address);
    }
  } else if (recent_frees_[freed_slot] == address_id) {
    mode = AddressMode::kRecentlyFreed;
    out = WriteVarint(out, (free_count_ - 1 - freed_slot) % kRecentFrees);
  } else {
    out = WriteVarint(out, address_id);
  }
  *tag = bits | static_cast<uint8_t>(mode);
  pos_ = out;
  const uint32_t slot = alloc_count_++ % kRecentAllocs;
  recent_allocs_[slot] = address_id;
  address_state.alloc_slot = static_cast<uint16_t>(slot);
}

inline void RecordEncoder::Free(uint32_t address_id, AddressState& address_state) {
  const uint32_t alloc_slot = address_state.alloc_slot % kRecentAllocs;
  const bool is_recent = recent_allocs_[alloc_slot] == address_id;
  const uint32_t allocs_ago = (alloc_count_ - 1 - alloc_slot) % kRecentAllocs;
  if (is_recent && allocs_ago < kLatestAllocs) {
    *pos_++ = kFreeTag | kFreeLatest | static_cast<uint8_t>(allocs_ago);
  } else {
    const uint32_t value = is_recent ? allocs_ago : address_id;
    constexpr uint32_t kLowMask = (1U << kFreeLowBits) - 1;
    *pos_++ = static_cast<uint8_t>(kFreeTag | (is_recent ? kFreeRecent : 0) | (value & kLowMask));
    pos_ = WriteVarint(pos_, value >> kFreeLowBits);
  }
  const uint32_t slot = free_count_++ % kRecentFrees;
  recent_frees_[slot] = address_id;
  address_state.free_slot = static_cast<uint16_t>(slot);
}

}  // namespace memtape
