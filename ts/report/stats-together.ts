// SPDX-License-Identifier: MIT
// Statistics of several processes: sums of what each has, and peaks each at its own moment.

import { sizeHistogram } from './histogram.js';
import type { Processes } from './processes.js';
import {
  allocatorFields,
  byAllocatorOf,
  type StatsInput,
  type StatsOptions,
  statsReport,
  topPlaces,
} from './stats.js';
import type { ProcessStats, StatsMetadata, StatsReport } from './stats-report.js';
import { sumByThread } from './thread-sums.js';
import type { TimelineReport } from './timeline.js';

/** @param inputs in the order of `processes`; its own statistics where there is one */
export function statsTogether(
  processes: Processes,
  inputs: readonly StatsInput[],
  timeline: TimelineReport,
  options: StatsOptions = {},
): StatsReport {
  const [only, ...others] = inputs;
  if (only !== undefined && others.length === 0) return statsReport(only, options);
  const each = inputs.map((input) => statsReport(input, { top: 0 }));
  const [first] = each as [StatsReport];
  const allocated = processes.profile(inputs.map(({ totals }) => totals.allocated()));
  const shown = options.profile ?? allocated;
  const sum = (value: (stats: StatsReport) => number) =>
    each.reduce((total, stats) => total + value(stats), 0);
  const largest = each.reduce((a, b) => (b.peak_memory > a.peak_memory ? b : a));
  return {
    ...first,
    kind: shown.kind,
    total_num_allocations: sum((stats) => stats.total_num_allocations),
    total_bytes_allocated: sum((stats) => stats.total_bytes_allocated),
    peak_memory: sum((stats) => stats.peak_memory),
    peak_time_ms: largest.peak_time_ms,
    allocation_size_histogram: sizeHistogram(inputs.flatMap(({ totals }) => totals.sizes())),
    ...allocatorFields(byAllocatorOf(shown)),
    ...topPlaces(shown, processes.stacks, options.top),
    allocations_by_thread: sumByThread(shown, processes.stacks, processes.threads),
    metadata: metadataTogether(each),
    processes: each.map((stats, i) => processStats(stats, processes.names[i]?.name ?? '')),
    peak_rss: sum((stats) => stats.peak_rss),
    peak_js_heap: sum((stats) => stats.peak_js_heap),
    peak_reserved: sum((stats) => stats.peak_reserved),
    leaked_at: each.every((stats) => stats.leaked_at === 'exit') ? 'exit' : 'end',
    leaked_bytes: sum((stats) => stats.leaked_bytes),
    leaked_allocations: sum((stats) => stats.leaked_allocations),
    total_num_frees: sum((stats) => stats.total_num_frees),
    foreign_frees: sum((stats) => stats.foreign_frees),
    missed_frees: sum((stats) => stats.missed_frees),
    gc: timeline.gc_totals,
    threads: sum((stats) => stats.threads),
    stalls: sum((stats) => stats.stalls),
    truncated: each.some((stats) => stats.truncated),
    bytes_dropped: sum((stats) => stats.bytes_dropped),
    warnings: sentences(each, processes, (stats) => stats.warnings),
    notes: [togetherNote(each.length), ...sentences(each, processes, (stats) => stats.notes)],
  };
}

const togetherNote = (count: number): string =>
  `${count} processes, each at its own peak: they need not have been that large together. ` +
  'Pages that processes share count in the RSS of each.';

function metadataTogether(each: readonly StatsReport[]): StatsMetadata {
  const all = each.map(({ metadata }) => metadata);
  const [first] = all as [StatsMetadata];
  const startMs = Date.parse(first.start_time);
  const ends = all.map((one) => Date.parse(one.start_time) + one.duration_ms);
  const endMs = Math.max(...ends);
  return {
    ...first,
    duration_ms: endMs - startMs,
    end_time: all.some((one) => one.end_time === null) ? null : new Date(endMs).toISOString(),
    total_allocations: all.reduce((sum, one) => sum + one.total_allocations, 0),
    peak_memory: all.reduce((sum, one) => sum + one.peak_memory, 0),
    forked_children: all.reduce((sum, one) => sum + one.forked_children, 0),
  };
}

function processStats(stats: StatsReport, name: string): ProcessStats {
  const { metadata } = stats;
  return {
    name,
    pid: metadata.pid,
    command_line: metadata.command_line,
    start_time: metadata.start_time,
    duration_ms: metadata.duration_ms,
    peak_memory: stats.peak_memory,
    peak_time_ms: stats.peak_time_ms,
    peak_rss: stats.peak_rss,
    leaked_bytes: stats.leaked_bytes,
    end: metadata.end,
  };
}

/** Whose they are; what all say is said once. */
function sentences(
  each: readonly StatsReport[],
  { names }: Processes,
  of: (stats: StatsReport) => readonly string[],
): string[] {
  const tags = new Map<string, string[]>();
  for (const [i, stats] of each.entries()) {
    for (const text of of(stats)) {
      tags.set(text, [...(tags.get(text) ?? []), names[i]?.tag ?? '']);
    }
  }
  return Array.from(tags, ([text, whose]) =>
    whose.length === each.length ? text : `${whose.join(', ')}: ${text}`,
  );
}
