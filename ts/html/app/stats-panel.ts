// SPDX-License-Identifier: MIT
// Key figures at the top, everything else in the statistics dialog.

import { printable } from '../../model/printable.js';
import type { PageData } from '../page-data.js';
import { signedBytes } from './difference.js';
import { element } from './dom.js';
import { bytesText, countText, durationText, exactBytes, percentText } from './units.js';

/** A comparison has other things to say, and no room for these. */
const ONE_CAPTURE = ['Peak heap', 'Allocated', 'Live at exit', 'Live at the end'];

const liveAt = (stats: PageData['stats']): string =>
  stats.leaked_at === 'exit' ? 'Live at exit' : 'Live at the end';

const peakNote = ({ processes, peak_time_ms }: PageData['stats']): string =>
  processes === undefined
    ? `after ${durationText(peak_time_ms)}`
    : `of ${countText(processes.length)} processes, each at its own`;

/** Totals of both sides. */
export interface Compared {
  readonly before: number;
  readonly after: number;
}

/** @param compared a comparison has other figures */
export function keyFigures({ stats }: Pick<PageData, 'stats'>, compared?: Compared): HTMLElement[] {
  const figures: [string, string, string][] = [
    ...(compared ? changeFigures(compared) : []),
    ['Peak heap', bytesText(stats.peak_memory), peakNote(stats)],
    ['Peak RSS', bytesText(stats.peak_rss), ''],
    ['Peak V8 heap', bytesText(stats.peak_js_heap), ''],
    [
      'Allocated',
      bytesText(stats.total_bytes_allocated),
      `in ${countText(stats.total_num_allocations)} allocations`,
    ],
    [liveAt(stats), bytesText(stats.leaked_bytes), ''],
    ['Duration', durationText(stats.metadata.duration_ms), ''],
  ];
  return figures
    .filter(([name]) => stats.peak_js_heap > 0 || name !== 'Peak V8 heap')
    .filter(([name]) => stats.peak_rss > 0 || name !== 'Peak RSS')
    .filter(([name]) => compared === undefined || !ONE_CAPTURE.includes(name))
    .map(([name, value, note]) =>
      element(
        'div',
        { class: 'figure' },
        element('dt', {}, name),
        element(
          'dd',
          {},
          value,
          note === '' ? undefined : element('span', { class: 'note' }, note),
        ),
      ),
    );
}

function changeFigures({ before, after }: Compared): [string, string, string][] {
  const share = before === 0 ? '' : `${percentText(Math.abs(after - before), before)}`;
  return [
    ['Change', signedBytes(after - before), share],
    ['Before', bytesText(before), ''],
    ['After', bytesText(after), ''],
  ];
}

export function warningTexts(data: PageData): string[] {
  const { folded, stats } = data;
  if (folded.frames === 0) return [...stats.warnings];
  const share = percentText(folded.bytes, stats.peak_memory);
  return [
    ...stats.warnings,
    `To keep this page small, ${countText(folded.frames)} of the smallest frames are folded into “(folded)”; ` +
      `they hold ${bytesText(folded.bytes)} themselves, ${share} of the whole.`,
  ];
}

export type StatsData = Pick<PageData, 'stats' | 'timeline'>;

export function statsContent(data: StatsData, warnings: readonly string[]): HTMLElement[] {
  const { stats, timeline } = data;
  const { metadata } = stats;
  return [
    section('Program', definitions(programFacts(data))),
    ...processSection(stats),
    section(
      'Memory',
      definitions([
        ['Peak heap', `${bytesText(stats.peak_memory)} (${exactBytes(stats.peak_memory)})`],
        ['Peak RSS', bytesText(stats.peak_rss)],
        ['Peak V8 heap', bytesText(stats.peak_js_heap)],
        ['Address space reserved', bytesText(stats.peak_reserved)],
        ['Limit of the control group', limitText(metadata.cgroup_limit)],
        ['Allocations', countText(stats.total_num_allocations)],
        ['Bytes allocated', bytesText(stats.total_bytes_allocated)],
        [
          liveAt(stats),
          `${bytesText(stats.leaked_bytes)} in ${countText(stats.leaked_allocations)} blocks`,
        ],
        ['Threads', countText(stats.threads)],
      ]),
    ),
    section('Sizes of allocations', histogram(stats.allocation_size_histogram)),
    section(
      'Allocators',
      bars(
        Object.entries(stats.allocator_type_distribution).map(([name, count]) => ({
          name: name.toLowerCase(),
          value: count,
          text: countText(count),
        })),
      ),
    ),
    section('Garbage collections', gcTable(stats.gc)),
    section('Marks', marksList(timeline.marks, timeline.mark_count)),
    ...notesSections([...warnings, ...stats.notes]),
  ];
}

