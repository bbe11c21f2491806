// SPDX-License-Identifier: MIT
// The timeline as uPlot wants it: one column of times, a column per line, null where a line has no point.

import type { TimelineReport } from '../../report/timeline.js';

export interface PlotData {
  readonly times: number[];
  readonly heap: (number | null)[];
  readonly rss: (number | null)[];
  readonly jsUsed: (number | null)[];
  readonly jsTotal: (number | null)[];
  readonly external: (number | null)[];
}

type Value = number | null;
type Row = [heap: Value, rss: Value, jsUsed: Value, jsTotal: Value, external: Value];

/** Seconds; the peak gets a point of its own, because samples seldom hit it. */
export function plotData(timeline: TimelineReport): PlotData {
  const rows = new Map<number, Row>();
  const row = (timeMs: number) => {
    let found = rows.get(timeMs);
    if (found === undefined) {
      found = [null, null, null, null, null];
      rows.set(timeMs, found);
    }
    return found;
  };
  const { process, js_heap: jsHeap, peak } = timeline;
  for (const [i, timeMs] of process.time_ms.entries()) {
    const values = row(timeMs);
    values[0] = process.heap[i] ?? null;
    values[1] = process.rss[i] ?? null;
  }
  for (const [i, timeMs] of jsHeap.time_ms.entries()) {
    const values = row(timeMs);
    values[2] = jsHeap.used[i] ?? null;
    values[3] = jsHeap.total[i] ?? null;
    values[4] = jsHeap.external[i] ?? null;
  }
  if (peak.bytes > 0) row(peak.time_ms)[0] = peak.bytes;
  const sorted = [...rows].sort(([a], [b]) => a - b);
  const column = (index: 0 | 1 | 2 | 3 | 4) => sorted.map(([, values]) => values[index]);
  return {
    times: sorted.map(([timeMs]) => timeMs / 1000),
    heap: column(0),
    rss: column(1),
    jsUsed: column(2),
    jsTotal: column(3),
    external: column(4),
  };
}

/** The value of the last point at or before `index`. */
export function lastValue(column: readonly (number | null)[], index: number): number | null {
  for (let i = index; i >= 0; i--) {
    const value = column[i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
