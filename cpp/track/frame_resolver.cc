// SPDX-License-Identifier: MIT
#include "track/frame_resolver.h"

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

std::string_view TextOf(uint64_t label) {
  switch (label) {
    case kLabelGc:
      return "(GC)";
    case kLabelLibuvPool:
      return "(libuv pool)";
    case kLabelV8Platform:
      return "(V8 platform)";
    case kLabelJsHeap:
      return "(JS heap profile)";
    default:
      return "(JavaScript unknown)";
  }
}

}  // namespace

void FrameResolver::Start(LogWriter* writer, Dictionary* dictionary, bool native) {
  modules_ = &modules(native);
  writer_ = writer;
  dictionary_ = dictionary;
  Clear();
  ClearCache();
  written_version_ = 0;
  rescans_ = 0;
  ReadModules();
  if (native) modules_->BuildMainRows();
}

void FrameResolver::Clear() {
  code_.Clear();
  cache_.Clear();
  runs_.Free();
  source_maps_.Clear();
}

void FrameResolver::ModulesChanged(bool unloaded) {
  rescans_ = 0;
  if (unloaded) ReadModules();
  ClearCache();
}

void FrameResolver::ReadModules() {
  // Not through dl_iterate_phdr: its lock may be held by a thread that waits for this one.
  const std::span<const char> maps = os::ReadMaps();
  modules_->RefreshFromMaps(maps.data(), maps.size());
  WriteModules();
}

void FrameResolver::WriteModules() {
  for (const Module* module = modules_->modules(); module != nullptr; module = module->next) {
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
  written_version_ = modules_->version();
}

void FrameResolver::ClearCache() {
  cache_.Clear();
  runs_.Clear();
  runs_.push_back(0);  // index 0 is "not there"
  cache_generation_ = code_.generation();
  epoch_++;
}

std::span<const uint32_t> FrameResolver::Resolve(uint64_t key) {
  epoch();  // drops what is no longer true
  uint32_t run = cache_.Find(key + 1);
  if (run == 0) {
    // Resolving native code may clear the cache.
    const uint32_t rescans = rescans_;
    run = static_cast<uint32_t>(runs_.size());
    runs_.push_back(0);
    ResolveInto(key);
    if (rescans_ != rescans) {
      ClearCache();
      return Resolve(key);
    }
    runs_[run] = static_cast<uint32_t>(runs_.size()) - run - 1;
    *cache_.FindOrInsert(key + 1) = run;
  }
  return {runs_.data() + run + 1, runs_[run]};
}

void FrameResolver::ResolveInto(uint64_t key) {
  if ((key & kKeyLabel) != 0 && (key & kKeyInterpreted) == 0) {
    runs_.push_back(Label(TextOf(key)));
    return;
  }
  const uint64_t address = key & ~kKeyInterpreted;
  // A return address may be the first byte after its function's code.
  const bool interpreted = (key & kKeyInterpreted) != 0;
  v8::CodeMap::Code* code = interpreted ? code_.FindBytecode(address) : code_.Find(address - 1);
  if (code != nullptr) {
    ResolveCode(code, address);
  } else if (address - hidden_start_ >= hidden_bytes_) {
    runs_.push_back(ResolveNative(address));
  }
}

void FrameResolver::ResolveCode(v8::CodeMap::Code* code, uint64_t address) {
  constexpr uint32_t kWasm = 2;
  v8::CodeMap::Call calls[v8::CodeMap::kMaxCalls];
  const size_t count = code_.Calls(code, address, calls);
  const FrameKind tier = v8::ParseCodeName(code_.Name(*code), {}).kind;
  for (size_t i = 0; i < count; i++) {
    v8::CodeMap::Code* function = calls[i].code;
    const v8::CodeName name = code->type == kWasm
                                  ? v8::ParseWasmName(code_.Name(*function))
                                  : v8::ParseCodeName(code_.Name(*function), code_.Url(*function));
    if (hidden_script_.size() > 0 && name.url == hidden_script_.view()) continue;
    FrameRecord record;
    const bool has_tier = code->type != kWasm && name.kind != FrameKind::kBuiltin;
    record.kind = has_tier ? tier : name.kind;
    const v8::Place place = calls[i].place.line != 0 ? calls[i].place : name.definition;
    record.line = place.line;
    record.column = place.column;
    record.function = FunctionOf(function, name);
    runs_.push_back(dictionary_->Frame(record));
  }
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
    WriteSourceMap(code_.Urls(code->script).map_url, record.file);
  }
  return code->function;
}

// A map that a loader made in memory is in the script's own comment and nowhere else.
void FrameResolver::WriteSourceMap(std::string_view url, uint32_t file) {
  if (file == 0 || !url.starts_with("data:")) return;
  uint32_t* written = source_maps_.FindOrInsert(file);
  if (*written != 0) return;
  *written = 1;
  writer_->Emit([&](RecordEncoder& encoder) { return encoder.SourceMap(file, url); });
}

uint32_t FrameResolver::FrameOf(uint32_t thread, const NamedFunction& function) {
  // V8's names for what no function did: (GC), (V8 API), (PARSER).
  if (function.script_id == 0 && function.name.starts_with("(")) return Label(function.name);
  const v8::CodeMap::ScriptUrls urls = code_.Urls(thread, function.script_id);
  const std::string_view file = urls.url.empty() ? function.file : urls.url;
  if (hidden_script_.size() > 0 && file == hidden_script_.view()) return 0;
  FunctionRecord named;
  named.name = dictionary_->String(function.name);
  named.file = dictionary_->String(file);
  named.line = function.line;
  named.column = function.column;
  named.script_id = function.script_id;
  FrameRecord record;
  record.kind = function.script_id == 0 ? FrameKind::kBuiltin : FrameKind::kFunction;
  record.function = dictionary_->Function(named);
  record.line = function.line;
  record.column = function.column;
  WriteSourceMap(urls.map_url, named.file);
  return dictionary_->Frame(record);
}

uint32_t FrameResolver::Label(std::string_view text) {
  FrameRecord record;
  record.kind = FrameKind::kLabel;
  record.label = dictionary_->String(text);
  return dictionary_->Frame(record);
}

uint32_t FrameResolver::ResolveNative(uint64_t address) {
  uint64_t at = 0;
  const auto find = [&]() -> const ModuleRange* {
    at = modules_->InModule(address - 1) + 1;
    const ModuleMap* map = modules_->current();
    return map == nullptr ? nullptr : map->Find(at - 1);
  };
  const ModuleRange* range = find();
  // Something may have been loaded since: look again, but not for every unknown address.
  constexpr uint32_t kMaxRescans = 64;
  if (range == nullptr && rescans_ < kMaxRescans) {
    rescans_++;
    ReadModules();
    range = find();
  }
  // Machine code that is in no module and that V8 did not tell of: unlisted_code.h finds most of
  // it, but not what moved before it was called.
  if (range == nullptr) {
    code_.AskedInVain(address - 1);
    code_.AskedInVain(address);
    return Label("(machine code of unknown origin)");
  }
  FrameRecord record;
  record.kind = FrameKind::kNative;
  record.module = range->module_id;
  record.offset = at - range->bias;
  return dictionary_->Frame(record);
}

}  // namespace memtape
