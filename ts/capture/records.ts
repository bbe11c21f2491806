// SPDX-License-Identifier: MIT
// Records as the API hands them out. Times are nanoseconds since the recording's start, sizes are bytes.

import type {
  AllocatorName,
  ForkRecord,
  JsHeapRecord,
  JsHeapStacksRecord,
  JsSampleRecord,
  MapOpName,
  MarkRecord,
  RssPagesRecord,
  RssRecord,
  SampleRecord,
  StallRecord,
} from '../format/records.js';

export const RECORD_TYPES = [
  'alloc',
  'free',
  'foreign_free',
  'map',
  'sample',
  'js_sample',
  'js_heap_stacks',
  'js_heap',
  'gc',
  'mark',
  'stall',
  'fork',
  'rss',
  'rss_pages',
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** A block was allocated. */
export interface AllocRecord {
  readonly type: 'alloc';
  readonly timeNs: number;
  /** That allocated it. */
  readonly thread: number;
  /** Of the capture's stacks: `capture.stacks()` knows its frames. */
  readonly stack: number;
  readonly allocator: AllocatorName;
  /** As requested. */
  readonly bytes: number;
  readonly address: number;
}

/** A block was freed; the fields are those of its allocation. */
export interface FreeRecord extends Omit<AllocRecord, 'type'> {
  readonly type: 'free';
  /** The free itself went unseen: its address was allocated again. */
  readonly missed: boolean;
}

/** A free of a block from before the recording. */
export interface ForeignFreeRecord {
  readonly type: 'foreign_free';
  readonly timeNs: number;
}

export type MemoryClass = 'committed' | 'reserved' | 'file';

/** What a call changed for one class of memory of one stack. */
export interface MappingDelta {
  readonly class: MemoryClass;
  readonly stack: number;
  readonly bytes: number;
  /** How many ranges the stack gained or lost. */
  readonly ranges: number;
}

/** Pages were mapped, unmapped, moved, protected or advised. */
export interface MappingRecord {
  readonly type: 'map';
  readonly timeNs: number;
  readonly op: MapOpName;
  readonly address: number;
  readonly length: number;
  /** As passed; for mremap the new address. */
  readonly prot: number;
  /** As passed; for mremap the new length. */
  readonly flags: number;
  readonly stack: number;
  readonly deltas: readonly MappingDelta[];
}

/** A collection began or ended. */
export interface CollectionRecord {
  readonly type: 'gc';
  readonly timeNs: number;
  readonly thread: number;
  /** `scavenge`, `mark-sweep-compact`, … */
  readonly collection: string;
  readonly phase: 'start' | 'end';
}

/** Records that are too rare for columns. */
export type RareRecord =
  | MappingRecord
  | CollectionRecord
  | (SampleRecord & { readonly type: 'sample' })
  | (JsSampleRecord & { readonly type: 'js_sample' })
  | (JsHeapStacksRecord & { readonly type: 'js_heap_stacks' })
  | (JsHeapRecord & { readonly type: 'js_heap' })
  | (MarkRecord & { readonly type: 'mark' })
  | (StallRecord & { readonly type: 'stall' })
  | (ForkRecord & { readonly type: 'fork' })
  | (RssRecord & { readonly type: 'rss' })
  | (RssPagesRecord & { readonly type: 'rss_pages' });

export type CaptureRecord = AllocRecord | FreeRecord | ForeignFreeRecord | RareRecord;