function notesSections(notes: readonly string[]): HTMLElement[] {
  if (notes.length === 0) return [];
  const list = element('ul', { class: 'notes' }, ...notes.map((text) => element('li', {}, text)));
  return [section('Notes', list)];
}

function processSection({ processes }: PageData['stats']): HTMLElement[] {
  if (processes === undefined) return [];
  const facts = processes.map((each): [string, string] => [
    each.name,
    `${bytesText(each.peak_memory)} at its peak after ${durationText(each.peak_time_ms)}, RSS ${bytesText(each.peak_rss)}`,
  ]);
  return [section('Processes', definitions(facts))];
}

function programFacts(data: StatsData): [string, string][] {
  const { metadata } = data.stats;
  const ended =
    metadata.exit_signal !== null
      ? `${metadata.end}, signal ${metadata.exit_signal}`
      : metadata.exit_code !== null
        ? `${metadata.end}, exit code ${metadata.exit_code}`
        : metadata.end;
  return [
    ['Command', metadata.command_line],
    ['Directory', metadata.cwd],
    ['Process', `${metadata.pid}`],
    ['Started', localTime(metadata.start_time)],
    ['Duration', durationText(metadata.duration_ms)],
    ['Ended by', ended],
    ['Node.js', metadata.node_version],
    ['V8', metadata.v8_version],
    ['Node options', metadata.exec_argv.join(' ')],
    ['System', [metadata.platform, metadata.arch, metadata.libc].filter(Boolean).join(', ')],
    ['memtape', metadata.memtape_version],
  ];
}

function localTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : date.toLocaleString();
}

function limitText(limit: number | null): string {
  return limit === null ? 'none' : bytesText(limit);
}

function section(title: string, ...content: (Node | undefined)[]): HTMLElement {
  return element('section', {}, element('h3', {}, title), ...content);
}

function definitions(facts: [string, string][]): HTMLElement {
  return element(
    'dl',
    { class: 'facts' },
    ...facts
      .filter(([, value]) => value !== '')
      .flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, printable(value))]),
  );
}

function histogram(bins: PageData['stats']['allocation_size_histogram']): HTMLElement {
  return bars(
    bins.map((bin) => ({
      name: `${bytesText(bin.min_bytes)} – ${bytesText(bin.max_bytes)}`,
      value: bin.count,
      text: countText(bin.count),
    })),
  );
}

function bars(items: { name: string; value: number; text: string }[]): HTMLElement {
  const largest = Math.max(1, ...items.map((item) => item.value));
  return element(
    'dl',
    { class: 'bars' },
    ...items.flatMap((item) => {
      const bar = element('span', { class: 'bar' });
      bar.style.setProperty('--share', (item.value / largest).toFixed(4));
      return [element('dt', {}, item.name), element('dd', {}, bar, element('span', {}, item.text))];
    }),
  );
}

function gcTable(totals: PageData['stats']['gc']): HTMLElement {
  if (totals.length === 0) return element('p', { class: 'note' }, 'None were recorded.');
  return definitions(
    totals.map((gc) => [
      gc.type,
      `${countText(gc.count)}, ${durationText(gc.pause_ms)} in all, longest ${durationText(gc.longest_ms)}`,
    ]),
  );
}

function marksList(marks: PageData['timeline']['marks'], count: number): HTMLElement {
  if (marks.length === 0) return element('p', { class: 'note' }, 'None were set.');
  const shown = marks.slice(0, 50);
  const facts = shown.map((mark): [string, string] => [durationText(mark.time_ms), mark.name]);
  if (count > shown.length) facts.push(['…', `and ${countText(count - shown.length)} more`]);
  return definitions(facts);
}
