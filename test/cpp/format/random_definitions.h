// SPDX-License-Identifier: MIT
// Random definitions: what other records name by a number, and what finalizers add about it.
#pragma once

#include "format/random_base.h"

namespace memtape {

class RandomDefinitions : protected RandomBase {
 protected:
  using RandomBase::RandomBase;

  void String() {
    const std::string text = Text(300);
    const uint32_t id = Emit([&] { return encoder().DefineString(text); });
    strings_.push_back(text);
    std::printf("string id=%u text=%s\n", id, Shown(text).c_str());
  }

  void Module() {
    if (!modules_.empty() && Chance(40)) {
      ModuleRecord gone = modules_.back();
      modules_.pop_back();
      gone.loaded = false;
      return PrintModule(gone);
    }
    static constexpr const char* kBuildIds[] = {"", "0a1b2c", "ffee00112233445566778899"};
    const uint64_t base = Number(47);
    const ModuleRecord module = {next_module_++, StringId(),        kBuildIds[Below(3)],
                                 base,           base + Number(30), Number(47)};
    modules_.push_back(module);
    PrintModule(module);
  }

  void PrintModule(const ModuleRecord& m) {
    Emit([&] { return encoder().Module(m); });
    std::printf("module id=%u loaded=%s path=%s buildId=%s base=0x%" PRIx64 " end=0x%" PRIx64
                " bias=0x%" PRIx64 "\n",
                m.module, m.loaded ? "true" : "false", ShownString(m.path).c_str(),
                Shown(m.build_id).c_str(), m.base, m.end, m.bias);
  }

  void ThreadStart() {
    const ThreadStartRecord start = {Thread(), Number(32),
                                     ThreadKind{static_cast<uint8_t>(Below(6))}, Number(8)};
    Emit([&] { return encoder().ThreadStart(start); });
    std::printf("thread_start id=%u kind=%s osTid=%" PRIu64 " workerId=%" PRIu64 "\n", start.thread,
                kThreadKinds[static_cast<size_t>(start.kind)], start.os_tid, start.worker_id);
  }

  void ThreadName() {
    const uint32_t thread = Thread();
    const uint32_t name = StringId();
    Emit([&] { return encoder().ThreadName(thread, name); });
    std::printf("thread_name id=%u name=%s\n", thread, ShownString(name).c_str());
  }

  // Without the time at which its function returned it ends now.
  void ThreadEnd() {
    const uint32_t thread = Thread();
    const uint64_t left = Chance(30) ? 0 : Number(50);
    Emit([&] { return encoder().ThreadEnd(thread, left); });
    std::printf("thread_end id=%u endNs=%" PRIu64 "\n", thread,
                left > 0 ? left : encoder().state().time_ns);
  }

  void Function() {
    const FunctionRecord function = {StringId(), StringId(), Number32(31), Number32(31),
                                     Number32(31)};
    const uint32_t id = Emit([&] { return encoder().DefineFunction(function); });
    std::printf("function id=%u name=%s file=%s line=%u column=%u scriptId=%u\n", id,
                ShownString(function.name).c_str(), ShownString(function.file).c_str(),
                function.line, function.column, function.script_id);
  }

  void Frame() {
    FrameRecord frame;
    frame.kind = FrameKind{static_cast<uint8_t>(Below(std::size(kFrameKinds)))};
    frame.module = Number32(10);
    frame.offset = Number(48);
    frame.function = Id(encoder().state().next_function);
    frame.line = Number32(31);
    frame.column = Number32(31);
    frame.label = StringId();
    const uint32_t id = Emit([&] { return encoder().DefineFrame(frame); });
    std::printf("frame id=%u kind=%s ", id, kFrameKinds[static_cast<size_t>(frame.kind)]);
    if (frame.kind == FrameKind::kNative) {
      std::printf("module=%u offset=0x%" PRIx64 "\n", frame.module, frame.offset);
    } else if (frame.kind == FrameKind::kLabel) {
      std::printf("label=%s\n", ShownString(frame.label).c_str());
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

  void Symbol() {
    const SymbolRecord s = {Number32(10), Number(47),   StringId(),
                            StringId(),   Number32(31), static_cast<uint32_t>(Below(4))};
    Emit([&] { return encoder().Symbol(s); });
    std::printf("symbol id=%u offset=0x%" PRIx64 " inlined=%u function=%s file=%s line=%u\n",
                s.module, s.offset, s.inlined, ShownString(s.function).c_str(),
                ShownString(s.file).c_str(), s.line);
  }

  void Origin() {
    const OriginRecord o = {Id(encoder().state().next_frame), StringId(), StringId(), Number32(31),
                            Number32(31)};
    Emit([&] { return encoder().Origin(o); });
    std::printf("origin id=%u functionName=%s file=%s line=%u column=%u\n", o.frame,
                ShownString(o.function_name).c_str(), ShownString(o.file).c_str(), o.line,
                o.column);
  }

  void Package() {
    const uint32_t file = StringId();
    const std::string name = Text(20);
    const std::string version = Text(5);
    Emit([&] { return encoder().Package(file, name, version); });
    std::printf("package id=%u file=%s name=%s version=%s\n", file, ShownString(file).c_str(),
                Shown(name).c_str(), Shown(version).c_str());
  }

  void SourceMap() {
    const uint32_t file = StringId();
    const std::string url = Text(400);
    Emit([&] { return encoder().SourceMap(file, url); });
    std::printf("source_map id=%u file=%s url=%s\n", file, ShownString(file).c_str(),
                Shown(url).c_str());
  }

  void SourceLine() {
    const uint32_t file = StringId();
    const uint32_t line = Number32(31);
    const uint32_t column = Number32(31);
    const std::string text = Text(100);
    Emit([&] { return encoder().SourceLine(file, line, column, text); });
    std::printf("source_line id=%u line=%u column=%u file=%s text=%s\n", file, line, column,
                ShownString(file).c_str(), Shown(text).c_str());
  }

  void RingStack() {
    const uint32_t thread = Thread();
    std::vector<RingStacks> runs(Below(4));
    const uint32_t next = encoder().state().next_stack;
    for (RingStacks& run : runs) {
      const uint32_t stack = Stack();
      run = {1 + Number32(20), stack, static_cast<uint32_t>(Below(next - stack + 1)) % 5};
    }
    Emit([&] { return encoder().RingStack(thread, runs); });
    for (const RingStacks& run : runs) {
      for (uint32_t i = 0; i < run.count; ++i) {
        std::printf("ring_stack id=%u ring=%u stack=%u\n", thread, run.ring_stack + i,
                    run.stack + i);
      }
    }
  }

  void RingTails() {
    std::vector<RingTail> tails(Below(5));
    for (RingTail& tail : tails) tail = {Thread(), Number(53)};
    Emit([&] { return encoder().RingTails(tails); });
    for (const RingTail& tail : tails) {
      std::printf("ring_tails id=%u tail=%" PRIu64 "\n", tail.thread, tail.tail);
    }
  }

 private:
  static constexpr const char* kFrameKinds[] = {"native", "interpreted", "baseline",
                                                "maglev", "turbofan",    "builtin",
                                                "wasm",   "label",       "function"};
  static constexpr const char* kThreadKinds[] = {"unknown",    "main",        "worker",
                                                 "libuv_pool", "v8_platform", "native"};

  std::vector<uint32_t> node_frames_;  // by node
  std::vector<ModuleRecord> modules_;  // that are loaded
  uint32_t next_module_ = 1;
};

}  // namespace memtape
