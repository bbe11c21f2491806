// SPDX-License-Identifier: MIT
// What resident memory is made of, as plain data.

/** Kinds of resident memory in the order in which they are stacked, and what each is called. */
export const RSS_KINDS = {
  code: 'program and libraries',
  memtape: 'memtape itself',
  stacks: 'thread stacks',
  files: 'mapped files',
  mappings: 'other mappings',
  v8_heap: "V8's heap",
  v8_other: "V8's other pages",
  blocks: 'live blocks',
  overhead: "malloc's heads and rounding",
  fragments: 'freed, between live blocks',
  free: 'freed, whole pages',
  earlier: 'from before the recording',
  other: 'the rest',
} as const;

export type RssKind = keyof typeof RSS_KINDS;

export interface RssDetail {
  readonly name: string;
  readonly bytes: number;
}

export interface RssRow {
  readonly kind: RssKind;
  readonly label: string;
  readonly bytes: number;
  /** Of RSS, 0 to 1. */
  readonly share: number;
  /** Largest first; they add up to `bytes`, or there are none. */
  readonly details: readonly RssDetail[];
}

/** One of malloc's arenas: what of it is resident. */
export interface RssArena {
  /** 1 is the main one. */
  readonly arena: number;
  readonly resident: number;
  readonly live: number;
  readonly overhead: number;
  /** Free memory on pages that have live blocks, too. */
  readonly fragments: number;
  /** Pages without a live block: what malloc_trim(0) gives back. */
  readonly free: number;
  /** Beside `live`, where nothing more is known: blocks of before the recording, and all of the above. */
  readonly unknown: number;
}

export interface RssBreakdown {
  readonly time_ms: number;
  readonly rss: number;
  /** All kinds, in their order; they add up to `rss`. */
  readonly rows: readonly RssRow[];
  readonly arenas: readonly RssArena[];
  /** As requested, and how much of it is not in RAM because nobody has written to it yet, or it was swapped out. */
  readonly live_bytes: number;
  readonly live_untouched: number;
  /** Objects in V8's heaps, of the latest samples before. */
  readonly v8_used: number;
}

export type RssVerdictKind =
  | 'fragmentation'
  | 'retained'
  | 'blocks'
  | 'v8-objects'
  | 'v8-pages'
  | 'v8-other'
  | 'mappings'
  | 'files'
  | 'stacks'
  | 'unknown'
  | 'baseline';

export interface RssVerdict {
  readonly verdict: RssVerdictKind;
  /** Sentences, the decisive one first. */
  readonly why: readonly string[];
  readonly advice: readonly string[];
}

export interface RssExplained extends RssBreakdown, RssVerdict {}

/** Columns of equal length; at each time the kinds add up to `rss`. */
export interface RssSeries {
  readonly time_ms: readonly number[];
  readonly rss: readonly number[];
  readonly kinds: Readonly<Record<RssKind, readonly number[]>>;
}

export interface RssReport {
  /** The recorded program's command line. */
  readonly command: string;
  /** null: the capture does not say what RSS was made of. */
  readonly peak: RssExplained | null;
  /** Before Node.js takes itself down; without an exit, at the last look. */
  readonly end: RssExplained | null;
  readonly series: RssSeries;
  /** The highest of all samples, which are taken more often than looks. */
  readonly highest: { readonly time_ms: number; readonly rss: number };
  readonly notes: readonly string[];
}
