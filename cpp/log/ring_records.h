// SPDX-License-Identifier: MIT
// The variable records of a ring (format.md §7, kinds ≥ 16): what threads tell the drain thread
// besides allocations. Native byte order and layout: they never leave the machine, and recovery
// after a crash skips them. Word 0 is the stamp, word 1 kind and length; payload words follow.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace memtape {

enum class RingRecord : uint8_t {
  kStack = 16,        // number | flags << 32, how many outermost frames are those of the ring's
                      // latest kStack, then the keys of the others, a word each, leaf first
  kCode = 17,         // CodeHead, name, functions, InlinedFunctions, positions, call sites
  kCodeMoved = 18,    // from, to
  kScript = 19,       // ScriptHead, url, source mapping url
  kScriptLines = 20,  // script id | count << 32, then line lengths as varints: appended to before
  kGc = 21,           // type | phase << 32
  kMark = 22,         // byte length, name
  kThreadName = 23,   // byte length | NameSource << 32, name
  kModulesChanged = 24,  // a ModulesChange
  kJsSample = 25,        // JsSampleHead, then per space: size, used, name (24 bytes, zero-filled)
  kThread = 26,          // kind | worker id << 32
  kMetadata = 27,        // byte length, JSON text
  kOrigin = 28,          // number of a stack of this ring that origin keys will name
  kFork = 29,            // the child's pid | stack number of this ring << 32
  kThreadLeft = 30,      // no payload: what the thread was started for is over
  kJsHeapNodes = 32,     // 1 if they are a profile's first, then JsHeapNodes with their texts
  kJsHeap = 33,          // a profile is complete: JsHeapHead, why there is none
};

enum class ModulesChange : uint64_t { kLoading = 0, kUnloading = 1, kUnloaded = 2 };

// kSet: by the thread itself. kSetByOther: some thread's name, which is not said; ask the kernel.
// kGiven: what it is to be called, whatever the kernel's (short) name is.
enum class NameSource : uint32_t { kSet = 0, kSetByOther = 1, kGiven = 2 };

// Frame keys: a plain key is an address (a return address, native or JavaScript). Bit 63 marks an
// address inside a BytecodeArray (an interpreted frame), bit 62 a label.
inline constexpr uint64_t kKeyInterpreted = uint64_t{1} << 63;
inline constexpr uint64_t kKeyLabel = uint64_t{1} << 62;
inline constexpr uint64_t kLabelGc = kKeyLabel | 1;
inline constexpr uint64_t kLabelJsUnknown = kKeyLabel | 2;
inline constexpr uint64_t kLabelLibuvPool = kKeyLabel | 3;
inline constexpr uint64_t kLabelV8Platform = kKeyLabel | 4;
inline constexpr uint64_t kLabelJsHeap = kKeyLabel | 5;

// Both bits: an origin, the outermost key of a stack. The stack goes on with another one, that of
// the thread that queued this work or started this thread, as that thread's ring numbered it.
inline constexpr uint64_t kKeyOrigin = kKeyInterpreted | kKeyLabel;
inline constexpr uint64_t kOriginStartedThread = uint64_t{1} << 61;  // else: queued work
inline constexpr uint64_t kOriginCut = uint64_t{1} << 60;            // origins in between left out
constexpr bool IsOriginKey(uint64_t key) {
  return (key & kKeyOrigin) == kKeyOrigin;
}
// Thread ids and ring stack numbers are not used again within a recording.
constexpr uint64_t OriginKey(uint32_t thread, uint32_t ring_stack) {
  return kKeyOrigin | uint64_t{thread} << 32 | ring_stack;
}
// What identifies the origin's stack, whoever goes on from it.
constexpr uint64_t OriginStackOf(uint64_t key) {
  return key & ~(kOriginStartedThread | kOriginCut);
}

struct CodeHead {
  uint64_t start;
  uint32_t length;
  uint32_t script_id;   // 0: none
  uint16_t type;        // V8's JitCodeEvent::CodeType: 0 bytecode, 1 machine code, 2 wasm
  uint16_t encoding;    // of the position table, v8/position_table.h
  uint32_t name_bytes;  // V8's name of the code, such as "JS:*f file.js:3:9"
  // Of optimized code: the functions in it, each a word, the address of its bytecode (0: not
  // known). The first is the one that the code was made for.
  uint32_t function_count;
  uint32_t inlined_count;
  uint32_t positions_bytes;  // V8's encoding, v8/position_table.h
  uint32_t sites_bytes;      // v8/call_sites.h
  // When optimized code is thrown away while a call is in progress, V8 replaces the call's return
  // address by that of an exit: exit_start for the first call site, exit_bytes more for each next.
  uint32_t exit_start;
  uint32_t exit_bytes;
};
inline constexpr size_t kMaxCodeFunctions = 512;
inline constexpr size_t kMaxInlinedFunctions = 512;

// A function that was inlined, by inlining id: where it was called, as a raw position, and which of
// the functions it is.
struct InlinedFunction {
  uint64_t call_position;
  uint64_t function;
};

struct ScriptHead {
  uint32_t script_id;
  uint32_t line_offset;
  uint32_t column_offset;
  uint32_t url_bytes;
  uint32_t map_url_bytes;
  uint32_t pad;
};

struct JsSampleHead {
  uint64_t heap_total, heap_used, external, malloced, heap_limit;
  uint64_t space_count;
};
inline constexpr size_t kSpaceNameBytes = 24;
struct JsSpace {
  uint64_t size, used;
  char name[kSpaceNameBytes];
};

// A function in the tree of a JavaScript heap's profile, parents first: the next one is below it
// when its depth is larger. Then the name and the script's name, up to a multiple of 8 bytes.
struct JsHeapNode {
  uint64_t bytes, objects;  // that it allocated itself
  uint32_t depth;           // 0: nothing is above it
  uint32_t script_id;       // 0: none
  uint32_t line, column;    // where the function begins
  uint32_t name_bytes, url_bytes;
  size_t text_bytes() const { return (size_t{name_bytes} + url_bytes + 7) & ~size_t{7}; }
};

struct JsHeapHead {
  uint64_t flags;  // of a js_heap record, format.h
  uint64_t interval, used, samples;
  uint64_t problem_bytes;
};

// Where the emitters of such records (cpp/v8) find their way to the calling thread's ring.
struct RecordPart {
  const void* data;
  size_t bytes;
};
using PushRecord = void (*)(RingRecord kind, const RecordPart* parts, size_t count);

}  // namespace memtape
