// SPDX-License-Identifier: MIT
// What every foreign format is made from.

import type { TimelineAggregator } from '../../aggregate/timeline.js';
import type { ThreadInfo } from '../../format/records.js';
import type { FrameSource } from '../../model/frame-source.js';
import type { NamedStacks } from '../../model/named-stacks.js';
import type { Profile } from '../../model/profile.js';
import type { StatsReport } from '../stats-report.js';

export interface ExportInput {
  /** What is asked for: the peak, what leaked, or what was temporary. */
  readonly profile: Profile;
  /** Everything that was ever allocated. */
  readonly allocated: Profile;
  readonly stacks: NamedStacks;
  readonly source: FrameSource & { readonly threads: ReadonlyMap<number, ThreadInfo> };
  readonly timeline: TimelineAggregator;
  readonly stats: StatsReport;
  readonly startUnixNs: bigint;
}

/** In pieces, because a large report is longer than a string can be. */
export type ExportChunks = Iterable<string | Uint8Array>;
