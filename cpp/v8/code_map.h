// SPDX-License-Identifier: MIT
// Which JavaScript is at an address: the drain thread's picture of V8's code, kept up to date from
// the ring records in the order of events. No V8 calls, no access to V8's heap.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <string_view>

#include "base/flat_map.h"
#include "base/page_array.h"
#include "log/ring_records.h"
#include "v8/code_name.h"

namespace memtape::v8 {

class CodeMap {
 public:
  struct Code {
    uint64_t start, end;
    uint16_t type, encoding;
    uint32_t script;  // index into scripts, 0: none
    uint32_t script_id;
    uint32_t name_bytes, positions_bytes, sites_bytes;
    uint64_t name, positions, sites;  // offsets into text_
    uint32_t function_count, inlined_count;
    uint64_t first_function, first_inlined;  // into functions_, inlined_
    uint32_t exit_start, exit_bytes;         // see CodeHead
    uint32_t function;  // scratch for the resolver: its function id, 0: not yet made
    bool asked;         // someone knows what is at an address of it
  };

  void AddScript(uint32_t thread, const ScriptHead& head, std::string_view url,
                 std::string_view map_url);
  void AddScriptLines(uint32_t thread, uint32_t script_id, uint32_t count, const uint8_t* lengths,
                      size_t bytes);
  // The payload of a kCode record.
  void AddCode(uint32_t thread, const uint8_t* record);
  void Move(uint64_t from, uint64_t to);

  // The code at an address, or null. Valid until the next change.
  Code* Find(uint64_t address);
  // The bytecode that a frame executes at `address`. One byte before its first it is at the entry
  // of its function, where V8 looks for interrupts: it installs optimized code then, or collects.
  Code* FindBytecode(uint64_t address);
  std::string_view Name(const Code& code) const {
    return {text_.data() + code.name, code.name_bytes};
  }
  std::string_view Url(const Code& code) const { return Urls(code.script).url; }
  struct ScriptUrls {
    std::string_view url;
    std::string_view map_url;  // of its source map
  };
  ScriptUrls Urls(uint32_t script) const;
  // Of a script that an isolate's thread has told of.
  ScriptUrls Urls(uint32_t thread, uint32_t script_id) const {
    return Urls(script_index_.Find(ScriptKey(thread, script_id)));
  }
  // The call at `address`, which is inside bytecode or a return address in machine code: the
  // functions that are active there, innermost first, inlined ones included.
  struct Call {
    Code* code;  // the function's bytecode, or `code` itself for the outermost
    Place place;
  };
  static constexpr size_t kMaxCalls = 64;
  size_t Calls(Code* code, uint64_t address, Call out[kMaxCalls]);

  // Nothing is known to be at this address: there may be later.
  void AskedInVain(uint64_t address) {
    vain_start_ = std::min(vain_start_, address);
    vain_end_ = std::max(vain_end_, address + 1);
  }
  // Changes whenever an address that was asked for may have become other code. V8 moves thousands
  // of pieces of code at a time, of which few were ever in a stack.
  uint32_t generation() const { return generation_; }
  void Clear();

 private:
  struct Script {
    uint32_t line_offset, column_offset;
    uint32_t url_bytes, map_url_bytes;
    uint64_t url, map_url;            // offsets into text_
    uint64_t first_line, line_count;  // into line_starts_
  };
  struct Range {
    uint64_t start, end;
    uint32_t code;  // index into codes_
  };
  static constexpr size_t kMaxRecent = 256;

  static uint64_t ScriptKey(uint32_t thread, uint32_t script_id) {
    return uint64_t{thread} << 32 | script_id;
  }
  uint64_t AddText(const void* text, size_t bytes);
  void AddRange(const Range& range);
  void MergeRecent();
  Range* FindRange(uint64_t address);
  bool WasAsked(uint64_t start, uint64_t end) const;
  void AddFunction(uint64_t first_bytecode);
  void FindsBytecode(uint64_t first_bytecode, uint32_t code);
  Place ToPlace(const Script& script, int64_t position) const;
  Place PlaceOf(const Code& code, uint64_t raw) const;
  Code* FunctionOf(const Code& code, uint64_t index);
  size_t SiteCalls(const Code& code, uint64_t* offset, Call out[kMaxCalls]);
  size_t TableCalls(Code* code, uint64_t offset, Call out[kMaxCalls]);
  uint64_t RawPosition(const Code& code, uint64_t offset) const;

  PageArray<char> text_;
  PageArray<Code> codes_;
  PageArray<Script> scripts_;
  FlatMap script_index_;
  PageArray<uint32_t> line_starts_;  // UTF-16 offsets, one run per script
  // A function that optimized code refers to.
  struct Function {
    uint64_t first_bytecode;
    uint32_t code;  // index into codes_, kNoCode: not known
  };
  static constexpr uint32_t kNoCode = UINT32_MAX;
  PageArray<Function> functions_;
  PageArray<uint32_t> unknown_functions_;
  PageArray<InlinedFunction> inlined_;
  // Ranges sorted by start, without overlap, and the latest few in the order they came: an insert
  // into the middle of the sorted ones for each of V8's 10^4 codes would cost more than it saves.
  PageArray<Range> sorted_;
  PageArray<Range> recent_;
  PageArray<Range> merged_;
  uint32_t generation_ = 0;
  uint64_t vain_start_ = UINT64_MAX, vain_end_ = 0;  // all addresses asked in vain lie between
};

}  // namespace memtape::v8
