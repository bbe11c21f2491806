// SPDX-License-Identifier: MIT
// Memory of several processes over time, as one: at each moment the sum of what each had last said.

import { Series } from '../aggregate/series.js';
import {
  type GcSummary,
  type JsHeapColumns,
  milliseconds,
  type ProcessColumns,
  type TimelineReport,
} from './timeline.js';

export interface ProcessTimeline {
  readonly timeline: TimelineReport;
  /** How much later than the first it began. */
  readonly offsetMs: number;
  /** From its own start. */
  readonly endMs: number;
  /** For its marks. */
  readonly tag: string;
}

const DEFAULT_POINTS = 4000;

/** @param points of each line, at most */
export function timelineTogether(
  each: readonly ProcessTimeline[],
  points = DEFAULT_POINTS,
): TimelineReport {
  const process = summed<ProcessColumns>(
    each.map((one) => ({ ...one, columns: one.timeline.process })),
    ['heap', 'rss', 'committed', 'reserved', 'file'],
    points,
  );
  const js_heap = summed<JsHeapColumns>(
    each.map((one) => ({ ...one, columns: one.timeline.js_heap })),
    ['used', 'total', 'external'],
    points,
  );
  const { gcs, marks } = inOrderOfTime(each);
  const sum = (value: (timeline: TimelineReport) => number) =>
    each.reduce((total, { timeline }) => total + value(timeline), 0);
  return {
    process,
    js_heap,
    peak: highest(process, 'heap'),
    rss_peak: highest(process, 'rss'),
    reserved_peak: sum((timeline) => timeline.reserved_peak),
    gcs,
    gc_totals: gcTotals(each.flatMap(({ timeline }) => timeline.gc_totals)),
    marks,
    mark_count: sum((timeline) => timeline.mark_count),
  };
}

type Columns = { readonly time_ms: number[] } & Readonly<Record<string, number[]>>;

interface Placed<Of> {
  readonly columns: Of;
  readonly offsetMs: number;
  readonly endMs: number;
}

/** @param names the first decides which points stay where there are too many */
function summed<Of extends object>(
  each: readonly Placed<Of>[],
  names: readonly (Exclude<keyof Of, 'time_ms'> & string)[],
  points: number,
): Of {
  const steps = each.flatMap(({ columns, offsetMs, endMs }, process) => {
    const { time_ms: times, ...rest } = columns as unknown as Columns;
    const values = (i: number) => names.map((name) => rest[name]?.[i] ?? 0);
    const own = times.map((ms, i) => ({ ms: ms + offsetMs, process, values: values(i) }));
    const gone = { ms: endMs + offsetMs, process, values: names.map(() => 0) };
    return own.length > 0 ? [...own, gone] : own;
  });
  steps.sort((a, b) => a.ms - b.ms);
  const series = new Series(names.length + 1, points);
  const latest = each.map(() => names.map(() => 0));
  const sums = names.map(() => 0);
  for (const { ms, process, values } of steps) {
    const before = latest[process] as number[];
    for (const [i, value] of values.entries()) {
      sums[i] = (sums[i] as number) + value - (before[i] as number);
    }
    latest[process] = values;
    series.push([ms, ...sums]);
  }
  const [times = [], ...columns] = series.columns();
  const named = names.map((name, i) => [name, columns[i] ?? []] as const);
  return { time_ms: times.map((ms) => milliseconds(ms * 1e6)), ...Object.fromEntries(named) } as Of;
}

function highest({ time_ms, ...columns }: ProcessColumns, name: 'heap' | 'rss') {
  const values = columns[name];
  let at = 0;
  for (const [i, value] of values.entries()) if (value >= (values[at] as number)) at = i;
  return { time_ms: time_ms[at] ?? 0, bytes: values[at] ?? 0 };
}

function inOrderOfTime(each: readonly ProcessTimeline[]): Pick<TimelineReport, 'gcs' | 'marks'> {
  const gcs = each
    .flatMap(({ timeline: { gcs: own }, offsetMs }) =>
      own.time_ms.map((ms, i) => ({
        ms: milliseconds((ms + offsetMs) * 1e6),
        pause: own.pause_ms[i] ?? 0,
        type: own.type[i] ?? '',
      })),
    )
    .sort((a, b) => a.ms - b.ms);
  const marks = each
    .flatMap(({ timeline, offsetMs, tag }) =>
      timeline.marks.map(({ time_ms, name }) => ({
        time_ms: milliseconds((time_ms + offsetMs) * 1e6),
        name: `${tag}: ${name}`,
      })),
    )
    .sort((a, b) => a.time_ms - b.time_ms);
  return {
    gcs: {
      time_ms: gcs.map(({ ms }) => ms),
      pause_ms: gcs.map(({ pause }) => pause),
      type: gcs.map(({ type }) => type),
    },
    marks,
  };
}

function gcTotals(all: readonly GcSummary[]): GcSummary[] {
  const byType = new Map<string, GcSummary>();
  for (const one of all) {
    const sum = byType.get(one.type) ?? { ...one, count: 0, pause_ms: 0, longest_ms: 0 };
    byType.set(one.type, {
      type: one.type,
      count: sum.count + one.count,
      pause_ms: milliseconds((sum.pause_ms + one.pause_ms) * 1e6),
      longest_ms: Math.max(sum.longest_ms, one.longest_ms),
    });
  }
  return [...byType.values()];
}
