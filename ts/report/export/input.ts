// SPDX-License-Identifier: MIT
// What every foreign format is made from.

import type { TimelineAggregator } from '../../aggregate/timeline.js';
import type { NamedStacks } from '../../model/named-stacks.js';
import type { Profile } from '../../model/profile.js';
import type { StatsReport } from '../stats-report.js';
import type { Threads } from '../thread-text.js';

/** What one process did over time. */
export interface ProcessTimes {
  readonly timeline: TimelineAggregator;
  readonly threads: Threads;
  readonly pid: number;
  readonly command: string;
  readonly peak: { readonly timeNs: number; readonly bytes: number };
  /** How much later than the first it began. */
  readonly offsetNs: number;
}

export interface ExportInput {
  /** What is asked for: the peak, what leaked, or what was temporary. */
  readonly profile: Profile;
  /** Everything that was ever allocated. */
  readonly allocated: Profile;
  readonly stacks: NamedStacks;
  readonly threads: Threads;
  readonly times: readonly ProcessTimes[];
  readonly stats: StatsReport;
  readonly startUnixNs: bigint;
}

/** In pieces, because a large report is longer than a string can be. */
export type ExportChunks = Iterable<string | Uint8Array>;
