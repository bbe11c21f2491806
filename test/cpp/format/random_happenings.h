// SPDX-License-Identifier: MIT
// Random long records that tell what happened, and when.
#pragma once

#include "format/random_definitions.h"

namespace memtape {

class RandomHappenings : protected RandomDefinitions {
 protected:
  using RandomDefinitions::RandomDefinitions;

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

  void JsSample() {
    std::vector<HeapSpace> spaces(Below(5));
    for (HeapSpace& space : spaces) space = {StringId(), Number(53), Number(53)};
    const JsSampleRecord s = {Thread(),   Number(53), Number(53), Number(53),
                              Number(53), Number(53), spaces};
    Emit([&] { return encoder().JsSample(s); });
    std::printf("js_sample thread=%u heapTotal=%" PRIu64 " heapUsed=%" PRIu64 " external=%" PRIu64
                " malloced=%" PRIu64 " heapLimit=%" PRIu64 " spaces=[",
                s.thread, s.heap_total, s.heap_used, s.external, s.malloced, s.heap_limit);
    const char* separator = "";
    for (const HeapSpace& space : spaces) {
      std::printf("%s{\"name\":%s,\"size\":%" PRIu64 ",\"used\":%" PRIu64 "}", separator,
                  Quoted(strings_[space.name]).c_str(), space.size, space.used);
      separator = ",";
    }
    std::puts("]");
  }

  void JsHeap() {
    const JsHeapRecord h = {Thread(),   Below(4),   Number(53), Number(53),
                            Number(53), Number(20), StringId()};
    Emit([&] { return encoder().JsHeap(h); });
    std::printf("js_heap thread=%u flags=%" PRIu64 " interval=%" PRIu64 " used=%" PRIu64
                " samples=%" PRIu64 " stackCount=%" PRIu64 " problem=%s\n",
                h.thread, h.flags, h.interval, h.used, h.samples, h.stacks,
                ShownString(h.problem).c_str());
  }

  void JsHeapStacks() {
    const uint32_t thread = Thread();
    std::vector<JsHeapStack> stacks(Below(5));
    for (JsHeapStack& stack : stacks) stack = {Stack(), Number(53), Number(53)};
    Emit([&] { return encoder().JsHeapStacks(thread, stacks); });
    std::string columns[3];
    const char* separator = "";
    for (const JsHeapStack& stack : stacks) {
      columns[0] += separator + std::to_string(stack.stack);
      columns[1] += separator + std::to_string(stack.bytes);
      columns[2] += separator + std::to_string(stack.objects);
      separator = ",";
    }
    std::printf("js_heap_stacks thread=%u stacks=[%s] bytes=[%s] objects=[%s]\n", thread,
                columns[0].c_str(), columns[1].c_str(), columns[2].c_str());
  }

  void Gc() {
    const uint32_t thread = Thread();
    const uint64_t type = Number(8);
    const bool ends = Chance(50);
    Emit([&] { return encoder().Gc(thread, type, ends ? GcPhase::kEnd : GcPhase::kStart); });
    std::printf("gc thread=%u gcType=%" PRIu64 " phase=%s\n", thread, type, ends ? "end" : "start");
  }

  void Mark() {
    const uint32_t thread = Thread();
    const uint32_t name = StringId();
    Emit([&] { return encoder().Mark(thread, name); });
    std::printf("mark thread=%u name=%s\n", thread, ShownString(name).c_str());
  }

  void Stall() {
    const uint32_t thread = Thread();
    const uint64_t waited = Number(53);
    Emit([&] { return encoder().Stall(thread, waited); });
    std::printf("stall thread=%u waitedNs=%" PRIu64 "\n", thread, waited);
  }

  void Fork() {
    const auto thread = Thread();
    const uint64_t pid = Number(32);
    const uint32_t stack = Stack();
    Emit([&] { return encoder().Fork(thread, pid, stack); });
    std::printf("fork thread=%u pid=%" PRIu64 " stack=%u\n", thread, pid, stack);
  }

  void Metadata() {
    const std::string json = Json();
    Emit([&] { return encoder().Metadata(json); });
    std::printf("metadata json=%s\n", json.c_str());
  }

  void Trailer() {
    const std::string json = Json();
    Emit([&] { return encoder().Trailer(json); });
    std::printf("trailer json=%s\n", json.c_str());
  }

  void Rss() {
    std::vector<RssPartBytes> parts(Below(6));
    for (RssPartBytes& part : parts) {
      part = {RssPart{static_cast<uint8_t>(Below(9))}, StringId(), Number(53)};
    }
    rss_parts_ = parts.size();
    const uint64_t rss = Number(53);
    Emit([&] { return encoder().Rss({rss, parts}); });
    std::printf("rss rss=%" PRIu64 " parts=[", rss);
    const char* separator = "";
    for (const RssPartBytes& part : parts) {
      std::printf("%s{\"part\":\"%s\",\"detail\":%u,\"name\":%s,\"bytes\":%" PRIu64 "}", separator,
                  kRssParts[static_cast<size_t>(part.part)], part.detail,
                  Quoted(IsNamed(part.part) ? strings_[part.detail] : "").c_str(), part.bytes);
      separator = ",";
    }
    std::puts("]");
  }

  // They belong to the latest rss record.
  void RssPages() {
    std::vector<RssRun> runs(rss_parts_ == 0 ? 0 : Below(5));
    uint64_t page = 0;
    for (RssRun& run : runs) {
      run = {static_cast<uint32_t>(Below(rss_parts_)), page + Number(40), Number(30)};
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

 private:
  static constexpr const char* kMapOps[] = {"mmap", "munmap", "mremap", "mprotect", "madvise"};
  static constexpr const char* kClasses[] = {"committed", "reserved", "file"};
  static constexpr const char* kRssParts[] = {"file",         "code",    "mapping",
                                              "thread_stack", "arena",   "anonymous",
                                              "earlier",      "memtape", "other"};

  static bool IsNamed(RssPart part) {
    return part == RssPart::kFile || part == RssPart::kCode || part == RssPart::kOther;
  }

  size_t rss_parts_ = 0;  // of the latest rss record

  std::string Json() {
    return "{\"number\":" + std::to_string(Number(53)) + ",\"text\":" + Quoted(Text(50)) + "}";
  }
};

}  // namespace memtape
