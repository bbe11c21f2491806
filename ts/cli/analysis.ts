// SPDX-License-Identifier: MIT
// One pass over a capture, with everything that the commands make reports of.
import { JsHeapAggregator } from '../aggregate/js-heap.js';
import { PeakAggregator } from '../aggregate/peak.js';
import { TemporaryAggregator } from '../aggregate/temporary.js';
import { TimelineAggregator } from '../aggregate/timeline.js';
import { TotalsAggregator } from '../aggregate/totals.js';
import { type Pass, readPass } from '../capture/pass.js';
import type { Consumer } from '../decode/consumer.js';
import type { CaptureEnd, ReadOptions } from '../decode/read-capture.js';
import type { NamedStacks } from '../model/named-stacks.js';
import type { Profile } from '../model/profile.js';
import { jsHeapView } from '../report/js-heap.js';
import type { JsHeapReport } from '../report/js-heap-report.js';
import { type StatsOptions, statsReport } from '../report/stats.js';
import type { StatsReport } from '../report/stats-report.js';
import { type TimelineReport, timelineReport } from '../report/timeline.js';
import { withPath } from './errors.js';
import type { Options } from './options.js';
import { withProgress } from './progress.js';

export interface Analysis {
  readonly end: CaptureEnd;
  readonly stacks: NamedStacks;
  readonly peak: PeakAggregator;
  readonly totals: TotalsAggregator;
  readonly timelines: TimelineAggregator;
  readonly timeline: TimelineReport;
  /** What the options ask for: the peak, leaks or temporary allocations. */
  readonly profile: Profile;
  /** When they ask for the JavaScript heap. */
  readonly jsHeap?: JsHeapReport;
  stats(options?: StatsOptions): StatsReport;
}

type ProfileOptions = Pick<
  Options,
  'leaks' | 'jsHeap' | 'temporaryAllocations' | 'temporaryAllocationThreshold' | 'maxMemoryRecords'
>;

const DEFAULT_THRESHOLD = 1;

function temporaryThreshold(options: ProfileOptions): number | null {
  const { temporaryAllocations, temporaryAllocationThreshold } = options;
  if (temporaryAllocationThreshold !== undefined) return temporaryAllocationThreshold;
  return temporaryAllocations ? DEFAULT_THRESHOLD : null;
}

/**
 * One pass with these consumers only.
 * @throws FormatError, or an error of the file system, each with `path`
 */
export async function read(
  path: string,
  consumers: readonly Consumer[],
  options: ReadOptions = {},
): Promise<Pass> {
  try {
    return await withProgress(path, (onBlock) =>
      readPass(path, consumers, { ...options, onBlock }),
    );
  } catch (error) {
    throw withPath(error, path);
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
  const timelines = new TimelineAggregator(options.maxMemoryRecords);
  const threshold = temporaryThreshold(options);
  const temporary = threshold === null ? null : new TemporaryAggregator(threshold);
  const heaps = options.jsHeap ? new JsHeapAggregator() : null;
  const chosen = [...(temporary ? [temporary] : []), ...(heaps ? [heaps] : [])];
  const consumers = [peak, totals, timelines, ...chosen, ...more];
  const { end, stacks } = await read(path, consumers);
  const view = heaps && jsHeapView(heaps, options.leaks ? 'end' : 'peak', end);
  const timeline = timelineReport({
    timeline: timelines,
    peak: { timeNs: peak.peakTimeNs, bytes: peak.peakBytes },
    threads: end.tables.threads,
  });
  return {
    end,
    stacks,
    peak,
    totals,
    timelines,
    timeline,
    profile:
      view?.profile ?? temporary?.temporary() ?? (options.leaks ? peak.leaked() : peak.peak()),
    ...(view && { jsHeap: view.report }),
    stats: (options) => statsReport({ end, stacks, peak, totals, timeline }, options),
  };
}
