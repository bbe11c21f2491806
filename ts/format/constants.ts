// SPDX-License-Identifier: MIT
// Every number of docs/format.md, once; twin of cpp/format/format.h and rings.h. A test compares the three.

// §2 File header
export const MAGIC: readonly number[] = [0x89, 0x4d, 0x54, 0x41, 0x50, 0x45, 0x0d, 0x0a];
export const VERSION_MAJOR = 1;
export const VERSION_MINOR = 0;
export const FILE_HEADER_BYTES = 64;
export const MAX_FILE_HEADER_BYTES = 4096;

export const HEADER_OFFSET = {
  magic: 0,
  version_major: 8,
  version_minor: 10,
  header_bytes: 12,
  capture_id: 16,
  pid: 24,
  start_unix_ns: 32,
  flags: 40,
  reserved: 44,
  crc: 60,
} as const;

export const HEADER_FLAG_FINALIZED = 1;

// §3 Blocks
export const BLOCK_HEADER_BYTES = 12;

export const BLOCK_OFFSET = { payload_bytes: 0, crc: 4, kind: 8, reserved: 9 } as const;

export const BLOCK_KIND = { records: 1, zstd: 2, gzip: 3, columns: 4 } as const;

// §4.1 alloc
export const ALLOC_TAG = 0x80;
export const ALLOC_ALLOCATOR_SHIFT = 4;
export const ALLOC_SAME_STACK = 0x08;
export const ALLOC_SAME_SIZE = 0x04;

/** By number. */
export const ALLOCATORS = [
  'malloc',
  'calloc',
  'realloc',
  'posix_memalign',
  'aligned_alloc',
  'memalign',
  'valloc',
  'pvalloc',
] as const;

export const ADDRESS_MODE = { new: 0, known: 1, recently_freed: 2, new_unaligned: 3 } as const;

// §4.2 free
export const FREE_TAG = 0x40;
export const FREE_LATEST = 0x20;
export const LATEST_ALLOCS = 32;
export const FREE_RECENT = 0x10;
export const FREE_LOW_BITS = 4;

// §4.3 Delta state
export const RECENT_FREES = 4096;
export const RECENT_ALLOCS = 4096;
export const RECENT_STACKS = 120;
export const PREDICTED_FRAMES = 4096;

// §4.4 Short records
export const SHORT_TAG = { time: 0x01, thread: 0x02, foreign_free: 0x03, stack: 0x04 } as const;
export const STACK_FLAG_BITS = 4;

// §5 Long records
export const FIRST_LONG_TAG = 0x20;
export const LAST_LONG_TAG = 0x3f;

export const LONG_TAG = {
  string: 0x20,
  module: 0x21,
  thread_start: 0x22,
  thread_name: 0x23,
  thread_end: 0x24,
  function: 0x25,
  frame: 0x26,
  map: 0x29,
  sample: 0x2a,
  js_sample: 0x2b,
  gc: 0x2c,
  mark: 0x2d,
  metadata: 0x2e,
  trailer: 0x2f,
  symbol: 0x30,
  origin: 0x31,
  package: 0x32,
  stall: 0x33,
  ring_stack: 0x34,
  ring_tails: 0x35,
  source_map: 0x36,
  rss: 0x37,
  rss_pages: 0x38,
  js_heap: 0x3a,
  js_heap_stacks: 0x3b,
  source_line: 0x3c,
  fork: 0x3e,
} as const;

// §4.5 flags of a stack
export const STACK_CUT = 1;
export const STACK_IN_GC = 2;
export const STACK_JS_UNKNOWN = 4;
export const STACK_LOST = 8;

/** By number. */
export const THREAD_KINDS = [
  'unknown',
  'main',
  'worker',
  'libuv_pool',
  'v8_platform',
  'native',
] as const;

export const GC_PHASE = { start: 0, end: 1 } as const;

// §5.1 frame kinds
export const FRAME_KIND = {
  native: 0,
  interpreted: 1,
  baseline: 2,
  maglev: 3,
  turbofan: 4,
  builtin: 5,
  wasm: 6,
  label: 7,
  function: 8,
} as const;

// §5.4 flags of a js_heap
export const JS_HEAP_END = 1;
export const JS_HEAP_COLLECTED = 2;

// §5.2 map
export const MAP_OP = { mmap: 0, munmap: 1, mremap: 2, mprotect: 3, madvise: 4 } as const;
/** Flags of an mprotect that failed at a hole in its range, after changing what is before it. */
export const UP_TO_HOLE = 1;
export const MEMORY_CLASS = { committed: 0, reserved: 1, file: 2 } as const;

// §5.3 rss
export const RSS_PART = {
  file: 0,
  code: 1,
  mapping: 2,
  thread_stack: 3,
  arena: 4,
  anonymous: 5,
  earlier: 6,
  memtape: 7,
  other: 8,
} as const;
export const RSS_PAGE_BYTES = 4096;

// §6 Marks that the writer makes
export const OWN_MARK_PREFIX = 'memtape:';
export const EXIT_MARK = 'memtape:exit';
export const UNCAUGHT_MARK_PREFIX = 'memtape:uncaught ';

// §7 FILE.rings
export const RINGS_MAGIC: readonly number[] = [0x89, 0x4d, 0x54, 0x52, 0x49, 0x4e, 0x47, 0x0a];
export const RINGS_HEADER_BYTES = 4096;

export const RINGS_OFFSET = {
  magic: 0,
  version_major: 8,
  version_minor: 10,
  slot_bytes: 12,
  capture_id: 16,
  ticks_at_start: 24,
  ticks_per_second: 32,
  start_unix_ns: 40,
  slot_count: 48,
} as const;

export const SLOT_HEADER_BYTES = 4096;
export const SLOT_OFFSET = { head: 0, tail: 64, thread: 128, os_tid: 132 } as const;

export const RING_WORD_BYTES = 8;
export const RING_KIND = { free: 1, alloc: 2, map: 3 } as const;
export const RING_WORDS = { free: 2, alloc: 4, map: 6 } as const;
export const RING_FIRST_VARIABLE = 16;

// §8 Limits
export const LIMITS = {
  kMaxBlockBytes: 16_777_216,
  kMaxInflatedBytes: 67_108_864,
  kMaxStringBytes: 1_048_576,
  kMaxFrames: 1024,
  kMaxRecordBytes: 4_194_304,
  kMaxId: 2_147_483_647,
  kMaxThreads: 16_777_216,
} as const;
