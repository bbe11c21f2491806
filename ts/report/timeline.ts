// SPDX-License-Identifier: MIT
// Memory over time as plain data: heap, RSS and V8's heaps, with the peak, collections and marks.

import type { JsHeapSeries, TimelineAggregator } from '../aggregate/timeline.js';
import { EXIT_MARK, OWN_MARK_PREFIX } from '../format/constants.js';

/** Columns of equal length. */
export interface ProcessColumns {
  readonly time_ms: number[];
  readonly heap: number[];
  readonly rss: number[];
  readonly committed: number[];
  readonly reserved: number[];
  readonly file: number[];
}

/** Sums over all isolates, each from its first sample to the end of its thread. */
export interface JsHeapColumns {
  readonly time_ms: number[];
  readonly used: number[];
  readonly total: number[];
  readonly external: number[];
}

export interface GcSummary {
  readonly type: string;
  readonly count: number;
  readonly pause_ms: number;
  readonly longest_ms: number;
}

export interface TimelineReport {
  readonly process: ProcessColumns;
  readonly js_heap: JsHeapColumns;
  readonly peak: { readonly time_ms: number; readonly bytes: number };
  readonly rss_peak: { readonly time_ms: number; readonly bytes: number };
  /** Most address space that was reserved and not committed. */
  readonly reserved_peak: number;
  readonly gcs: {
    readonly time_ms: number[];
    readonly pause_ms: number[];
    readonly type: string[];
  };
  readonly gc_totals: GcSummary[];
  readonly marks: { readonly time_ms: number; readonly name: string }[];
  readonly mark_count: number;
}

/** V8's GCType bits. */
const GC_TYPES = new Map([
  [1, 'scavenge'],
  [2, 'minor mark-sweep'],
  [4, 'mark-sweep-compact'],
  [8, 'incremental marking'],
  [16, 'weak callbacks'],
]);

export interface TimelineInput {
  readonly timeline: TimelineAggregator;
  readonly peak: { readonly timeNs: number; readonly bytes: number };
  /** When a thread ended; null while it runs. */
  readonly threads: ReadonlyMap<number, { readonly endNs: number | null }>;
}

export function timelineReport({ timeline, peak, threads }: TimelineInput): TimelineReport {
  const process = timeline.processSeries();
  const gcs = timeline.gcs();
  return {
    process: {
      time_ms: process.timeNs.map(milliseconds),
      heap: process.heap,
      rss: process.rss,
      committed: process.committed,
      reserved: process.reserved,
      file: process.file,
    },
    js_heap: sumOfIsolates(timeline.jsHeapSeries(), threads),
    peak: { time_ms: milliseconds(peak.timeNs), bytes: peak.bytes },
    rss_peak: { time_ms: milliseconds(timeline.rssPeak.timeNs), bytes: timeline.rssPeak.bytes },
    reserved_peak: timeline.reservedPeakBytes,
    gcs: {
      time_ms: gcs.map((gc) => milliseconds(gc.startNs)),
      pause_ms: gcs.map((gc) => milliseconds(gc.endNs - gc.startNs)),
      type: gcs.map((gc) => gcTypeName(gc.type)),
    },
    gc_totals: timeline.gcTotals().map((total) => ({
      type: gcTypeName(total.type),
      count: total.count,
      pause_ms: milliseconds(total.pauseNs),
      longest_ms: milliseconds(total.longestNs),
    })),
    ...shownMarks(timeline),
  };
}

/** Of the marks at exit the last one counts; the others are left out. */
function shownMarks(timeline: TimelineAggregator): Pick<TimelineReport, 'marks' | 'mark_count'> {
  const marks = timeline.marks();
  const exits = marks.filter((mark) => mark.name === EXIT_MARK);
  const last = exits.at(-1);
  const shown = marks.filter((mark) => mark.name !== EXIT_MARK || mark === last);
  return {
    marks: shown.map((mark) => ({
      time_ms: milliseconds(mark.timeNs),
      name: ownName(mark.name),
    })),
    mark_count: timeline.markCount - (marks.length - shown.length),
  };
}

/** What memtape itself marked, in words. */
function ownName(name: string): string {
  return name.startsWith(OWN_MARK_PREFIX) ? name.slice(OWN_MARK_PREFIX.length) : name;
}

/** Whole microseconds: more digits would only make reports longer. */
export function milliseconds(ns: number): number {
  return Math.round(ns / 1000) / 1000;
}

export function gcTypeName(type: number): string {
  return GC_TYPES.get(type) ?? `type ${type}`;
}

interface JsHeapStep {
  readonly timeNs: number;
  readonly isolate: number;
  readonly point: readonly [used: number, total: number, external: number];
}

function sumOfIsolates(
  isolates: readonly JsHeapSeries[],
  threads: TimelineInput['threads'],
): JsHeapColumns {
  const steps = isolates.flatMap((series, isolate) => {
    const endNs = threads.get(series.thread)?.endNs ?? null;
    return stepsOf(series, isolate, endNs);
  });
  steps.sort((a, b) => a.timeNs - b.timeNs);
  const latest = isolates.map((): JsHeapStep['point'] => [0, 0, 0]);
  const sums: JsHeapColumns = { time_ms: [], used: [], total: [], external: [] };
  for (const step of steps) {
    latest[step.isolate] = step.point;
    sums.time_ms.push(milliseconds(step.timeNs));
    for (const [column, name] of (['used', 'total', 'external'] as const).entries()) {
      sums[name].push(latest.reduce((sum, point) => sum + (point[column] as number), 0));
    }
  }
  return sums;
}

function stepsOf(series: JsHeapSeries, isolate: number, endNs: number | null): JsHeapStep[] {
  const steps = series.timeNs.map((timeNs, index): JsHeapStep => {
    const at = (column: number[]): number => column[index] ?? 0;
    return { timeNs, isolate, point: [at(series.used), at(series.total), at(series.external)] };
  });
  if (endNs !== null) steps.push({ timeNs: endNs, isolate, point: [0, 0, 0] });
  return steps;
}
