// SPDX-License-Identifier: MIT
// Who receives the events of a capture. Every method is optional; records describe themselves completely.

import type {
  FileHeader,
  ForkRecord,
  GcRecord,
  JsHeapRecord,
  JsHeapStacksRecord,
  JsSampleRecord,
  MapRecord,
  MarkRecord,
  RssPagesRecord,
  RssRecord,
  SampleRecord,
  StallRecord,
} from '../format/records.js';
import type { LiveBlocks } from './live-blocks.js';
import type { Tables } from './tables.js';

/** What a consumer can look things up in, while the capture is read and afterwards. */
export interface CaptureStart {
  readonly header: FileHeader;
  /** Grows with the capture. */
  readonly tables: Tables;
  /**
   * What is live, by address id. Allocs, frees and the clock are told in batches, so there it may be ahead; it is not in any other handler.
   */
  readonly blocks: LiveBlocks;
  /** The address of an address id; 0 unless addresses are kept. */
  readonly address: (addressId: number) => number;
}

export interface Consumer {
  /** Before the first record. */
  onStart?(capture: CaptureStart): void;
  /** What the process says about itself, as JSON; a later one adds to it. */
  onMetadata?(json: Readonly<Record<string, unknown>>): void;
  /** `allocator` indexes ALLOCATORS. */
  onAlloc?(stack: number, size: number, allocator: number, thread: number, addressId: number): void;
  /** Describes the block that is freed: the stack, allocator and thread that made it. */
  onFree?(stack: number, size: number, allocator: number, thread: number, addressId: number): void;
  /** A free of an address that was not allocated under tracking. */
  onForeignFree?(): void;
  /** The clock moved; in nanoseconds since the capture's start, never backwards. */
  onTime?(timeNs: number): void;
  onMap?(map: MapRecord): void;
  onSample?(sample: SampleRecord): void;
  /** What RSS was made of. */
  onRss?(rss: RssRecord): void;
  /** Follows onRss, as often as there are pages for. */
  onRssPages?(pages: RssPagesRecord): void;
  onJsSample?(sample: JsSampleRecord): void;
  onJsHeapStacks?(part: JsHeapStacksRecord): void;
  onJsHeap?(heap: JsHeapRecord): void;
  onGc?(gc: GcRecord): void;
  onMark?(mark: MarkRecord): void;
  onStall?(stall: StallRecord): void;
  onFork?(fork: ForkRecord): void;
}

/** Definitions, with the identifier that each gets. Their meaning is in Tables once the method is called. */
export type Definition =
  | { readonly type: 'string'; readonly id: number }
  | { readonly type: 'function'; readonly id: number }
  | { readonly type: 'frame'; readonly id: number }
  | { readonly type: 'node'; readonly id: number }
  | { readonly type: 'stack'; readonly id: number }
  | { readonly type: 'module'; readonly id: number; readonly loaded: boolean }
  | { readonly type: 'thread_start' | 'thread_name' | 'thread_end'; readonly id: number }
  | {
      readonly type: 'symbol';
      readonly id: number;
      readonly offset: number;
      readonly inlined: number;
    }
  | { readonly type: 'origin'; readonly id: number }
  | { readonly type: 'package'; readonly id: number }
  | { readonly type: 'source_map'; readonly id: number }
  | {
      readonly type: 'source_line';
      readonly id: number;
      readonly line: number;
      readonly column: number;
    }
  | {
      readonly type: 'ring_stack';
      readonly id: number;
      readonly ring: number;
      readonly stack: number;
    }
  | { readonly type: 'ring_tails'; readonly id: number; readonly tail: number };

export interface Dropped {
  /** Of the first byte that was dropped: in the file, or in the payload when `inBlock` is set. */
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
}

/** What the dump needs besides: every record, and what was wrong with the rest. */
export interface RecordConsumer extends Consumer {
  onBlock?(offset: number, payloadBytes: number, kind: number): void;
  onThread?(thread: number): void;
  onDefinition?(definition: Definition): void;
  onTrailer?(json: unknown): void;
  onUnknownRecord?(tag: number, bytes: number): void;
  /** A free of an id that is not live (F-10); onFree is not called for it. */
  onUnknownFree?(addressId: number): void;
  /** An alloc where a block is live (F-10); onFree for that block follows. */
  onMissedFree?(addressId: number): void;
  onDropped?(dropped: Dropped): void;
}
