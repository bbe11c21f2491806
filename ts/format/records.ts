// SPDX-License-Identifier: MIT
// What the records of docs/format.md §5 say, in the words of the format. Identifiers are numbers; the decoder's tables
// give them their meaning.

import type { ALLOCATORS, FRAME_KIND, MAP_OP, RSS_PART, THREAD_KINDS } from './constants.js';

export type AllocatorName = (typeof ALLOCATORS)[number];
export type ThreadKind = (typeof THREAD_KINDS)[number];
export type FrameKindName = keyof typeof FRAME_KIND;
export type MapOpName = keyof typeof MAP_OP;
export type RssPartName = keyof typeof RSS_PART;

/** §2. 64-bit numbers stay whole. */
export interface FileHeader {
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly captureId: bigint;
  readonly pid: number;
  readonly startUnixNs: bigint;
  readonly finalized: boolean;
  readonly headerBytes: number;
}

export interface MapDelta {
  /** A value of MEMORY_CLASS; unknown ones are passed on. */
  readonly class: number;
  readonly stack: number;
  readonly bytes: number;
  readonly ranges: number;
}

export interface MapRecord {
  readonly timeNs: number;
  /** A value of MAP_OP. */
  readonly op: number;
  readonly address: number;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  readonly stack: number;
  readonly deltas: readonly MapDelta[];
}

export interface SampleRecord {
  readonly timeNs: number;
  readonly rss: number;
  readonly heap: number;
  readonly liveBytes: number;
  readonly liveBlocks: number;
  readonly committed: number;
  readonly reserved: number;
  readonly file: number;
}

/** What a part of RSS is, and how much of it there was. */
export interface RssPart {
  readonly part: RssPartName;
  /** Of `mapping` the stack that made the memory usable, of `thread_stack` the thread (0: unknown), of `arena` its number. */
  readonly detail: number;
  /** Of `file` and `code` the path, of `other` what the kernel calls it; else empty. */
  readonly name: string;
  readonly bytes: number;
}

export interface RssRecord {
  readonly timeNs: number;
  /** The sum of all parts. */
  readonly rss: number;
  readonly parts: readonly RssPart[];
}

/** Resident pages in a row, of RSS_PAGE_BYTES each. */
export interface RssRun {
  /** Which of the parts of the latest RssRecord. */
  readonly part: number;
  /** Its address is that many pages. */
  readonly page: number;
  readonly pages: number;
}

export interface RssPagesRecord {
  readonly timeNs: number;
  readonly runs: readonly RssRun[];
}

export interface HeapSpace {
  readonly name: string;
  readonly size: number;
  readonly used: number;
}

export interface JsSampleRecord {
  readonly timeNs: number;
  readonly thread: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly malloced: number;
  readonly heapLimit: number;
  readonly spaces: readonly HeapSpace[];
}

/** A profile of a thread's JavaScript heap: its stacks came before. Or, with a problem, that there will be none. */
export interface JsHeapRecord {
  readonly timeNs: number;
  readonly thread: number;
  /** JS_HEAP_END, JS_HEAP_COLLECTED. */
  readonly flags: number;
  /** Bytes between two samples, on average. */
  readonly interval: number;
  /** Size of the heap then. */
  readonly used: number;
  readonly samples: number;
  /** How many entries its js_heap_stacks have together. */
  readonly stackCount: number;
  /** Empty: none. */
  readonly problem: string;
}

/** A part of the thread's next profile. Columns of equal length. */
export interface JsHeapStacksRecord {
  readonly timeNs: number;
  readonly thread: number;
  readonly stacks: readonly number[];
  readonly bytes: readonly number[];
  readonly objects: readonly number[];
}

export interface GcRecord {
  readonly timeNs: number;
  readonly thread: number;
  /** V8's GCType bit. */
  readonly gcType: number;
  /** A value of GC_PHASE. */
  readonly phase: number;
}

export interface MarkRecord {
  readonly timeNs: number;
  readonly thread: number;
  readonly name: string;
}

export interface StallRecord {
  readonly timeNs: number;
  readonly thread: number;
  readonly waitedNs: number;
}

/** What the child did is not in this capture. */
export interface ForkRecord {
  readonly timeNs: number;
  /** That forked. */
  readonly thread: number;
  /** Of the child. */
  readonly pid: number;
  readonly stack: number;
}

export interface FunctionInfo {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly scriptId: number;
}

/** §5.1: a frame as recorded, before anything is looked up outside the capture. */
export type FrameInfo =
  | { readonly kind: 'native'; readonly module: number; readonly offset: number }
  | {
      readonly kind: 'interpreted' | 'baseline' | 'maglev' | 'turbofan' | 'wasm' | 'function';
      readonly function: number;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'builtin'; readonly function: number }
  | { readonly kind: 'label'; readonly label: string };

export interface ModuleInfo {
  readonly module: number;
  readonly path: string;
  readonly buildId: string;
  readonly base: number;
  readonly end: number;
  readonly bias: number;
  readonly loadedNs: number;
  /** null while it is loaded. */
  readonly unloadedNs: number | null;
}

export interface ThreadInfo {
  readonly thread: number;
  readonly kind: ThreadKind;
  /** Empty when the thread has none. */
  readonly name: string;
  readonly osTid: number;
  readonly workerId: number;
  readonly startNs: number;
  /** null while it runs. */
  readonly endNs: number | null;
}

export interface SymbolInfo {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  /** 0 is the outermost function at this offset; the others were inlined into it. */
  readonly inlined: number;
}

export interface OriginInfo {
  readonly functionName: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface PackageInfo {
  readonly name: string;
  readonly version: string;
}
