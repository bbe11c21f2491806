// SPDX-License-Identifier: MIT
// Random records, and what they say: `random_writer SEED RECORDS FILE` writes a capture to FILE
// and, to stdout, the lines that a dump of it must show. The text comes from the records' fields,
// never from the encoded bytes.

#include <array>
#include <cinttypes>
#include <random>
#include <string>

#include "format/capture_builder.h"

namespace memtape {
namespace {

constexpr const char* kAllocators[] = {"malloc",        "calloc",   "realloc", "posix_memalign",
                                       "aligned_alloc", "memalign", "valloc",  "pvalloc"};
constexpr const char* kFrameKinds[] = {"native",   "interpreted", "baseline", "maglev",
                                       "turbofan", "builtin",     "wasm",     "label"};
constexpr const char* kThreadKinds[] = {"unknown",    "main",        "worker",
                                        "libuv_pool", "v8_platform", "native"};
constexpr const char* kMapOps[] = {"mmap", "munmap", "mremap", "mprotect", "madvise"};
constexpr const char* kClasses[] = {"committed", "reserved", "file"};
constexpr const char* kRssParts[] = {"file",      "code",    "mapping", "thread_stack", "arena",
                                     "anonymous", "earlier", "memtape", "other"};

struct Block {
  uint64_t address = 0;
  uint64_t size = 0;
  uint32_t stack = 0;
  bool live = false;
};

class RandomCapture {
 public:
  // Small blocks, so that there are many, and records that do not fit are common.
  explicit RandomCapture(uint32_t seed) : random_(seed), capture_(2048) {
    std::puts(
        "capture version=1.0 captureId=1122334455667788 pid=4242 "
        "startUnixNs=1700000000123456789 finalized=false");
  }

  void Write(size_t records, const char* path) {
    for (size_t i = 0; i < records; ++i) Record();
    capture_.EndBlock();
    WriteFile(path, capture_.bytes());
  }

 private:
  RecordEncoder& encoder() { return capture_.encoder(); }
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(uint32_t percent) { return Below(100) < percent; }
  // Any number of up to `bits` bits; short ones as likely as long ones.
  uint64_t Number(unsigned bits) {
    const uint64_t width = Below(bits + 1);
    return width == 0 ? 0 : random_() >> (64 - width);
  }
  uint32_t Id(uint32_t next) { return static_cast<uint32_t>(Below(next)); }
  uint32_t Stack() { return Id(encoder().state().next_stack); }

  void Record() {
    while (encoder().room() < kMaxHotRecordBytes) capture_.EndBlock();
    const uint64_t choice = Below(100);
    if (choice < 40) {
      Alloc();
    } else if (choice < 75) {
      Free();
    } else if (choice < 80) {
      Time();
    } else if (choice < 83) {
      Thread();
    } else if (choice < 85) {
      encoder().ForeignFree();
      std::puts("foreign_free");
    } else {
      Long();
    }
  }

  void Alloc() {
    const bool is_new = blocks_.size() == 1 || Chance(30);
    const auto id = static_cast<uint32_t>(is_new                          ? blocks_.size()
                                          : Chance(50) && !freed_.empty() ? freed_.back()
                                                                          : PickId());
    if (is_new)
      blocks_.push_back({.address = Number(47) & (Chance(90) ? ~uint64_t{7} : ~uint64_t{0})});
    Block& block = blocks_[id];
    if (block.live) Print("missed_free", id);
    // The sizes of a few stacks repeat.
    block.stack = Chance(50) ? previous_stack_ : Stack();
    previous_stack_ = block.stack;
    block.size = Chance(60) ? block.stack * 16 : Number(53);
    block.live = true;
    const auto allocator = static_cast<uint8_t>(Below(8));
    capture_.Alloc(block.stack, block.size, id, block.address, Allocator{allocator});
    std::printf(
        "alloc id=%u address=0x%" PRIx64 " size=%" PRIu64 " allocator=%s stack=%u thread=%u\n", id,
        block.address, block.size, kAllocators[allocator], block.stack, encoder().state().thread);
  }

  uint32_t PickId() {
    const uint64_t count = blocks_.size() - 1;
    return static_cast<uint32_t>(1 +
                                 (Chance(60) && count > 40 ? count - 1 - Below(40) : Below(count)));
  }

  void Free() {
    if (blocks_.size() == 1) return;
    const uint32_t id = PickId();
    Block& block = blocks_[id];
    capture_.Free(id);
    freed_.push_back(id);
    if (block.live) {
      Print("free", id);
    } else {
      std::printf("unknown_free id=%u address=0x%" PRIx64 "\n", id, block.address);
    }
    block.live = false;
  }

  void Print(const char* type, uint32_t id) {
    const Block& block = blocks_[id];
    std::printf("%s id=%u address=0x%" PRIx64 " size=%" PRIu64 " stack=%u\n", type, id,
                block.address, block.size, block.stack);
  }

