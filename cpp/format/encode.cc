// SPDX-License-Identifier: MIT

#include "format/encode.h"

#include "base/crc32c.h"

namespace memtape {
namespace {

void Store16(uint8_t* out, uint16_t value) {
  for (int i = 0; i < 2; ++i) out[i] = static_cast<uint8_t>(value >> (8 * i));
}

void Store32(uint8_t* out, uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(value >> (8 * i));
}

void Store64(uint8_t* out, uint64_t value) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<uint8_t>(value >> (8 * i));
}

constexpr bool IsContinuation(char c) {
  return (static_cast<uint8_t>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string_view CutUtf8(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t size = limit;
  // A sequence has at most three continuation bytes; more than that is not UTF-8 and may be cut
  // anywhere.
  for (int i = 0; i < 3 && size > 0 && IsContinuation(text[size]); ++i) --size;
  return text.substr(0, IsContinuation(text[size]) ? limit : size);
}

void WriteFileHeader(uint8_t out[kFileHeaderBytes], const FileHeader& header) {
  std::memset(out, 0, kFileHeaderBytes);
  std::memcpy(out + kHeaderMagicOffset, kMagic, sizeof kMagic);
  Store16(out + kHeaderVersionMajorOffset, kVersionMajor);
  Store16(out + kHeaderVersionMinorOffset, kVersionMinor);
  Store32(out + kHeaderHeaderBytesOffset, kFileHeaderBytes);
  Store64(out + kHeaderCaptureIdOffset, header.capture_id);
  Store64(out + kHeaderPidOffset, header.pid);
  Store64(out + kHeaderStartUnixNsOffset, header.start_unix_ns);
  Store32(out + kHeaderFlagsOffset, header.flags);
  Store32(out + kHeaderCrcOffset, Crc32c(0, out, kHeaderCrcOffset));
}

void WriteBlockHeader(uint8_t out[kBlockHeaderBytes], BlockKind kind,
                      std::span<const uint8_t> payload) {
  std::memset(out, 0, kBlockHeaderBytes);
  Store32(out + kBlockPayloadBytesOffset, static_cast<uint32_t>(payload.size()));
  out[kBlockKindOffset] = static_cast<uint8_t>(kind);
  uint32_t crc = Crc32c(0, out + kBlockKindOffset, kBlockHeaderBytes - kBlockKindOffset);
  crc = Crc32c(crc, payload.data(), payload.size());
  Store32(out + kBlockCrcOffset, crc);
}

void RecordEncoder::BeginBlock(uint8_t* memory, size_t capacity, const Prologue& prologue) {
  memory_ = memory;
  pos_ = memory + kBlockHeaderBytes;
  end_ = memory + capacity;
  state_ = prologue;
  // F-9: nothing is remembered across blocks.
  ++generation_;
  current_stack_ = kNoStack;
  stack_count_ = 0;
  last_new_word_ = 0;
  alloc_count_ = 0;
  free_count_ = 0;
  std::memset(recent_allocs_, 0, sizeof recent_allocs_);
  std::memset(recent_frees_, 0, sizeof recent_frees_);
  std::memset(recent_stacks_, 0xFF, sizeof recent_stacks_);  // kNoStack
  std::memset(predicted_frames_, 0, sizeof predicted_frames_);

  pos_ = WriteVarint(pos_, state_.time_ns);
  for (const uint32_t value :
       {state_.thread, state_.next_address, state_.next_string, state_.next_function,
        state_.next_frame, state_.next_node, state_.next_stack}) {
    pos_ = WriteVarint(pos_, value);
  }
  first_record_ = pos_;
}

std::span<const uint8_t> RecordEncoder::FinishBlock() {
  const uint8_t* payload = memory_ + kBlockHeaderBytes;
  WriteBlockHeader(memory_, BlockKind::kRecords, {payload, static_cast<size_t>(pos_ - payload)});
  return {memory_, size()};
}

void RecordEncoder::SyncTime(uint64_t now_ns) {
  if (now_ns <= state_.time_ns) return;
  const uint64_t step_us = (now_ns - state_.time_ns) / 1000;
  if (step_us == 0) return;
  *pos_++ = kTimeTag;
  pos_ = WriteVarint(pos_, step_us);
  state_.time_ns +=
      step_us * 1000;  // the remainder waits for the next step, so that no error adds up
}

void RecordEncoder::Thread(uint32_t thread) {
  if (thread == state_.thread) return;
  *pos_++ = kThreadTag;
  pos_ = WriteVarint(pos_, thread);
  state_.thread = thread;
}

// A long record is written behind a one-byte length; EndLong moves it when the length takes more.
void RecordEncoder::BeginLong(LongTag tag) {
  long_start_ = pos_;
  long_fits_ = room() >= 2;
  if (!long_fits_) return;
  *pos_ = static_cast<uint8_t>(tag);
  pos_ += 2;
}

void RecordEncoder::Number(uint64_t value) {
  if (!long_fits_ || room() < VarintBytes(value)) {
    long_fits_ = false;
    return;
  }
  pos_ = WriteVarint(pos_, value);
}

void RecordEncoder::Bytes(const void* data, size_t size) {
  if (!long_fits_ || room() < size) {
    long_fits_ = false;
    return;
  }
  if (size > 0) std::memcpy(pos_, data, size);
  pos_ += size;
}

void RecordEncoder::String(std::string_view text) {
  text = CutUtf8(text, kMaxStringBytes);
  Number(text.size());
  Bytes(text.data(), text.size());
}

bool RecordEncoder::EndLong() {
  uint8_t* const body = long_start_ + 2;
  const size_t size = long_fits_ ? static_cast<size_t>(pos_ - body) : 0;
  const size_t extra = VarintBytes(size) - 1;
  if (!long_fits_ || size > kMaxRecordBytes || room() < extra) {
    pos_ = long_start_;
    return false;
  }
  if (extra > 0) std::memmove(body + extra, body, size);
  WriteVarint(long_start_ + 1, size);
  pos_ += extra;
  return true;
}

uint32_t RecordEncoder::DefineString(std::string_view text) {
  text = CutUtf8(text, kMaxStringBytes);
  BeginLong(LongTag::kString);
  Bytes(text.data(), text.size());
  return EndLong() ? state_.next_string++ : 0;
}

uint32_t RecordEncoder::DefineFunction(const FunctionRecord& function) {
  BeginLong(LongTag::kFunction);
  Number(function.name);
  Number(function.file);
  Number(function.line);
  Number(function.column);
  Number(function.script_id);
  return EndLong() ? state_.next_function++ : 0;
}

uint32_t RecordEncoder::DefineFrame(const FrameRecord& frame) {
  BeginLong(LongTag::kFrame);
  Number(static_cast<uint64_t>(frame.kind));
  switch (frame.kind) {
    case FrameKind::kNative:
      Number(frame.module);
      Number(frame.offset);
      break;
    case FrameKind::kBuiltin:
      Number(frame.function);
      break;
    case FrameKind::kLabel:
      Number(frame.label);
      break;
    case FrameKind::kInterpreted:
    case FrameKind::kBaseline:
    case FrameKind::kMaglev:
    case FrameKind::kTurbofan:
    case FrameKind::kWasm:
    case FrameKind::kFunction:
      Number(frame.function);
      Number(frame.line);
      Number(frame.column);
      break;
  }
  return EndLong() ? state_.next_frame++ : 0;
}

uint32_t RecordEncoder::DefineStack(const StackRecord& stack) {
  if (room() < 1 + (2 + stack.frames.size()) * kMaxVarintBytes) return 0;
  *pos_++ = kStackTag;
  pos_ = WriteVarint(pos_, stack.frames.size() << kStackFlagBits | stack.flags);
  pos_ = WriteVarint(pos_, state_.next_node - stack.parent);
  uint32_t above = stack.parent_frame;
  for (const uint32_t frame : stack.frames) {
    uint32_t& predicted = predicted_frames_[above % kPredictedFrames];
    pos_ = WriteVarint(pos_, predicted == frame ? 0 : frame);
    predicted = above = frame;
  }
  state_.next_node += static_cast<uint32_t>(stack.frames.size());
  MakeCurrent(state_.next_stack);
  return state_.next_stack++;
}

bool RecordEncoder::Module(const ModuleRecord& module) {
  BeginLong(LongTag::kModule);
  Number(module.module);
  Number(module.path);
  String(module.build_id);
  Number(module.base);
  Number(module.end);
  Number(module.bias);
  Number(module.loaded ? 1 : 0);
  return EndLong();
}

bool RecordEncoder::ThreadStart(const ThreadStartRecord& thread) {
  BeginLong(LongTag::kThreadStart);
  Number(thread.thread);
  Number(thread.os_tid);
  Number(static_cast<uint64_t>(thread.kind));
  Number(thread.worker_id);
  return EndLong();
}

bool RecordEncoder::ThreadName(uint32_t thread, uint32_t name) {
  BeginLong(LongTag::kThreadName);
  Number(thread);
  Number(name);
  return EndLong();
}

bool RecordEncoder::ThreadEnd(uint32_t thread, uint64_t left_ns) {
  BeginLong(LongTag::kThreadEnd);
  Number(thread);
  Number(left_ns);
  return EndLong();
}

bool RecordEncoder::Map(const MapRecord& map) {
  BeginLong(LongTag::kMap);
  Number(static_cast<uint64_t>(map.op));
  Number(map.address);
  Number(map.length);
  Number(map.prot);
  Number(map.flags);
  Number(map.stack);
  Number(map.deltas.size());
  for (const MapDelta& delta : map.deltas) {
    Number(static_cast<uint64_t>(delta.memory_class));
    Number(delta.stack);
    Signed(delta.bytes);
    Signed(delta.ranges);
  }
  return EndLong();
}

bool RecordEncoder::Sample(const SampleRecord& sample) {
  BeginLong(LongTag::kSample);
  Number(sample.rss);
  Number(sample.heap);
  Number(sample.live_bytes);
  Number(sample.live_blocks);
  Number(sample.committed);
  Number(sample.reserved);
  Number(sample.file);
  return EndLong();
}

bool RecordEncoder::Rss(const RssRecord& rss) {
  BeginLong(LongTag::kRss);
  Number(rss.rss);
  Number(rss.parts.size());
  for (const RssPartBytes& part : rss.parts) {
    Number(static_cast<uint64_t>(part.part));
    Number(part.detail);
    Number(part.bytes);
  }
  return EndLong();
}

bool RecordEncoder::RssPages(std::span<const RssRun> runs) {
  BeginLong(LongTag::kRssPages);
  uint64_t end = 0;
  for (const RssRun& run : runs) {
    Number(run.part);
    Number(run.page - end);
    Number(run.pages);
    end = run.page + run.pages;
  }
  return EndLong();
}

bool RecordEncoder::JsSample(const JsSampleRecord& sample) {
  BeginLong(LongTag::kJsSample);
  Number(sample.thread);
  Number(sample.heap_total);
  Number(sample.heap_used);
  Number(sample.external);
  Number(sample.malloced);
  Number(sample.heap_limit);
  Number(sample.spaces.size());
  for (const HeapSpace& space : sample.spaces) {
    Number(space.name);
    Number(space.size);
    Number(space.used);
  }
  return EndLong();
}

bool RecordEncoder::JsHeap(const JsHeapRecord& heap) {
  BeginLong(LongTag::kJsHeap);
  Number(heap.thread);
  Number(heap.flags);
  Number(heap.interval);
  Number(heap.used);
  Number(heap.samples);
  Number(heap.stacks);
  Number(heap.problem);
  return EndLong();
}

bool RecordEncoder::JsHeapStacks(uint32_t thread, std::span<const JsHeapStack> stacks) {
  BeginLong(LongTag::kJsHeapStacks);
  Number(thread);
  for (const JsHeapStack& stack : stacks) {
    Number(stack.stack);
    Number(stack.bytes);
    Number(stack.objects);
  }
  return EndLong();
}

bool RecordEncoder::Gc(uint32_t thread, uint64_t type, GcPhase phase) {
  BeginLong(LongTag::kGc);
  Number(thread);
  Number(type);
  Number(static_cast<uint64_t>(phase));
  return EndLong();
}

bool RecordEncoder::Mark(uint32_t thread, uint32_t name) {
  BeginLong(LongTag::kMark);
  Number(thread);
  Number(name);
  return EndLong();
}

bool RecordEncoder::JsonRecord(LongTag tag, std::string_view json) {
  BeginLong(tag);
  Bytes(json.data(), json.size());
  return EndLong();
}

bool RecordEncoder::Metadata(std::string_view json) {
  return JsonRecord(LongTag::kMetadata, json);
}

bool RecordEncoder::Trailer(std::string_view json) {
  return JsonRecord(LongTag::kTrailer, json);
}

bool RecordEncoder::Symbol(const SymbolRecord& symbol) {
  BeginLong(LongTag::kSymbol);
  Number(symbol.module);
  Number(symbol.offset);
  Number(symbol.function);
  Number(symbol.file);
  Number(symbol.line);
  Number(symbol.inlined);
  return EndLong();
}

bool RecordEncoder::Origin(const OriginRecord& origin) {
  BeginLong(LongTag::kOrigin);
  Number(origin.frame);
  Number(origin.function_name);
  Number(origin.file);
  Number(origin.line);
  Number(origin.column);
  return EndLong();
}

bool RecordEncoder::Package(uint32_t file, std::string_view name, std::string_view version) {
  BeginLong(LongTag::kPackage);
  Number(file);
  String(name);
  String(version);
  return EndLong();
}

bool RecordEncoder::SourceLine(uint32_t file, uint32_t line, uint32_t column,
                               std::string_view text) {
  BeginLong(LongTag::kSourceLine);
  Number(file);
  Number(line);
  Number(column);
  String(text);
  return EndLong();
}

bool RecordEncoder::SourceMap(uint32_t file, std::string_view url) {
  BeginLong(LongTag::kSourceMap);
  Number(file);
  String(url);
  return EndLong();
}

bool RecordEncoder::Stall(uint32_t thread, uint64_t waited_ns) {
  BeginLong(LongTag::kStall);
  Number(thread);
  Number(waited_ns);
  return EndLong();
}

bool RecordEncoder::Fork(uint32_t thread, uint64_t pid, uint32_t stack) {
  BeginLong(LongTag::kFork);
  Number(thread);
  Number(pid);
  Number(stack);
  return EndLong();
}

bool RecordEncoder::RingStack(uint32_t thread, std::span<const RingStacks> runs) {
  BeginLong(LongTag::kRingStack);
  Number(thread);
  for (const RingStacks& run : runs) {
    Number(run.ring_stack);
    Number(run.stack);
    Number(run.count);
  }
  return EndLong();
}

bool RecordEncoder::RingTails(std::span<const RingTail> tails) {
  BeginLong(LongTag::kRingTails);
  for (const RingTail& pair : tails) {
    Number(pair.thread);
    Number(pair.tail);
  }
  return EndLong();
}

bool RecordEncoder::Raw(uint8_t tag, std::span<const uint8_t> bytes) {
  BeginLong(static_cast<LongTag>(tag));
  Bytes(bytes.data(), bytes.size());
  return EndLong();
}

}  // namespace memtape
