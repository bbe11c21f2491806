// SPDX-License-Identifier: MIT
// Random records, and what they say: `random_writer SEED RECORDS FILE` writes a capture to FILE
// and, to stdout, the lines that a dump of it must show. The text comes from the records' fields,
// never from the encoded bytes.

#include <vector>

#include "format/random_happenings.h"

namespace memtape {
namespace {

constexpr const char* kAllocators[] = {"malloc",        "calloc",   "realloc", "posix_memalign",
                                       "aligned_alloc", "memalign", "valloc",  "pvalloc"};

struct Block {
  uint64_t address = 0;
  uint64_t size = 0;
  uint32_t stack = 0;
  bool live = false;
};

class RandomCapture : private RandomHappenings {
 public:
  explicit RandomCapture(uint32_t seed) : RandomHappenings(seed) {
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
      ThreadSwitch();
    } else if (choice < 85) {
      encoder().ForeignFree();
      std::puts("foreign_free");
    } else if (choice < 87) {
      StackDefinition();
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

  void ThreadSwitch() {
    const uint32_t thread = Thread();
    if (thread != encoder().state().thread) std::printf("thread thread=%u\n", thread);
    encoder().Thread(thread);
  }

  // Every kind as often as another. The switch has no default: a new kind does not compile without
  // a case.
  void Long() {
    while (!Long(LongTag{static_cast<uint8_t>(kFirstLongTag + Below(32))})) {
    }
  }

  // False for a tag that no kind has.
  bool Long(LongTag tag) {
    switch (tag) {
      case LongTag::kString:
        return String(), true;
      case LongTag::kModule:
        return Module(), true;
      case LongTag::kThreadStart:
        return ThreadStart(), true;
      case LongTag::kThreadName:
        return ThreadName(), true;
      case LongTag::kThreadEnd:
        return ThreadEnd(), true;
      case LongTag::kFunction:
        return Function(), true;
      case LongTag::kFrame:
        return Frame(), true;
      case LongTag::kMap:
        return Map(), true;
      case LongTag::kSample:
        return Sample(), true;
      case LongTag::kJsSample:
        return JsSample(), true;
      case LongTag::kGc:
        return Gc(), true;
      case LongTag::kMark:
        return Mark(), true;
      case LongTag::kMetadata:
        return Metadata(), true;
      case LongTag::kTrailer:
        return Trailer(), true;
      case LongTag::kSymbol:
        return Symbol(), true;
      case LongTag::kOrigin:
        return Origin(), true;
      case LongTag::kPackage:
        return Package(), true;
      case LongTag::kStall:
        return Stall(), true;
      case LongTag::kRingStack:
        return RingStack(), true;
      case LongTag::kRingTails:
        return RingTails(), true;
      case LongTag::kSourceMap:
        return SourceMap(), true;
      case LongTag::kRss:
        return Rss(), true;
      case LongTag::kRssPages:
        return RssPages(), true;
      case LongTag::kJsHeap:
        return JsHeap(), true;
      case LongTag::kJsHeapStacks:
        return JsHeapStacks(), true;
      case LongTag::kSourceLine:
        return SourceLine(), true;
      case LongTag::kFork:
        return Fork(), true;
    }
    return false;
  }

  std::vector<Block> blocks_ = std::vector<Block>(1);
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