  void Time() {
    const uint64_t before = encoder().state().time_ns;
    encoder().SyncTime(before + Number(42));
    const uint64_t now = encoder().state().time_ns;
    if (now != before) std::printf("time ns=%" PRIu64 "\n", now);
  }

  void Thread() {
    const auto thread = static_cast<uint32_t>(Number(24));
    if (thread != encoder().state().thread) std::printf("thread thread=%u\n", thread);
    encoder().Thread(thread);
  }

  // Encodes until it fits: in this block or the next.
  template <typename Encode>
  auto Emit(Encode encode) {
    auto result = encode();
    if (!result) {
      capture_.EndBlock();
      result = encode();
    }
    return result;
  }

  void Long() {
    switch (Below(11)) {
      case 8:
        return Rss();
      case 9:
        return Fork();
      case 10:
        return ThreadEnd();
      case 0:
        return String();
      case 1:
        return Function();
      case 2:
        return Frame();
      case 3:
      case 4:
        return StackDefinition();
      case 5:
        return Map();
      case 6:
        return Sample();
      default:
        return ThreadStart();
    }
  }

  void String() {
    static constexpr const char* kPieces[] = {"a", "Z", "\u00E9", "\u20AC", "\U0001F600", "/", " "};
    std::string text;
    for (uint64_t i = Below(300); i > 0; --i) text += kPieces[Below(std::size(kPieces))];
    const uint32_t id = Emit([&] { return encoder().DefineString(text); });
    const bool bare = !text.empty() && text.find_first_not_of("aZ") == std::string::npos;
    std::printf("string id=%u text=%s%s%s\n", id, bare ? "" : "\"", text.c_str(), bare ? "" : "\"");
  }

  void Function() {
    const FunctionRecord function = {0, 0, static_cast<uint32_t>(Number(31)),
                                     static_cast<uint32_t>(Number(31)),
                                     static_cast<uint32_t>(Number(31))};
    const uint32_t id = Emit([&] { return encoder().DefineFunction(function); });
    std::printf("function id=%u name=\"\" file=\"\" line=%u column=%u scriptId=%u\n", id,
                function.line, function.column, function.script_id);
  }

  void Frame() {
    FrameRecord frame;
    frame.kind = FrameKind{static_cast<uint8_t>(Below(8))};
    frame.module = static_cast<uint32_t>(Number(10));
    frame.offset = Number(48);
    frame.function = Id(encoder().state().next_function);
    frame.line = static_cast<uint32_t>(Number(31));
    frame.column = static_cast<uint32_t>(Number(31));
    const uint32_t id = Emit([&] { return encoder().DefineFrame(frame); });
    std::printf("frame id=%u kind=%s ", id, kFrameKinds[static_cast<size_t>(frame.kind)]);
    if (frame.kind == FrameKind::kNative) {
      std::printf("module=%u offset=0x%" PRIx64 "\n", frame.module, frame.offset);
    } else if (frame.kind == FrameKind::kLabel) {
      std::printf("label=\"\"\n");
    } else if (frame.kind == FrameKind::kBuiltin) {
      std::printf("function=%u\n", frame.function);
    } else {
      std::printf("function=%u line=%u column=%u\n", frame.function, frame.line, frame.column);
    }
  }

  void StackDefinition() {
    const uint32_t next_frame = encoder().state().next_frame;
    std::vector<uint32_t> frames(next_frame > 1 ? Below(6) : 0);
    for (uint32_t& frame : frames) frame = 1 + static_cast<uint32_t>(Below(next_frame - 1));
    uint32_t node = encoder().state().next_node;
    node_frames_.resize(node);
    const uint32_t parent = Id(node);
    const auto flags = static_cast<uint32_t>(Below(16));
    const uint32_t id = Emit([&] {
      return encoder().DefineStack({parent, node_frames_[parent], frames, flags});
    });
    uint32_t above = parent;
    for (const uint32_t frame : frames) {
      std::printf("node id=%u parent=%u frame=%u\n", node, above, frame);
      above = node++;
      node_frames_.push_back(frame);
    }
    std::printf("stack id=%u node=%u flags=%u\n", id, above, flags);
  }

  void Map() {
    std::vector<MapDelta> deltas(Below(4));
    for (MapDelta& delta : deltas) {
      delta = {MemoryClass{static_cast<uint8_t>(Below(3))}, Stack(),
               static_cast<int64_t>(Number(47)) * (Chance(50) ? 1 : -1),
               static_cast<int64_t>(Below(5)) - 2};
    }
    const MapRecord map = {MapOp{static_cast<uint8_t>(Below(5))},
                           Number(48),
                           Number(48),
                           Number(48),
                           Number(32),
                           Stack(),
                           deltas};
    Emit([&] { return encoder().Map(map); });
    const bool remap = map.op == MapOp::kMremap;
    std::printf("map op=%s address=0x%" PRIx64 " length=%" PRIu64,
                kMapOps[static_cast<size_t>(map.op)], map.address, map.length);
    std::printf(
        remap ? " newAddress=0x%" PRIx64 " newLength=%" PRIu64 : " prot=%" PRIu64 " flags=%" PRIu64,
        map.prot, map.flags);
    std::printf(" stack=%u deltas=[", map.stack);
    const char* separator = "";
    for (const MapDelta& delta : deltas) {
      std::printf("%s{\"class\":\"%s\",\"stack\":%u,\"bytes\":%" PRId64 ",\"ranges\":%" PRId64 "}",
                  separator, kClasses[static_cast<size_t>(delta.memory_class)], delta.stack,
                  delta.bytes, delta.ranges);
      separator = ",";
    }
    std::puts("]");
  }

