// SPDX-License-Identifier: MIT
// The shape of the flame graph report: everything that its page shows.

import type { SourcedFrame } from '../model/frame.js';
import type { ProfileKind } from '../model/profile.js';
import type { StatsReport } from './stats-report.js';
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

export interface FlamegraphReport {
  readonly title: string;
  readonly kind: ProfileKind;
  /** By frame id of the tree; id 0 is the root. */
  readonly frames: readonly SourcedFrame[];
  readonly tree: TreeColumns;
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
}
