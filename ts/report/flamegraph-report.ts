// SPDX-License-Identifier: MIT
// The shape of the flame graph report: everything that its page shows.

import type { ThreadInfo } from '../format/records.js';
import type { SourcedFrame } from '../model/frame.js';
import type { ProfileKind } from '../model/profile.js';
import type { Lives, SnapshotChanges } from '../model/time-slices.js';
import type { JsHeapReport } from './js-heap-report.js';
import type { StatsReport } from './stats-report.js';
import type { WorkerName } from './thread-text.js';
import type { TimelineReport } from './timeline.js';

/** Columns of equal length; node 0 is the root, and a parent's index is below its children's. */
export interface TreeColumns {
  readonly parent: number[];
  readonly frame: number[];
  readonly self_bytes: number[];
  readonly self_count: number[];
  /** In a comparison: what the earlier capture had there. */
  readonly self_bytes_before?: number[];
}

/** Columns of equal length: a node, and the thread and the allocator of what it holds itself. */
export interface PlaceColumns {
  readonly node: number[];
  readonly thread: number[];
  /** Indexes `allocators`. */
  readonly allocator: number[];
}

/** What nodes hold themselves, by thread and allocator. */
export interface EntryColumns extends PlaceColumns {
  readonly bytes: number[];
  readonly count: number[];
}

/** Memory over time: for any range of slices what was live at the peak in it, or what was allocated in it and live at its end. */
export interface TemporalColumns {
  /** Slice i lasts from edges_ms[i] to edges_ms[i + 1]. */
  readonly edges_ms: number[];
  /** The edge at which the program exited; null when it did not. */
  readonly exit_edge: number | null;
  readonly places: PlaceColumns;
  /** Of each slice the highest heap, when that was, and how what was live then differs from the slice before. */
  readonly peaks?: {
    readonly bytes: number[];
    readonly time_ms: number[];
    /** `place` indexes `places`. */
    readonly changes: SnapshotChanges;
  };
  /** In which slice what was allocated and freed (-1: never), unless in the same. */
  readonly lives?: Lives;
}

export interface ThreadName {
  readonly id: number;
  readonly name: string;
  readonly kind: ThreadInfo['kind'];
  /** Of a worker: what the program calls it. */
  readonly worker?: WorkerName;
  /** Of several processes, the one that it is of. */
  readonly process?: string;
}

export interface FlamegraphReport {
  readonly title: string;
  readonly kind: ProfileKind;
  /** Where it is about several. */
  readonly processes?: readonly string[];
  /** By frame id of the tree; id 0 is the root. */
  readonly frames: readonly SourcedFrame[];
  readonly tree: TreeColumns;
  /** Not in a comparison. */
  readonly entries?: EntryColumns;
  /** Those in `entries` and `temporal`. */
  readonly threads?: readonly ThreadName[];
  readonly allocators?: readonly string[];
  readonly temporal?: TemporalColumns;
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
  /** When it is about the JavaScript heap. */
  readonly js_heap?: JsHeapReport;
}