  void Sample() {
    const SampleRecord s = {Number(53), Number(53), Number(53), Number(53),
                            Number(53), Number(53), Number(53)};
    Emit([&] { return encoder().Sample(s); });
    std::printf("sample rss=%" PRIu64 " heap=%" PRIu64 " liveBytes=%" PRIu64 " liveBlocks=%" PRIu64
                " committed=%" PRIu64 " reserved=%" PRIu64 " file=%" PRIu64 "\n",
                s.rss, s.heap, s.live_bytes, s.live_blocks, s.committed, s.reserved, s.file);
  }

  void Fork() {
    const auto thread = static_cast<uint32_t>(Number(24));
    const uint64_t pid = Number(32);
    const uint32_t stack = Stack();
    Emit([&] { return encoder().Fork(thread, pid, stack); });
    std::printf("fork thread=%u pid=%" PRIu64 " stack=%u\n", thread, pid, stack);
  }

  // Of a thread that began, which the reader then knows.
  void ThreadEnd() {
    const auto thread = static_cast<uint32_t>(Number(24));
    const uint64_t left = 1 + Number(50);
    Emit([&] { return encoder().ThreadStart({thread, 1, ThreadKind::kNative, 0}); });
    std::printf("thread_start id=%u kind=native osTid=1 workerId=0\n", thread);
    Emit([&] { return encoder().ThreadEnd(thread, left); });
    std::printf("thread_end id=%u endNs=%" PRIu64 "\n", thread, left);
  }

  // With its pages, of which there may be none.
  void Rss() {
    std::vector<RssPartBytes> parts(Below(6));
    for (RssPartBytes& part : parts) {
      // No string has such an id, so parts have no names.
      part = {RssPart{static_cast<uint8_t>(Below(9))},
              (1U << 30) + static_cast<uint32_t>(Number(30)), Number(53)};
    }
    const uint64_t rss = Number(53);
    Emit([&] { return encoder().Rss({rss, parts}); });
    std::printf("rss rss=%" PRIu64 " parts=[", rss);
    const char* separator = "";
    for (const RssPartBytes& part : parts) {
      std::printf("%s{\"part\":\"%s\",\"detail\":%u,\"name\":\"\",\"bytes\":%" PRIu64 "}",
                  separator, kRssParts[static_cast<size_t>(part.part)], part.detail, part.bytes);
      separator = ",";
    }
    std::puts("]");
    if (!parts.empty()) RssPages(parts.size());
  }

  void RssPages(size_t parts) {
    std::vector<RssRun> runs(Below(5));
    uint64_t page = 0;
    for (RssRun& run : runs) {
      run = {static_cast<uint32_t>(Below(parts)), page + Number(40), Number(30)};
      page = run.page + run.pages;
    }
    Emit([&] { return encoder().RssPages(runs); });
    std::printf("rss_pages runs=[");
    const char* separator = "";
    for (const RssRun& run : runs) {
      std::printf("%s[%u,%" PRIu64 ",%" PRIu64 "]", separator, run.part, run.page, run.pages);
      separator = ",";
    }
    std::puts("]");
  }

  void ThreadStart() {
    const ThreadStartRecord start = {static_cast<uint32_t>(Number(24)), Number(32),
                                     ThreadKind{static_cast<uint8_t>(Below(6))}, Number(8)};
    if (start.thread >= kMaxThreads) return;
    Emit([&] { return encoder().ThreadStart(start); });
    std::printf("thread_start id=%u kind=%s osTid=%" PRIu64 " workerId=%" PRIu64 "\n", start.thread,
                kThreadKinds[static_cast<size_t>(start.kind)], start.os_tid, start.worker_id);
  }

  std::mt19937_64 random_;
  CaptureBuilder capture_;
  std::vector<Block> blocks_ = std::vector<Block>(1);
  std::vector<uint32_t> node_frames_;  // by node
  std::vector<uint32_t> freed_;
  uint32_t previous_stack_ = 0;
};

}  // namespace
}  // namespace memtape

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: random_writer SEED RECORDS FILE\n"), 2;
  const auto seed = static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10));
  memtape::RandomCapture(seed).Write(std::strtoul(argv[2], nullptr, 10), argv[3]);
}
