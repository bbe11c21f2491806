// SPDX-License-Identifier: MIT
// One pass over a capture, with everything that the commands make reports of.
import { stat } from 'node:fs/promises';
import { fanout } from '../aggregate/fanout.js';
import { PeakAggregator } from '../aggregate/peak.js';
import { TemporaryAggregator } from '../aggregate/temporary.js';
import { TimelineAggregator } from '../aggregate/timeline.js';
import { TotalsAggregator } from '../aggregate/totals.js';
import type { Consumer } from '../decode/consumer.js';
import { type CaptureEnd, readCapture } from '../decode/read-capture.js';
import { NamedStacks } from '../model/named-stacks.js';
import type { Profile } from '../model/profile.js';
import { statsReport } from '../report/stats.js';
import type { StatsReport } from '../report/stats-report.js';
import { type TimelineReport, timelineReport } from '../report/timeline.js';
import { demangle } from '../resolve/demangle.js';
import { applyNames, lookUpNames } from '../resolve/embed.js';
import { openResolution } from '../resolve/resolution.js';
import { withPath } from './errors.js';
import type { Options } from './options.js';
import { Progress } from './progress.js';

export interface Analysis {
  readonly end: CaptureEnd;
  readonly stacks: NamedStacks;
  readonly peak: PeakAggregator;
  readonly timeline: TimelineReport;
  /** What the options ask for: the peak, leaks or temporary allocations. */
  readonly profile: Profile;
  stats(top?: number): StatsReport;
}

type ProfileOptions = Pick<Options, 'leaks' | 'temporary' | 'temporaryThreshold'>;

const DEFAULT_THRESHOLD = 1;

function temporaryThreshold(options: ProfileOptions): number | null {
  if (options.temporaryThreshold !== undefined) return options.temporaryThreshold;
  return options.temporary ? DEFAULT_THRESHOLD : null;
}

async function read(path: string, consumers: Consumer[], progress: Progress): Promise<CaptureEnd> {
  try {
    const { size } = await stat(path);
    const onBlock = (offset: number) => progress.show(offset, size);
    return await readCapture(path, { ...fanout(consumers), onBlock });
  } catch (error) {
    throw withPath(error, path);
  } finally {
    progress.clear();
  }
}

/** What nobody finalized, or lost its end since, lacks names: they are looked up for this report. */
function name(end: CaptureEnd): void {
  const { header, tables } = end;
  if (header.finalized && !end.truncated && end.bytesDropped === 0) return;
  const resolution = openResolution(end, { demangle });
  try {
    applyNames(tables, lookUpNames(tables, resolution.resolvers));
  } finally {
    resolution.close();
  }
}

/** @throws FormatError, or an error of the file system, each with `path` */
export async function analyse(
  path: string,
  options: ProfileOptions = {},
  more: readonly Consumer[] = [],
): Promise<Analysis> {
  const peak = new PeakAggregator();
  const totals = new TotalsAggregator();
  const timelines = new TimelineAggregator();
  const threshold = temporaryThreshold(options);
  const temporary = threshold === null ? null : new TemporaryAggregator(threshold);
  const consumers = [peak, totals, timelines, ...(temporary ? [temporary] : []), ...more];
  const end = await read(path, consumers, new Progress('reading'));
  name(end);
  const stacks = new NamedStacks(end.tables);
  const timeline = timelineReport({
    timeline: timelines,
    peak: { timeNs: peak.peakTimeNs, bytes: peak.peakBytes },
    threads: end.tables.threads,
  });
  return {
    end,
    stacks,
    peak,
    timeline,
    profile: temporary?.temporary() ?? (options.leaks ? peak.live() : peak.peak()),
    stats: (top) =>
      statsReport({ end, stacks, peak, totals, timeline }, top === undefined ? {} : { top }),
  };
}
