// SPDX-License-Identifier: MIT
// One pass over a capture, with everything that the commands make reports of.
import { JsHeapAggregator } from '../aggregate/js-heap.js';
import { PeakAggregator } from '../aggregate/peak.js';
import { TemporaryAggregator } from '../aggregate/temporary.js';
import { TimelineAggregator } from '../aggregate/timeline.js';
import { TotalsAggregator } from '../aggregate/totals.js';
import { type Pass, readPass } from '../capture/pass.js';
import { type ReadCapture, Recording } from '../capture/recording.js';
import type { Consumer } from '../decode/consumer.js';
import type { ReadOptions } from '../decode/read-capture.js';
import { jsHeapView } from '../report/js-heap.js';
import { withPath } from './errors.js';
import type { Options } from './options.js';
import { withProgress } from './progress.js';

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

/**
 * One capture, or those of several processes together.
 * @throws FormatError, or an error of the file system, each with its `path`
 */
export async function analyse(
  paths: string | readonly string[],
  options: ProfileOptions = {},
  more: readonly Consumer[] = [],
): Promise<Recording> {
  const captures: ReadCapture[] = [];
  for (const path of [paths].flat()) captures.push(await readOne(path, options, more));
  const { maxMemoryRecords: points } = options;
  return new Recording(captures, points === undefined ? {} : { points });
}

async function readOne(
  path: string,
  options: ProfileOptions,
  more: readonly Consumer[],
): Promise<ReadCapture> {
  const peak = new PeakAggregator();
  const totals = new TotalsAggregator();
  const timelines = new TimelineAggregator(options.maxMemoryRecords);
  const threshold = temporaryThreshold(options);
  const temporary = threshold === null ? null : new TemporaryAggregator(threshold);
  const heaps = options.jsHeap ? new JsHeapAggregator() : null;
  const chosen = [...(temporary ? [temporary] : []), ...(heaps ? [heaps] : [])];
  const pass = await read(path, [peak, totals, timelines, ...chosen, ...more]);
  const measures = { peak, totals, timelines };
  if (heaps !== null) {
    const { profile, report } = jsHeapView(heaps, options.leaks ? 'end' : 'peak', pass.end);
    return { pass, measures, profile, jsHeap: report };
  }
  const profile = temporary?.temporary() ?? (options.leaks ? peak.leaked() : peak.peak());
  return { pass, measures, profile };
}
