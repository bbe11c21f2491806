// SPDX-License-Identifier: MIT
// Every number of docs/format.md, once. ts/format/constants.ts is its twin; a test compares the
// three.
#pragma once

#include <cstddef>
#include <cstdint>

namespace memtape {

// §2 File header
inline constexpr uint8_t kMagic[8] = {0x89, 'M', 'T', 'A', 'P', 'E', '\r', '\n'};
inline constexpr uint16_t kVersionMajor = 1;
inline constexpr uint16_t kVersionMinor = 0;
inline constexpr size_t kFileHeaderBytes = 64;

inline constexpr size_t kHeaderMagicOffset = 0;
inline constexpr size_t kHeaderVersionMajorOffset = 8;
inline constexpr size_t kHeaderVersionMinorOffset = 10;
inline constexpr size_t kHeaderHeaderBytesOffset = 12;
inline constexpr size_t kHeaderCaptureIdOffset = 16;
inline constexpr size_t kHeaderPidOffset = 24;
inline constexpr size_t kHeaderStartUnixNsOffset = 32;
inline constexpr size_t kHeaderFlagsOffset = 40;
inline constexpr size_t kHeaderReservedOffset = 44;
inline constexpr size_t kHeaderCrcOffset = 60;

inline constexpr uint32_t kHeaderFlagFinalized = 1;

// §3 Blocks
inline constexpr size_t kBlockHeaderBytes = 12;

inline constexpr size_t kBlockPayloadBytesOffset = 0;
inline constexpr size_t kBlockCrcOffset = 4;
inline constexpr size_t kBlockKindOffset = 8;
inline constexpr size_t kBlockReservedOffset = 9;

enum class BlockKind : uint8_t { kRecords = 1, kZstd = 2, kGzip = 3, kColumns = 4 };

// §4.1 alloc
inline constexpr uint8_t kAllocTag = 0x80;
inline constexpr unsigned kAllocAllocatorShift = 4;
inline constexpr uint8_t kAllocSameStack = 0x08;
inline constexpr uint8_t kAllocSameSize = 0x04;

enum class Allocator : uint8_t {
  kMalloc = 0,
  kCalloc = 1,
  kRealloc = 2,  // reallocarray too
  kPosixMemalign = 3,
  kAlignedAlloc = 4,
  kMemalign = 5,
  kValloc = 6,
  kPvalloc = 7,
};

enum class AddressMode : uint8_t { kNew = 0, kKnown = 1, kRecentlyFreed = 2, kNewUnaligned = 3 };

// §4.2 free
inline constexpr uint8_t kFreeTag = 0x40;
inline constexpr uint8_t kFreeLatest = 0x20;
inline constexpr uint32_t kLatestAllocs = 32;
inline constexpr uint8_t kFreeRecent = 0x10;
inline constexpr unsigned kFreeLowBits = 4;

// §4.3 Delta state
inline constexpr uint32_t kRecentFrees = 4096;
inline constexpr uint32_t kRecentAllocs = 4096;
inline constexpr uint32_t kRecentStacks = 120;
inline constexpr uint32_t kPredictedFrames = 4096;

// §4.4 Short records
inline constexpr uint8_t kTimeTag = 0x01;
inline constexpr uint8_t kThreadTag = 0x02;
inline constexpr uint8_t kForeignFreeTag = 0x03;
inline constexpr uint8_t kStackTag = 0x04;
inline constexpr unsigned kStackFlagBits = 4;

// §5 Long records
inline constexpr uint8_t kFirstLongTag = 0x20;
inline constexpr uint8_t kLastLongTag = 0x3F;

enum class LongTag : uint8_t {
  kString = 0x20,
  kModule = 0x21,
  kThreadStart = 0x22,
  kThreadName = 0x23,
  kThreadEnd = 0x24,
  kFunction = 0x25,
  kFrame = 0x26,
  kMap = 0x29,
  kSample = 0x2A,
  kJsSample = 0x2B,
  kGc = 0x2C,
  kMark = 0x2D,
  kMetadata = 0x2E,
  kTrailer = 0x2F,
  kSymbol = 0x30,
  kOrigin = 0x31,
  kPackage = 0x32,
  kStall = 0x33,
  kRingStack = 0x34,
  kRingTails = 0x35,
  kSourceMap = 0x36,
  kRss = 0x37,
  kRssPages = 0x38,
  kJsHeap = 0x3A,
  kJsHeapStacks = 0x3B,
  kSourceLine = 0x3C,
  kFork = 0x3E,
};

// §4.5 flags of a stack
inline constexpr uint32_t kStackCut = 1;
inline constexpr uint32_t kStackInGc = 2;
inline constexpr uint32_t kStackJsUnknown = 4;
inline constexpr uint32_t kStackLost = 8;

// §5.4 flags of a js_heap
inline constexpr uint64_t kJsHeapEnd = 1;
inline constexpr uint64_t kJsHeapCollected = 2;

// §5 thread kinds
enum class ThreadKind : uint8_t {
  kUnknown = 0,
  kMain = 1,
  kWorker = 2,
  kLibuvPool = 3,
  kV8Platform = 4,
  kNative = 5,
};

// §5 gc phases
enum class GcPhase : uint8_t { kStart = 0, kEnd = 1 };

// §5.1 frame kinds
enum class FrameKind : uint8_t {
  kNative = 0,
  kInterpreted = 1,
  kBaseline = 2,
  kMaglev = 3,
  kTurbofan = 4,
  kBuiltin = 5,
  kWasm = 6,
  kLabel = 7,
  kFunction = 8,
};

// §5.2 map
enum class MapOp : uint8_t { kMmap = 0, kMunmap = 1, kMremap = 2, kMprotect = 3, kMadvise = 4 };
// flags of a kMprotect that failed at a hole in its range, after it had changed what is before it.
inline constexpr uint64_t kUpToHole = 1;
enum class MemoryClass : uint8_t { kCommitted = 0, kReserved = 1, kFile = 2 };

// §5.3 rss
enum class RssPart : uint8_t {
  kFile = 0,
  kCode = 1,
  kMapping = 2,
  kThreadStack = 3,
  kArena = 4,
  kAnonymous = 5,
  kEarlier = 6,
  kMemtape = 7,
  kOther = 8,
};
inline constexpr uint64_t kRssPageBytes = 4096;

// §6 Marks that the writer makes
inline constexpr char kExitMark[] = "memtape:exit";
inline constexpr char kUncaughtMarkPrefix[] = "memtape:uncaught ";

// §8 Limits
inline constexpr size_t kMaxBlockBytes = 16777216;
inline constexpr size_t kMaxInflatedBytes = 67108864;
inline constexpr size_t kMaxStringBytes = 1048576;
inline constexpr size_t kMaxFrames = 1024;
inline constexpr size_t kMaxRecordBytes = 4194304;
inline constexpr uint32_t kMaxId = 2147483647;
inline constexpr uint32_t kMaxThreads = 16777216;

static_assert(kMaxStringBytes < kMaxRecordBytes && kMaxRecordBytes < kMaxBlockBytes);
static_assert(kHeaderCrcOffset + 4 == kFileHeaderBytes);
static_assert(kBlockReservedOffset + 3 == kBlockHeaderBytes);

}  // namespace memtape
