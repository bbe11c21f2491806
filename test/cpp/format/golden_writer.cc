// SPDX-License-Identifier: MIT
// Writes the golden captures into a directory: `golden_writer DIRECTORY`. Each shows one record
// kind or corner case; test/golden holds them with what a reader makes of them.

#include <array>
#include <string>

#include "format/capture_builder.h"
#include "format/rings.h"

namespace memtape {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr const char* kTrailer = R"({"end":"stop","allocations":1})";

void Empty(CaptureBuilder&) {}

// The worked example of docs/format.md.
void Example(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  e.SyncTime(1'500'000);
  e.ThreadStart({1, 4242, ThreadKind::kMain, 0});
  const uint32_t name = e.DefineString("f");
  const uint32_t file = e.DefineString("/a.js");
  const uint32_t function = e.DefineFunction({name, file, 1, 10, 7});
  const uint32_t frame = e.DefineFrame(
      {.kind = FrameKind::kInterpreted, .function = function, .line = 2, .column = 3});
  e.DefineStack({.frames = std::array<uint32_t, 1>{frame}});
  e.Thread(1);
  c.Alloc(1, 300, 1, 0x5000);
  c.Alloc(1, 300, 2, 0x5140, Allocator::kCalloc);
  c.Free(1);
  c.Alloc(1, 24, 1, 0x5000);
}

void AllocFree(CaptureBuilder& c) {
  c.DefineStacks(130);
  c.Alloc(1, 100, 1, 0x10000);
  c.Alloc(1, 100, 2, 0x0FFF8, Allocator::kCalloc);  // same stack, same size, backwards
  c.Alloc(130, 100, 3, 0x7FFF'FFFF'FFF8, Allocator::kRealloc);
  c.Alloc(1, 100, 4, 0x10011, Allocator::kPosixMemalign);  // unaligned
  c.Free(2);
  c.Free(1);
  c.Alloc(2, 0, 1, 0x10000, Allocator::kAlignedAlloc);  // recently freed
  c.Alloc(2, 0x7FFF'FFFF, 2, 0x0FFF8, Allocator::kMemalign);
  c.Free(2);
  c.Alloc(2, 0x8000'0000, 2, 0x0FFF8, Allocator::kValloc);
  c.Free(2);
  c.Alloc(2, 0x1'2345'6789, 2, 0x0FFF8, Allocator::kPvalloc);
  c.Free(2);
  c.Alloc(0, (uint64_t{1} << 53) - 1, 2, 0x0FFF8);
  c.EndBlock();
  // Another block knows the identifiers, but no delta.
  c.Free(2);
  c.Alloc(130, 100, 2, 0x0FFF8);
  c.Alloc(130, 100, 5, 0x0FFF0);
  c.encoder().ForeignFree();
}

void RecentIds(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  c.DefineStacks(1);
  for (uint32_t id = 1; id <= 70; ++id) c.Alloc(1, 8, id, 8 * id);
  c.Free(70);  // the last alloc
  c.Free(39);  // the 32nd last
  c.Free(38);  // one too far for one byte
  for (uint32_t id = 1; id <= 37; ++id) c.Free(id);
  for (uint32_t id = 40; id <= 64; ++id) c.Free(id);
  c.Alloc(1, 8, 38, 8 * 38);  // the 63rd last free
  c.Alloc(1, 8, 70, 8 * 70);  // the 65th
  c.EndBlock();
  for (uint32_t stack = 0; stack < 130; ++stack) e.DefineStack({});
  c.Alloc(12, 8, 74, 8 * 74);  // current 119 changes ago
  c.Alloc(12, 8, 75, 8 * 75);
  c.Alloc(10, 8, 76, 8 * 76);  // too long ago
}

void TimeAndThread(CaptureBuilder& c) {
  c.DefineStacks(1);
  c.encoder().Time(999'999);    // less than a millisecond: not written
  c.encoder().Time(1'000'500);  // whole microseconds
  c.encoder().Thread(1);
  c.Alloc(1, 1, 1, 8);
  c.encoder().Thread(300);
  c.encoder().Time(86'400'000'000'000);
  c.Alloc(1, 1, 2, 16);
  c.EndBlock();
  c.Alloc(1, 1, 3, 24);
}

void Definitions(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  const uint32_t name = e.DefineString("f\u00FCr \U0001F600 \"quoted\"\n");
  const uint32_t file = e.DefineString("/app/index.js");
  e.DefineString("");
  e.DefineString("\xFF not UTF-8");
  e.DefineString(std::string(130, 'x'));
  const uint32_t function = e.DefineFunction({name, file, 10, 20, 77});
  e.DefineFrame({.kind = FrameKind::kNative, .module = 2, .offset = 0x1234'5678'9ABC});
  e.DefineFrame({.kind = FrameKind::kNative, .module = 0, .offset = 0x7FFF'0000'0001});
  for (const FrameKind kind : {FrameKind::kInterpreted, FrameKind::kBaseline, FrameKind::kMaglev,
                               FrameKind::kTurbofan, FrameKind::kWasm}) {
    e.DefineFrame({.kind = kind, .function = function, .line = 11, .column = 70000});
  }
  e.DefineFrame({.kind = FrameKind::kBuiltin, .function = function});
  e.DefineFrame({.kind = FrameKind::kLabel, .label = file});
}

// §4.5: new nodes, known ones, predicted frames, all flags.
void Stacks(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  for (int i = 0; i < 9; ++i) e.DefineFrame({.kind = FrameKind::kLabel});
  const auto define = [&](uint32_t parent, uint32_t parent_frame, std::vector<uint32_t> frames,
                          uint32_t flags = 0) {
    e.DefineStack({parent, parent_frame, frames, flags});
  };
  define(0, 0, {3, 4, 5});
  define(1, 3, {4, 5});  // both predicted
  define(1, 3, {9}, kStackCut | kStackInGc);
  define(1, 3, {9, 1});               // the first predicted, the second not
  define(3, 5, {}, kStackJsUnknown);  // no new node
  define(0, 0, {}, kStackLost);
  c.Alloc(6, 1, 1, 8);  // the current stack
  c.Alloc(1, 1, 2, 16);
  c.Alloc(6, 1, 3, 24);  // current one change ago
  c.EndBlock();
  define(1, 3, {9});  // nothing is predicted
  c.Alloc(7, 1, 4, 32);
  c.Alloc(6, 1, 5, 40);
  c.Alloc(7, 1, 6, 48);
}

// F-22: a lost definition takes the predictions of its block with it, and nothing else.
void LostPrediction(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  for (int i = 0; i < 3; ++i) e.DefineFrame({.kind = FrameKind::kLabel});
  c.EndBlock();
  e.DefineStack({.frames = std::array<uint32_t, 1>{1}});
  Bytes lost = c.TakeBlock();
  lost.back() ^= 1;
  c.Append(lost);
  const auto define = [&](uint32_t parent, uint32_t parent_frame, uint32_t frame) {
    e.DefineStack({parent, parent_frame, std::array<uint32_t, 1>{frame}, 0});
  };
  define(0, 0, 2);
  define(0, 0, 2);  // predicted
  define(1, 1, 3);
  define(1, 1, 3);  // predicted, but by whom?
  define(0, 0, 2);
  c.EndBlock();
  define(0, 0, 2);
  define(0, 0, 2);  // predicted again
}

void ModulesAndThreads(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  const uint32_t path = e.DefineString("/usr/lib/libc.so.6");
  e.Module({1, path, "0a1b2c", 0x7F00'0000'0000, 0x7F00'0020'0000, 0x7F00'0000'0000, true});
  e.SyncTime(5'000'000);
  e.Module({1, path, "0a1b2c", 0x7F00'0000'0000, 0x7F00'0020'0000, 0x7F00'0000'0000, false});
  e.Module({1, path, "", 0x5500'0000'0000, 0x5500'0020'0000, 0x5500'0000'0000, true});
  for (uint8_t kind = 0; kind <= 5; ++kind) {
    e.ThreadStart({kind + 1U, 1000U + kind, ThreadKind{kind}, kind == 2 ? 1U : 0U});
  }
  e.ThreadName(1, e.DefineString("node"));
  e.SyncTime(6'000'000);
  e.ThreadEnd(3, 5'700'000);
  e.ThreadEnd(4, 0);
}

void Maps(CaptureBuilder& c) {
  c.DefineStacks(2);
  RecordEncoder& e = c.encoder();
  const std::array<MapDelta, 1> mapped = {{{MemoryClass::kReserved, 1, 0x2'8000'0000, 1}}};
  e.Map({MapOp::kMmap, 0x7F00'0000'0000, 0x2'8000'0000, 0, 0x4022, 1, mapped});
  const std::array<MapDelta, 2> committed = {
      {{MemoryClass::kReserved, 1, -65536, 0}, {MemoryClass::kCommitted, 2, 65536, 1}}};
  e.Map({MapOp::kMprotect, 0x7F00'0000'0000, 65536, 3, 0, 2, committed});
  const std::array<MapDelta, 1> grown = {{{MemoryClass::kCommitted, 2, 4096, 1}}};
  e.Map({MapOp::kMremap, 0x7F00'0000'0000, 65536, 0x7E00'0000'0000, 69632, 2, grown});
  e.Map({MapOp::kMadvise, 0x7E00'0000'0000, 4096, 0, 4, 2, {}});
  const std::array<MapDelta, 1> removed = {{{MemoryClass::kCommitted, 2, -69632, -2}}};
  e.Map({MapOp::kMunmap, 0x7E00'0000'0000, 69632, 0, 0, 1, removed});
  const std::array<MapDelta, 1> file = {{{MemoryClass::kFile, 1, 4096, 1}}};
  e.Map({MapOp::kMmap, 0x7D00'0000'0000, 100, 1, 2, 1, file});
}

void Rss(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  const uint32_t library = e.DefineString("/usr/lib/libc.so.6");
  const uint32_t vdso = e.DefineString("[vdso]");
  e.DefineStack({0, 0, {}, 0});
  e.SyncTime(500'000'000);
  const std::array<RssPartBytes, 10> parts = {{{RssPart::kCode, library, 1'400'832},
                                               {RssPart::kFile, library, 61'440},
                                               {RssPart::kArena, 1, 5'000'000'000},
                                               {RssPart::kMapping, 1, 262'144},
                                               {RssPart::kThreadStack, 3, 12'288},
                                               {RssPart::kArena, 2, 8192},
                                               {RssPart::kAnonymous, 0, 4096},
                                               {RssPart::kEarlier, 0, 20'480},
                                               {RssPart::kMemtape, 0, 65'536},
                                               {RssPart::kOther, vdso, 4096}}};
  uint64_t rss = 0;
  for (const RssPartBytes& part : parts) rss += part.bytes;
  e.Rss({rss, parts});
  const std::array<RssRun, 4> runs = {{{2, 0x5555'5555'5, 1'220'703},
                                       {2, 0x5555'5567'8 + 1'220'703, 2},
                                       {5, 0x7F00'0000'0, 2},
                                       {6, 0x7FFF'0000'0, 1}}};
  e.RssPages(runs);
  e.RssPages(std::span(runs).subspan(2));
  e.Rss({0, {}});
}

void Samples(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  e.SyncTime(10'000'000);
  e.Sample({50'000'000'000, 1000, 900, 9, 100, 600'000'000, 5000});
  const std::array<HeapSpace, 2> spaces = {
      {{e.DefineString("new_space"), 1000, 500}, {e.DefineString("old_space"), 2000, 1500}}};
  e.JsSample({1, 3000, 2000, 10, 20, 4'345'298'944, spaces});
  e.JsSample({2, 1, 1, 1, 1, 1, {}});
  e.Gc(1, 2, GcPhase::kStart);
  e.SyncTime(11'000'000);
  e.Gc(1, 2, GcPhase::kEnd);
  e.Mark(1, e.DefineString("after warm-up"));
  e.Stall(2, 123'456);
  e.DefineStack({0, 0, {}, 0});
  e.Fork(1, 4243, 1);
}

// F-24, F-25.
void JsHeaps(CaptureBuilder& c) {
  c.DefineStacks(2);
  RecordEncoder& e = c.encoder();
  e.DefineFrame({.kind = FrameKind::kFunction, .function = 1, .line = 12, .column = 3});
  e.SyncTime(20'000'000);
  e.JsHeapStacks(1, std::array<JsHeapStack, 2>{{{1, 524'304, 32'769}, {0, 16, 1}}});
  e.JsHeapStacks(2, std::array<JsHeapStack, 1>{{{2, 100, 4}}});
  e.JsHeapStacks(1, std::array<JsHeapStack, 1>{{{2, uint64_t{1} << 33, 2}}});
  e.JsHeap({1, kJsHeapEnd | kJsHeapCollected, 524'288, uint64_t{1} << 34, 5, 3, 0});
  e.JsHeap({2, 0, 524'288, 1'000'000, 1, 1, 0});
  e.JsHeap({3, 0, 524'288, 0, 0, 0, e.DefineString("another heap profiler was sampling already")});
}

void Json(CaptureBuilder& c) {
  c.encoder().Metadata(R"({"command":["node","a.js"],"pid":4242,"clock":"tsc","future":[1]})");
  c.encoder().Metadata(R"({"pid":4243,"pageSize":4096,"clock":7})");
  c.encoder().Metadata("no JSON");
  c.encoder().Metadata("[1]");
  c.encoder().Trailer(
      R"({"end":"exit","allocations":3,"exit":{"code":0,"signal":null},"error":null})");
}

void Names(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  const uint32_t function = e.DefineString("uv_run");
  const uint32_t inlined = e.DefineString("uv__io_poll");
  const uint32_t file = e.DefineString("/src/unix/core.c");
  e.Symbol({1, 0x4000, function, file, 400, 0});
  e.Symbol({1, 0x4000, inlined, file, 50, 1});
  e.DefineFrame({.kind = FrameKind::kBuiltin, .function = 1});
  e.Origin({1, inlined, file, 7, 3});
  e.Package(file, "@scope/name", "1.2.3");
  e.SourceLine(file, 400, 0, "uv__run_timers(loop);");
  e.SourceLine(file, 50, 7, "…epoll_pwait(fd, events)…");
  e.RingStack(1, std::array<RingStacks, 2>{{{1, 0, 2}, {9, 1, 1}}});
  e.RingTails(std::array<RingTail, 2>{{{1, 4096}, {2, uint64_t{1} << 40}}});
}

// F-10.
void MissedFrees(CaptureBuilder& c) {
  c.DefineStacks(2);
  c.Alloc(1, 10, 1, 8);
  c.Alloc(2, 20, 1, 8);
  c.Free(1);
  c.Free(1);
  c.Alloc(1, 30, 1, 8);
}

// F-11, and what a later minor version may add.
void LaterVersion(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  e.Raw(0x3F, Bytes{1, 2, 3});
  e.Raw(static_cast<uint8_t>(LongTag::kThreadEnd), Bytes{5, 99, 99});
  e.DefineString("kept");
  e.Raw(static_cast<uint8_t>(LongTag::kFrame), Bytes{9, 1, 2, 3});  // frame kind 9: number 1
  c.EndBlock();
  c.AppendBlock(static_cast<BlockKind>(9), {1, 2, 3});
  c.DefineStacks(1);
  c.Alloc(1, 1, 1, 8);
}

// F-7: the block in the middle is damaged; the next one still knows which identifiers come next.
void DamagedBlock(CaptureBuilder& c) {
  c.DefineStacks(1);
  c.Alloc(1, 10, 1, 8);
  c.EndBlock();
  c.DefineStacks(1);
  c.encoder().DefineString("lost");
  c.Alloc(2, 20, 2, 16);
  Bytes damaged = c.TakeBlock();
  damaged.back() ^= 1;
  c.Append(damaged);
  c.encoder().DefineString("kept");
  c.Free(2);
  c.Alloc(2, 30, 3, 24);
}

// F-18: what comes before the reserved tag counts.
void MalformedRecord(CaptureBuilder& c) {
  c.DefineStacks(1);
  c.Alloc(1, 10, 1, 8);
  Bytes block = c.TakeBlock();
  const Bytes payload(block.begin() + kBlockHeaderBytes, block.end());
  Bytes malformed = payload;
  malformed.insert(malformed.end(), {0x00, 0x03, 0x03});
  c.AppendBlock(BlockKind::kRecords, malformed);
  c.Free(1);
}

// F-6.
void Filler(CaptureBuilder& c) {
  c.DefineStacks(1);
  c.Alloc(1, 10, 1, 8);
  c.EndBlock();
  c.Append(Bytes(100, 0));
}

uint32_t Crc32(const Bytes& data) {
  uint32_t crc = ~0U;
  for (const uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

void Put(Bytes& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// RFC 1952 around one stored block of RFC 1951.
Bytes StoredGzip(const Bytes& data) {
  Bytes out = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1};
  Put(out, data.size(), 2);
  Put(out, ~data.size(), 2);
  out.insert(out.end(), data.begin(), data.end());
  Put(out, Crc32(data), 4);
  Put(out, data.size(), 4);
  return out;
}

// RFC 8878: one segment, its size in one byte, one raw block.
Bytes StoredZstd(const Bytes& data) {
  Bytes out = {0x28, 0xB5, 0x2F, 0xFD, 0x20};
  Put(out, data.size(), 1);
  Put(out, data.size() << 3 | 1, 3);
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

// F-8: two blocks in a compressed one.
Bytes TwoBlocks(CaptureBuilder& c) {
  c.encoder().DefineString("text");
  c.DefineStacks(1);
  c.Alloc(1, 10, c.encoder().state().next_address, 8);
  Bytes blocks = c.TakeBlock();
  c.Free(c.encoder().state().next_address - 1);
  const Bytes second = c.TakeBlock();
  blocks.insert(blocks.end(), second.begin(), second.end());
  return blocks;
}

void Compressed(CaptureBuilder& c) {
  c.AppendBlock(BlockKind::kGzip, StoredGzip(TwoBlocks(c)));
  c.AppendBlock(BlockKind::kZstd, StoredZstd(TwoBlocks(c)));
  // Nested, damaged inside, and not compressed at all.
  CaptureBuilder inner;
  inner.AppendBlock(BlockKind::kGzip, StoredGzip(TwoBlocks(c)));
  c.AppendBlock(BlockKind::kGzip,
                StoredGzip({inner.bytes().begin() + kFileHeaderBytes, inner.bytes().end()}));
  Bytes damaged = TwoBlocks(c);
  damaged[kBlockHeaderBytes] ^= 1;
  c.AppendBlock(BlockKind::kZstd, StoredZstd(damaged));
  c.AppendBlock(BlockKind::kGzip, {1, 2, 3});
  c.encoder().Trailer(kTrailer);
}

using ColumnBytes = std::array<Bytes, 48>;

// §3.2.
Bytes ColumnPayload(const ColumnBytes& columns) {
  Bytes payload;
  for (const Bytes& column : columns) payload.push_back(static_cast<uint8_t>(column.size()));
  for (const Bytes& column : columns) {
    payload.insert(payload.end(), column.begin(), column.end());
  }
  return payload;
}

// A block of an alloc of a known address and frees of both kinds, behind whatever stands in the
// columns.
void AddFrees(ColumnBytes& columns) {
  const auto add = [&columns](size_t column, const Bytes& bytes) {
    columns[column].insert(columns[column].end(), bytes.begin(), bytes.end());
  };
  add(0, {0xE0, 0xC6, 0x5B, 1, 3, 2, 1, 2, 2, 2});
  add(1, {0x81, 0x42, 0x50, 0x03, 0});
  add(2, {kRecentStacks + 1});
  add(3, {7});
  add(5, {1});
  add(8, {0});
  add(9, {0});
}

// The example of §9 with a frame that is a label, and a second block.
void Columns(CaptureBuilder& c) {
  ColumnBytes columns;
  columns[0] = {0, 0, 1, 1, 1, 1, 1, 1};
  columns[1] = {0x01, 0x22, 0x20, 0x26, 0x04, 0x02, 0x88, 0x9C, 0x61, 0};
  columns[3] = {0xAC, 0x02};
  columns[4] = {0x80, 0x28, 0x50};
  columns[10] = {0xDC, 0x0B};
  columns[11] = {1};
  columns[12] = {0x10};
  columns[13] = {1};
  columns[14] = {1};
  columns[15] = {5, 1, 2};
  columns[16] = {'f'};
  columns[18] = {1, 0x92, 0x21, 1, 0};
  columns[22] = {7, 1};
  AddFrees(columns);
  c.AppendBlock(BlockKind::kColumns, ColumnPayload(columns));

  ColumnBytes frees;
  AddFrees(frees);
  CaptureBuilder inner;
  inner.AppendBlock(BlockKind::kColumns, ColumnPayload(frees));
  c.AppendBlock(BlockKind::kZstd,
                StoredZstd({inner.bytes().begin() + kFileHeaderBytes, inner.bytes().end()}));
  // F-26: a second block that lacks its size, one byte too many, and a reserved tag.
  ColumnBytes lacking = frees;
  AddFrees(lacking);
  lacking[3].pop_back();
  c.AppendBlock(BlockKind::kColumns, ColumnPayload(lacking));
  ColumnBytes left = frees;
  left[47] = {1};
  c.AppendBlock(BlockKind::kColumns, ColumnPayload(left));
  ColumnBytes reserved = frees;
  reserved[1][3] = 0x05;
  c.AppendBlock(BlockKind::kColumns, ColumnPayload(reserved));
}

// What a process leaves that is killed while its rings are not empty.
void Recovered(CaptureBuilder& c) {
  RecordEncoder& e = c.encoder();
  c.DefineStacks(2);
  c.Alloc(1, 100, 1, 0x1000);
  c.Alloc(2, 200, 2, 0x2000);
  const std::array<MapDelta, 1> mapped = {{{MemoryClass::kCommitted, 1, 8192, 1}}};
  e.Map({MapOp::kMmap, 0x10000, 8192, 3, 0x22, 1, mapped});
  e.RingStack(7, std::array<RingStacks, 1>{{{4, 1, 2}}});
  e.RingTails(std::array<RingTail, 2>{{{7, 24}, {8, 4096 - 16}}});
}

constexpr size_t kRingBytes = 4096;
constexpr uint64_t kTicksAtStart = 0x1'0000'0000;
constexpr uint64_t kTicksPerSecond = 1'000'000'000;

class RingBuilder {
 public:
  // `start`: bytes that were committed and consumed before; `tail`: where the slot says that they
  // end.
  RingBuilder(uint32_t thread, uint64_t start, uint64_t tail) : head_(start), tail_(tail) {
    Put32(kSlotThreadOffset, thread);
    Put32(kSlotOsTidOffset, thread + 1000);
  }
  void Words(std::initializer_list<uint64_t> words) {
    for (const uint64_t word : words) {
      Put64(kSlotHeaderBytes + head_ % kRingBytes, word);
      head_ += kRingWordBytes;
    }
  }
  Bytes Finish() {
    Put64(kSlotHeadOffset, head_);
    Put64(kSlotTailOffset, tail_);
    return slot_;
  }

 private:
  void Put32(size_t at, uint32_t value) { std::memcpy(&slot_[at], &value, sizeof value); }
  void Put64(size_t at, uint64_t value) { std::memcpy(&slot_[at], &value, sizeof value); }

  Bytes slot_ = Bytes(kSlotHeaderBytes + kRingBytes, 0);
  uint64_t head_;
  uint64_t tail_;
};

Bytes Rings() {
  constexpr auto at = [](uint64_t us) { return kTicksAtStart + us * 1000; };
  constexpr auto malloc = [](uint64_t address) { return RingAllocWord1(0, address); };

  // F-19: 24 bytes of this ring are in the capture already, though the slot does not know.
  RingBuilder first(7, 0, 0);
  first.Words({at(1), RingVariableWord1(16, 3), 0});
  first.Words({at(20), RingFreeWord1(0x1000)});
  first.Words({at(20), malloc(0x3000), 300, 5});                   // known stack
  first.Words({at(40), malloc(0x2000), 400, 9});                   // lost stack, missed free
  first.Words({at(50), RingFreeWord1(0x9999)});                    // never seen
  first.Words({at(60), RingMapWord1(3, 5), 0x10000, 4096, 0, 0});  // mprotect to none
  first.Words({at(70), RingVariableWord1(17, 2)});

  // This one wraps around, takes over addresses at equal stamps, and ends in a reserved kind.
  RingBuilder second(8, kRingBytes - 16, kRingBytes - 16);
  second.Words({at(20), malloc(0x1000), 50, 0});
  second.Words({at(2500), RingMapWord1(1, 0), 0x10000, 8192, 0, 0});  // munmap
  second.Words({at(2600), 0x0F, 0});

  RingBuilder unused(0, 0, 0);
  unused.Words({at(1), RingFreeWord1(0x2000)});

  Bytes out(kRingsHeaderBytes, 0);
  std::memcpy(&out[kRingsMagicOffset], kRingsMagic, sizeof kRingsMagic);
  const auto put = [&](size_t offset, uint64_t value, size_t bytes) {
    std::memcpy(&out[offset], &value, bytes);
  };
  put(kRingsVersionMajorOffset, kVersionMajor, 2);
  put(kRingsVersionMinorOffset, kVersionMinor, 2);
  put(kRingsSlotBytesOffset, kSlotHeaderBytes + kRingBytes, 4);
  put(kRingsCaptureIdOffset, 0x1122334455667788, 8);
  put(kRingsTicksAtStartOffset, kTicksAtStart, 8);
  put(kRingsTicksPerSecondOffset, kTicksPerSecond, 8);
  put(kRingsSlotCountOffset, 3, 4);
  for (RingBuilder* ring : {&first, &second, &unused}) {
    const Bytes slot = ring->Finish();
    out.insert(out.end(), slot.begin(), slot.end());
  }
  return out;
}

struct Golden {
  const char* name;
  void (*write)(CaptureBuilder&);
};

constexpr Golden kGoldens[] = {
    {"empty", Empty},
    {"example", Example},
    {"alloc-free", AllocFree},
    {"recent-ids", RecentIds},
    {"time-thread", TimeAndThread},
    {"definitions", Definitions},
    {"stacks", Stacks},
    {"lost-prediction", LostPrediction},
    {"modules-threads", ModulesAndThreads},
    {"maps", Maps},
    {"samples", Samples},
    {"rss", Rss},
    {"js-heaps", JsHeaps},
    {"json", Json},
    {"names", Names},
    {"missed-frees", MissedFrees},
    {"later-version", LaterVersion},
    {"damaged-block", DamagedBlock},
    {"malformed-record", MalformedRecord},
    {"filler", Filler},
    {"compressed", Compressed},
    {"columns", Columns},
    {"recovered", Recovered},
};

void WriteAll(const std::string& directory) {
  for (const Golden& golden : kGoldens) {
    CaptureBuilder capture;
    golden.write(capture);
    if (!capture.encoder().empty()) capture.EndBlock();
    WriteFile(directory + "/" + golden.name + ".bin", capture.bytes());
  }
  WriteFile(directory + "/recovered.bin.rings", Rings());
}

}  // namespace
}  // namespace memtape

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: golden_writer DIRECTORY\n"), 2;
  memtape::WriteAll(argv[1]);
}
