// SPDX-License-Identifier: MIT
// Statistics of a whole capture: what was allocated, how, by whom, and how high it went.

import type { PeakAggregator } from '../aggregate/peak.js';
import type { TotalsAggregator } from '../aggregate/totals.js';
import type { CaptureEnd } from '../decode/read-capture.js';
import type { NamedStacks } from '../model/named-stacks.js';
import { ALLOCATOR_NAMES, type Profile } from '../model/profile.js';
import { captureNotes } from './capture-notes.js';
import { sizeHistogram } from './histogram.js';
import { locationText, sumByPackage, sumBySite } from './sites.js';
import type { StatsMetadata, StatsReport } from './stats-report.js';
import { sumByThread } from './thread-sums.js';
import { milliseconds, type TimelineReport } from './timeline.js';

export interface StatsInput {
  readonly end: CaptureEnd;
  readonly stacks: NamedStacks;
  readonly peak: PeakAggregator;
  readonly totals: TotalsAggregator;
  readonly timeline: TimelineReport;
}

export interface StatsOptions {
  /** How many locations to list; 5 unless given. */
  readonly top?: number;
  /** What allocators and largest locations are about; everything that was allocated unless given. */
  readonly profile?: Profile;
}

export function statsReport(input: StatsInput, options: StatsOptions = {}): StatsReport {
  const { end, peak, totals, timeline, stacks } = input;
  const allocators =
    options.profile === undefined ? totals.byAllocator() : byAllocatorOf(options.profile);
  const leaked = peak.leaked();
  const shown = options.profile ?? totals.allocated();
  return {
    kind: options.profile?.kind ?? 'allocated',
    total_num_allocations: totals.allocations,
    total_bytes_allocated: totals.bytes,
    peak_memory: peak.peakBytes,
    allocation_size_histogram: sizeHistogram(totals.sizes()),
    ...allocatorFields(allocators),
    ...topPlaces(shown, stacks, options.top),
    allocations_by_thread: sumByThread(shown, stacks, end.tables.threads),
    metadata: statsMetadata(input),
    peak_time_ms: milliseconds(peak.peakTimeNs),
    peak_rss: timeline.rss_peak.bytes,
    peak_js_heap: highest(timeline.js_heap.used),
    peak_reserved: timeline.reserved_peak,
    leaked_at: peak.exitTimeNs === null ? 'end' : 'exit',
    leaked_bytes: leaked.totalBytes,
    leaked_allocations: leaked.totalCount,
    total_num_frees: end.counts.frees,
    foreign_frees: end.counts.foreignFrees,
    missed_frees: end.counts.missedFrees,
    gc: timeline.gc_totals,
    threads: end.tables.threads.size,
    stalls: end.trailer?.stalls ?? 0,
    truncated: end.truncated,
    bytes_dropped: end.bytesDropped,
    ...captureNotes(end, peak.peakBytes),
  };
}

export interface AllocatorSum {
  readonly allocator: string;
  count: number;
  bytes: number;
}

export function allocatorFields(sums: readonly AllocatorSum[]) {
  const by = (value: 'count' | 'bytes') =>
    Object.fromEntries(sums.map((entry) => [entry.allocator.toUpperCase(), entry[value]]));
  return { allocator_type_distribution: by('count'), allocated_bytes_by_allocator: by('bytes') };
}

/** The most used first, as TotalsAggregator has them. */
export function byAllocatorOf({ rows }: Profile): AllocatorSum[] {
  const sums = ALLOCATOR_NAMES.map((allocator) => ({ allocator, count: 0, bytes: 0 }));
  for (let row = 0; row < rows.size; row++) {
    const sum = sums[rows.allocator[row] as number];
    if (sum === undefined) continue;
    sum.count += rows.count[row] as number;
    sum.bytes += rows.bytes[row] as number;
  }
  return sums.filter((sum) => sum.count > 0).sort((a, b) => b.count - a.count);
}

/** The lists of places that a profile, which stands for everything that was allocated, leads to. */
export function topPlaces(profile: Profile, stacks: NamedStacks, top = 5) {
  return { ...topLocations(profile, stacks, top), ...topModules(profile, stacks, top) };
}

function topLocations(profile: Profile, stacks: NamedStacks, top: number) {
  const { sums } = sumBySite(profile, (stack) => stacks.site(stack));
  const places = sums.map((sum) => ({
    location: locationText(stacks.frames.get(sum.frame)),
    bytes: sum.bytes,
    count: sum.count,
  }));
  const largest = (value: 'bytes' | 'count') =>
    [...places]
      .sort((a, b) => b[value] - a[value] || compareText(a.location, b.location))
      .slice(0, top);
  return {
    top_allocations_by_size: largest('bytes').map(({ location, bytes }) => ({
      location,
      size: bytes,
    })),
    top_allocations_by_count: largest('count').map(({ location, count }) => ({ location, count })),
  };
}

function topModules(profile: Profile, stacks: NamedStacks, top: number) {
  const packages = sumByPackage(profile, stacks);
  const largest = (value: 'bytes' | 'count') =>
    [...packages]
      .sort((a, b) => b[value] - a[value] || compareText(a.package, b.package))
      .slice(0, top)
      .map((sum) => ({
        module: sum.package,
        num_allocations: sum.count,
        total_bytes: sum.bytes,
      }));
  return {
    top_modules_by_allocation_size: largest('bytes'),
    top_modules_by_allocation_count: largest('count'),
  };
}

function statsMetadata({ end, peak, totals }: StatsInput): StatsMetadata {
  const { header, metadata, trailer } = end;
  const durationNs = trailer?.durationNs ?? end.endTimeNs;
  const startMs = Number(header.startUnixNs / 1_000_000n);
  return {
    start_time: new Date(startMs).toISOString(),
    end_time: trailer === null ? null : new Date(startMs + durationNs / 1e6).toISOString(),
    duration_ms: milliseconds(durationNs),
    total_allocations: totals.allocations,
    peak_memory: peak.peakBytes,
    command_line: (metadata.command ?? []).join(' '),
    cwd: metadata.cwd ?? '',
    pid: metadata.pid ?? header.pid,
    main_thread_id: metadata.mainThread ?? 0,
    has_native_traces: metadata.options?.native ?? false,
    node_version: metadata.node ?? '',
    v8_version: metadata.v8 ?? '',
    libc: metadata.libc ?? '',
    platform: metadata.platform ?? '',
    arch: metadata.arch ?? '',
    exec_argv: metadata.execArgv ?? [],
    memtape_version: metadata.memtape ?? '',
    end: trailer === null ? 'truncated' : (trailer.end ?? 'unknown'),
    exit_code: trailer?.exit?.code ?? null,
    exit_signal: trailer?.exit?.signal ?? null,
    cgroup_limit: metadata.cgroupLimit ?? null,
    forked_children: end.counts.forks,
  };
}

const highest = (values: readonly number[]): number =>
  values.reduce((max, value) => Math.max(max, value), 0);

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
