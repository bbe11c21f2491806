// SPDX-License-Identifier: MIT
#include "track/frame_resolver.h"

#include "base/text_buffer.h"
#include "log/ring_records.h"
#include "os/proc.h"

namespace memtape {
namespace {

void HexOf(const uint8_t* bytes, size_t count, TextBuffer<160>* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < count; i++) {
    out->AddChar(kDigits[bytes[i] >> 4]).AddChar(kDigits[bytes[i] & 15]);
  }
}

}  // namespace

void FrameResolver::Start(LogWriter* writer, Dictionary* dictionary) {
  writer_ = writer;
  dictionary_ = dictionary;
  code_.Clear();
  cache_.Clear();
  cache_generation_ = code_.generation();
  written_version_ = 0;
  rescans_ = 0;
  if (!attached_) modules_.Attach(&reader_);
  attached_ = true;
  ModulesChanged();
}

void FrameResolver::ModulesChanged() {
  // Not through dl_iterate_phdr: its lock may be held by a thread that waits for this one.
  const std::span<const char> maps = os::ReadMaps();
  modules_.RefreshFromMaps(maps.data(), maps.size());
  reader_.Sync();
  cache_.Clear();
  WriteModules();
}

void FrameResolver::WriteModules() {
  for (const Module* module = modules_.modules(); module != nullptr; module = module->next) {
    if (module->changed_at <= written_version_) continue;
    TextBuffer<160> build_id;
    HexOf(module->image.build_id, module->image.build_id_size, &build_id);
    ModuleRecord record;
    record.module = module->id;
    record.path = dictionary_->String(module->path == nullptr ? "" : module->path);
    record.build_id = build_id.view();
    record.base = module->image.all.begin;
    record.end = module->image.all.end;
    record.bias = module->image.bias;
    record.loaded = module->loaded;
    writer_->Emit([&](RecordEncoder& encoder) { return encoder.Module(record); });
  }
  written_version_ = modules_.version();
}

uint32_t FrameResolver::Resolve(uint64_t key) {
  if (cache_generation_ != code_.generation()) {
    cache_.Clear();
    cache_generation_ = code_.generation();
  }
  if (const uint32_t known = cache_.Find(key + 1)) return known;
  uint32_t frame = 0;
  if ((key & kKeyLabel) != 0 && (key & kKeyInterpreted) == 0) {
    FrameRecord record;
    record.kind = FrameKind::kLabel;
    record.label = dictionary_->String(key == kLabelGc ? "(GC)" : "(JavaScript unknown)");
    frame = dictionary_->Frame(record);
  } else {
    const uint64_t address = key & ~kKeyInterpreted;
    // A return address may be the first byte after its function's code.
    v8::CodeMap::Code* code = code_.Find((key & kKeyInterpreted) != 0 ? address : address - 1);
    frame = code != nullptr ? ResolveCode(code, address) : ResolveNative(address);
  }
  *cache_.FindOrInsert(key + 1) = frame;
  return frame;
}

uint32_t FrameResolver::ResolveCode(v8::CodeMap::Code* code, uint64_t address) {
  constexpr uint32_t kWasm = 2;
  const v8::CodeName name = v8::ParseCodeName(code_.Name(*code), code_.Url(*code));
  FrameRecord record;
  record.kind = code->type == kWasm ? FrameKind::kWasm : name.kind;
  const v8::Place place = code_.CallPlace(*code, address, name.definition);
  record.line = place.line;
  record.column = place.column;
  record.function = FunctionOf(code, name);
  return dictionary_->Frame(record);
}

uint32_t FrameResolver::FunctionOf(v8::CodeMap::Code* code, const v8::CodeName& name) {
  if (code->function == 0) {
    FunctionRecord record;
    record.name = dictionary_->String(name.function);
    record.file = dictionary_->String(name.url);
    record.line = name.definition.line;
    record.column = name.definition.column;
    record.script_id = code->script_id;
    code->function = dictionary_->Function(record);
  }
  return code->function;
}

uint32_t FrameResolver::ResolveNative(uint64_t address) {
  const ModuleRange* range = reader_.map() == nullptr ? nullptr : reader_.map()->Find(address - 1);
  // Something may have been loaded since: look again, but not for every unknown address.
  constexpr uint32_t kMaxRescans = 64;
  if (range == nullptr && rescans_ < kMaxRescans) {
    rescans_++;
    ModulesChanged();
    range = reader_.map() == nullptr ? nullptr : reader_.map()->Find(address - 1);
  }
  FrameRecord record;
  record.kind = FrameKind::kNative;
  record.module = range == nullptr ? 0 : range->module_id;
  record.offset = range == nullptr ? address : address - range->bias;
  return dictionary_->Frame(record);
}

}  // namespace memtape
