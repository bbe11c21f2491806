// SPDX-License-Identifier: MIT
// The statistics report for a terminal.

import pc from 'picocolors';
import { printable } from '../model/printable.js';
import type { ProfileKind } from '../model/profile.js';
import { sizeText } from '../model/size-text.js';
import { fitted, fittedEnd, padEnd, padStart } from '../model/terminal-text.js';
import type { HistogramBin } from '../report/histogram.js';
import type { StatsReport } from '../report/stats-report.js';
import { columnsOf, type TextOptions } from './text-options.js';

const INDENT = '  ';
const BAR_WIDTH = 25;

/** What a list is about, unless that is the whole run. */
const ABOUT: Record<ProfileKind, string> = {
  js_heap_peak: 'in the JS heap at its highest',
  js_heap_end: 'in the JS heap at the end',
  allocated: '',
  peak: ' at the peak',
  leaked: ' of what leaked',
  temporary: ' of what was temporary',
};

type Colours = ReturnType<typeof pc.createColors>;

export function statsText(stats: StatsReport, options: TextOptions = {}): string {
  const colours = pc.createColors(options.colour ?? false);
  const columns = columnsOf(options);
  const sections = [
    stats.warnings.map((warning) => colours.yellow(`warning: ${printable(warning)}`)),
    facts(stats, colours),
    section('Peak of each process:', processLines(stats, columns), colours),
    section('Histogram of allocation size:', histogram(stats.allocation_size_histogram), colours),
    section(`Allocator type distribution${ABOUT[stats.kind]}:`, distribution(stats), colours),
    section(`Allocations by thread${ABOUT[stats.kind]}:`, threadLines(stats, columns), colours),
    topSection('size', stats, columns, colours),
    topSection('number of allocations', stats, columns, colours),
    packageSection('size', stats, columns, colours),
    packageSection('number of allocations', stats, columns, colours),
    section('Garbage collections:', collections(stats), colours),
    section('Notes:', stats.notes.map(printable), colours),
  ];
  const shown = sections.filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function facts(stats: StatsReport, colours: Colours): string[] {
  const peakTime = peakMoment(stats);
  const rows: [string, string][] = [
    ['Total allocations:', `${stats.total_num_allocations}`],
    ['Total memory allocated:', sizeText(stats.total_bytes_allocated)],
    ['Peak memory usage:', `${sizeText(stats.peak_memory)} ${peakTime}`],
    [
      `Live at ${stats.leaked_at === 'exit' ? 'exit' : 'the end'}:`,
      `${sizeText(stats.leaked_bytes)} in ${stats.leaked_allocations} blocks`,
    ],
  ];
  if (stats.peak_rss > 0) rows.push(['Peak resident set size:', sizeText(stats.peak_rss)]);
  if (stats.peak_js_heap > 0) rows.push(['Peak V8 heap:', sizeText(stats.peak_js_heap)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${colours.bold(padEnd(name, width))} ${value}`);
}

function peakMoment({ processes, peak_time_ms: ms }: StatsReport): string {
  if (processes === undefined) return `at ${(ms / 1000).toFixed(3)} s`;
  return `of ${processes.length} processes, each at its own peak`;
}

function processLines({ processes = [] }: StatsReport, columns: number): string[] {
  const sizes = processes.map((each) => sizeText(each.peak_memory));
  const width = Math.max(0, ...sizes.map((size) => size.length));
  return processes.map((each, i) => {
    const moment = `at ${(each.peak_time_ms / 1000).toFixed(3)} s`;
    const numbers = `${padStart(sizes[i] ?? '', width)} ${moment}  `;
    // The process id stands at the end, and tells them apart.
    return numbers + fittedEnd(each.name, columns - INDENT.length - numbers.length);
  });
}

function section(title: string, lines: readonly string[], colours: Colours): string[] {
  if (lines.length === 0) return [];
  return [colours.bold(title), ...lines.map((line) => INDENT + line)];
}

function histogram(bins: readonly HistogramBin[]): string[] {
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const counts = Math.max(1, ...bins.map((bin) => `${bin.count}`.length));
  const sizes = Math.max(1, ...bins.map((bin) => sizeText(bin.max_bytes).length));
  return bins.map((bin) => {
    // A bin with few of many must not look empty.
    const bar = '▇'.repeat(Math.ceil((bin.count / most) * BAR_WIDTH));
    const limit = padStart(sizeText(bin.max_bytes), sizes);
    return `<= ${limit}: ${padStart(`${bin.count}`, counts)} ${bar}`.trimEnd();
  });
}

function distribution(stats: StatsReport): string[] {
  const entries = Object.entries(stats.allocator_type_distribution);
  const names = Math.max(0, ...entries.map(([name]) => name.length));
  const counts = Math.max(0, ...entries.map(([, count]) => `${count}`.length));
  return entries.map(([name, count]) => {
    const bytes = stats.allocated_bytes_by_allocator[name] ?? 0;
    const label = padEnd(`${name}:`, names + 1);
    return `${label} ${padStart(`${count}`, counts)}  ${sizeText(bytes)}`;
  });
}

/** Threads beyond these are counted: a pool may have hundreds. */
const MOST_THREADS = 10;

function threadLines({ allocations_by_thread: all }: StatsReport, columns: number): string[] {
  const shown = all.slice(0, MOST_THREADS);
  const sizes = shown.map((each) => sizeText(each.total_bytes));
  const counts = shown.map((each) => `${each.num_allocations}`);
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const lines = shown.map(({ thread, roles = {} }, i) => {
    const size = padStart(sizes[i] ?? '', width(sizes));
    const numbers = `${size} in ${padStart(counts[i] ?? '', width(counts))}  `;
    const jobs = Object.entries(roles).map(([role, bytes]) => `${role} ${sizeText(bytes)}`);
    const text = [thread, ...jobs].join(', ');
    return numbers + fitted(text, columns - INDENT.length - numbers.length);
  });
  const more = all.length - shown.length;
  return more > 0 ? [...lines, `${more} more`] : lines;
}

function topSection(
  by: 'size' | 'number of allocations',
  stats: StatsReport,
  columns: number,
  colours: Colours,
): string[] {
  const top =
    by === 'size'
      ? stats.top_allocations_by_size.map(({ location, size }) => ({
          location,
          value: sizeText(size),
        }))
      : stats.top_allocations_by_count.map(({ location, count }) => ({
          location,
          value: `${count}`,
        }));
  const title = `Top ${top.length} largest allocating locations${ABOUT[stats.kind]} (by ${by}):`;
  return section(title, listed(top, columns), colours);
}

function listed(top: readonly { location: string; value: string }[], columns: number): string[] {
  return top.map(({ location, value }) => {
    const room = columns - INDENT.length - '-  -> '.length - value.length;
    return `- ${fitted(location, room)} -> ${value}`;
  });
}

/** Left out where no package has allocated: the program and Node.js are no news. */
function packageSection(
  by: 'size' | 'number of allocations',
  stats: StatsReport,
  columns: number,
  colours: Colours,
): string[] {
  const bySize = by === 'size';
  const modules = bySize
    ? stats.top_modules_by_allocation_size
    : stats.top_modules_by_allocation_count;
  if (modules.every(({ module }) => module.startsWith('('))) return [];
  const top = modules.map(({ module, num_allocations: count, total_bytes: bytes }) => ({
    location: module,
    value: bySize ? sizeText(bytes) : `${count}`,
  }));
  const title = `Top ${top.length} largest allocating packages${ABOUT[stats.kind]} (by ${by}):`;
  return section(title, listed(top, columns), colours);
}

function collections(stats: StatsReport): string[] {
  return stats.gc.map(
    (gc) =>
      `${gc.type}: ${gc.count}, ${gc.pause_ms.toFixed(1)} ms in all, ` +
      `longest ${gc.longest_ms.toFixed(1)} ms`,
  );
}
