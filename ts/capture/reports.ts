// SPDX-License-Identifier: MIT
// Reports that can be made of one capture and of several processes' together.

import type { Confidential } from '../model/confidential.js';
import type { ProfileKind } from '../model/profile.js';
import { EXPORT_FORMATS } from '../report/export/formats.js';
import type { FlamegraphInput } from '../report/flamegraph.js';
import type { FlamegraphReport } from '../report/flamegraph-report.js';
import type { StatsReport } from '../report/stats-report.js';
import type { SummaryOptions, SummaryReport } from '../report/summary.js';
import type { TableOptions, TableReport } from '../report/table.js';
import type { TreeOptions, TreeReport } from '../report/tree.js';
import { UsageError } from '../tracker/usage-error.js';
import type { Recording } from './recording.js';

/** Which blocks, or objects, a report is about. */
export interface ProfileSelection {
  /** `peak` unless given. */
  readonly kind?: ProfileKind;
  /** Of `temporary`: freed after at most so many further allocations of the thread. 1 unless given. */
  readonly threshold?: number;
}

export interface FlamegraphSelection extends ProfileSelection {
  readonly title?: string;
  /** A root for each thread. Default: false. */
  readonly splitThreads?: boolean;
  /** Of which files no source line is shown: `default` leaves out those that look like secrets. */
  readonly confidentialFiles?: Confidential;
}

export abstract class Reports {
  /** @internal */
  abstract recording(selection: ProfileSelection, measured: boolean): Promise<Recording>;

  /** What `memtape stats --json` prints. */
  async stats(options: { readonly top?: number } = {}): Promise<StatsReport> {
    return (await this.recording({}, true)).stats(options);
  }

  /** What `memtape summary --json` prints. */
  async summary(options: ProfileSelection & SummaryOptions = {}): Promise<SummaryReport> {
    return (await this.recording(options, false)).summary(options);
  }

  /** What the page of `memtape flamegraph` shows; `renderFlamegraph` makes the page. */
  async flamegraph(options: FlamegraphSelection = {}): Promise<FlamegraphReport> {
    return flamegraphOf(await this.recording(options, true), options);
  }

  /** What `memtape table` shows. */
  async table(options: ProfileSelection & TableOptions = {}): Promise<TableReport> {
    return (await this.recording(options, true)).table(options);
  }

  /** What `memtape tree` shows. */
  async tree(options: ProfileSelection & TreeOptions = {}): Promise<TreeReport> {
    return (await this.recording(options, false)).tree(options);
  }

  /** What `memtape transform` writes, in pieces: a large file is longer than a string can be. */
  async transform(
    format: string,
    options: ProfileSelection = {},
  ): Promise<Iterable<string | Uint8Array>> {
    const names = Object.keys(EXPORT_FORMATS);
    const found = names.includes(format) ? EXPORT_FORMATS[format] : undefined;
    if (found === undefined) {
      throw new UsageError(`there is no format "${format}"`, `formats: ${names.join(', ')}`);
    }
    return found.chunks((await this.recording(options, true)).exportInput());
  }
}

/** With what only a flame graph has. */
export function flamegraphOf(
  recording: Recording,
  { title, splitThreads = false, confidentialFiles: confidential = 'default' }: FlamegraphSelection,
  slices?: FlamegraphInput['slices'],
): FlamegraphReport {
  return recording.flamegraph({
    sourceLines: (frames) => recording.processes.sourceLines(frames, { confidential }),
    splitThreads,
    ...(title !== undefined && { title }),
    ...(slices && { slices }),
  });
}
