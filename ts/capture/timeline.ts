// SPDX-License-Identifier: MIT
// Memory over time as the API hands it out.

import type {
  JsHeapSeries,
  ProcessSeries,
  TimelineAggregator,
  TimelineMark,
} from '../aggregate/timeline.js';
import { gcTypeName } from '../report/timeline.js';

export interface Collection {
  readonly thread: number;
  /** `scavenge`, `mark-sweep-compact`, … */
  readonly collection: string;
  readonly startNs: number;
  readonly endNs: number;
}

export interface CollectionTotal {
  readonly collection: string;
  readonly count: number;
  readonly pauseNs: number;
  readonly longestNs: number;
}

/** Series are columns of equal length: times in nanoseconds, sizes in bytes. Of very many samples the extremes are kept. */
export interface Timeline {
  readonly process: ProcessSeries;
  /** One per JavaScript heap. */
  readonly jsHeaps: readonly JsHeapSeries[];
  readonly rssPeak: { readonly bytes: number; readonly timeNs: number };
  /** Most address space that was reserved and not committed. */
  readonly reservedPeakBytes: number;
  /** In order of time; the longest ones when there were very many. */
  readonly collections: readonly Collection[];
  /** All of them, by type. */
  readonly collectionTotals: readonly CollectionTotal[];
  readonly marks: readonly TimelineMark[];
  /** Those beyond `marks` included. */
  readonly markCount: number;
}

/** @internal */
export function captureTimeline(timeline: TimelineAggregator): Timeline {
  return {
    process: timeline.processSeries(),
    jsHeaps: timeline.jsHeapSeries(),
    rssPeak: timeline.rssPeak,
    reservedPeakBytes: timeline.reservedPeakBytes,
    collections: timeline.gcs().map(({ type, ...gc }) => ({ ...gc, collection: gcTypeName(type) })),
    collectionTotals: timeline
      .gcTotals()
      .map(({ type, ...total }) => ({ collection: gcTypeName(type), ...total })),
    marks: timeline.marks(),
    markCount: timeline.markCount,
  };
}
