// SPDX-License-Identifier: MIT
// What RSS is made of, for a terminal and as CSV.

import pc from 'picocolors';
import { csvText } from '../model/csv.js';
import { printable } from '../model/printable.js';
import { sizeText } from '../model/size-text.js';
import { fitted, padEnd, padStart, wrapped } from '../model/terminal-text.js';
import type { RssExplained, RssKind, RssReport, RssRow, RssSeries } from '../report/rss-report.js';
import { columnsOf, type TextOptions } from './text-options.js';

const GAP = '  ';
const MOST_DETAILS = 5;
/** Of RSS; a detail with less is not worth a line. */
const LEAST_SHARE = 0.005;
const NUMBERS = 'MMM.MMMMB 100%'.length;
const LEAST_NAME = 24;
const MOST_NAME = 72;
const CHART_ROWS = 12;
const MOST_CHART_COLUMNS = 100;

type Colours = ReturnType<typeof pc.createColors>;

/** What stands for each kind in the picture, and in which colour. */
const LETTERS: Record<RssKind, [string, keyof Colours]> = {
  code: ['c', 'gray'],
  memtape: ['m', 'gray'],
  stacks: ['s', 'white'],
  files: ['f', 'white'],
  mappings: ['M', 'blue'],
  v8_heap: ['V', 'cyan'],
  v8_other: ['v', 'cyan'],
  blocks: ['B', 'green'],
  overhead: ['h', 'yellow'],
  fragments: ['F', 'red'],
  free: ['K', 'magenta'],
  earlier: ['e', 'gray'],
  other: ['o', 'gray'],
};

export function rssText(report: RssReport, options: TextOptions = {}): string {
  const colours = pc.createColors(options.colour ?? false);
  const columns = columnsOf(options);
  const { peak, end } = report;
  const same = peak !== null && end !== null && peak.time_ms === end.time_ms;
  const moments = [
    ...(peak === null
      ? []
      : [{ name: same ? 'at its highest and at the end' : 'at its highest', at: peak }]),
    ...(end === null || same ? [] : [{ name: 'at the end', at: end }]),
  ];
  const sections = [
    ...moments.map(({ name, at }) => verdictLines(name, at, columns, colours)),
    tableLines(moments, columns, colours),
    arenaLines(end ?? peak, colours),
    chartLines(report.series, columns, colours),
    report.notes.flatMap((note) => wrapped(printable(note), columns)),
  ];
  const shown = sections.filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

interface NamedMoment {
  readonly name: string;
  readonly at: RssExplained;
}

function verdictLines(name: string, at: RssExplained, columns: number, colours: Colours): string[] {
  const bad = at.verdict === 'fragmentation' || at.verdict === 'retained';
  const paint = bad ? colours.red : at.verdict === 'baseline' ? colours.green : colours.yellow;
  const sentences = (texts: readonly string[], mark: string) =>
    texts.flatMap((text) =>
      wrapped(printable(text), columns - GAP.length - mark.length).map(
        (line, i) => GAP + (i === 0 ? mark : ' '.repeat(mark.length)) + line,
      ),
    );
  return [
    `${colours.bold(paint(at.verdict))} ${name}, ${secondsText(at.time_ms)}: RSS ${sizeText(at.rss)}`,
    ...sentences(at.why, ''),
    ...sentences(at.advice, '- '),
  ];
}

function tableLines(moments: readonly NamedMoment[], columns: number, colours: Colours): string[] {
  if (moments.length === 0) return [];
  const rows = tableRows(moments.map(({ at }) => at));
  const widest = Math.max(...rows.map(({ name }) => name.length), LEAST_NAME);
  const numbers = moments.length * (NUMBERS + GAP.length);
  const width = Math.min(widest, MOST_NAME, Math.max(LEAST_NAME, columns - numbers));
  const heading = moments.map(({ name }) => padStart(name, NUMBERS)).join(GAP);
  const lines = rows.map(({ name, isDetail, cells }) => {
    const line = `${padEnd(fitted(name, width), width)}${GAP}${cells.join(GAP)}`.trimEnd();
    return isDetail ? colours.dim(line) : line;
  });
  const fits = moments.length === 1 || heading.length <= numbers;
  return [colours.bold(`${padEnd('RSS', width)}${GAP}${fits ? heading : ''}`.trimEnd()), ...lines];
}

interface TableRow {
  readonly name: string;
  readonly isDetail: boolean;
  readonly cells: readonly string[];
}

function tableRows(moments: readonly RssExplained[]): TableRow[] {
  const rows: TableRow[] = [];
  const cell = (bytes: number, rss: number) =>
    bytes === 0
      ? ' '.repeat(NUMBERS)
      : `${padStart(sizeText(bytes), NUMBERS - 5)} ${padStart(`${Math.round((bytes / rss) * 100)}%`, 4)}`;
  for (const [i, { kind, label }] of (moments[0]?.rows ?? []).entries()) {
    const same = moments.map((moment) => moment.rows[i] as RssRow);
    if (same.every(({ bytes }) => bytes === 0)) continue;
    const cells = moments.map(({ rss }, m) => cell((same[m] as RssRow).bytes, rss));
    rows.push({ name: `${LETTERS[kind][0]} ${label}`, isDetail: false, cells });
    const least = LEAST_SHARE * Math.max(...moments.map(({ rss }) => rss));
    for (const name of detailNames(same, least)) {
      const bytesOf = (row: RssRow) => row.details.find((d) => d.name === name)?.bytes ?? 0;
      const cells = moments.map(({ rss }, m) => cell(bytesOf(same[m] as RssRow), rss));
      rows.push({ name: `${GAP}${GAP}${name}`, isDetail: true, cells });
    }
  }
  const sums = moments.map(({ rss }) => cell(rss, rss));
  rows.push({ name: '= all of it', isDetail: false, cells: sums });
  return rows;
}

/** The largest ones of all moments that are worth a line. */
function detailNames(rows: readonly RssRow[], least: number): string[] {
  const most = new Map<string, number>();
  for (const { details } of rows) {
    for (const { name, bytes } of details) {
      if (name !== '' && bytes >= least) most.set(name, Math.max(most.get(name) ?? 0, bytes));
    }
  }
  const order = [...most].sort((a, b) => b[1] - a[1]);
  return order.slice(0, MOST_DETAILS).map(([name]) => name);
}

function arenaLines(at: RssExplained | null, colours: Colours): string[] {
  const arenas = at?.arenas ?? [];
  if (arenas.length < 2) return [];
  const headings = ['Arena', 'Resident', 'Live', 'Between blocks', 'Whole pages free'];
  const cells = arenas.map((arena) => [
    arena.arena === 1 ? 'main' : `${arena.arena}`,
    ...[arena.resident, arena.live, arena.fragments, arena.free].map(sizeText),
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => (row[column] as string).length)),
  );
  const line = (texts: readonly string[]) =>
    texts.map((text, column) => padStart(text, widths[column] as number)).join(GAP);
  return [colours.bold(line(headings)), ...cells.map(line)];
}

/** Kinds stacked over time: each column is a moment, each character a share of the highest RSS. */
function chartLines(series: RssSeries, columns: number, colours: Colours): string[] {
  const highest = Math.max(0, ...series.rss);
  const last = series.time_ms.at(-1) ?? 0;
  if (highest === 0 || series.rss.length < 2) return [];
  const scale = sizeText(highest);
  const width = Math.max(10, Math.min(MOST_CHART_COLUMNS, columns - scale.length - GAP.length));
  const kinds = (Object.keys(LETTERS) as RssKind[]).filter((kind) =>
    series.kinds[kind].some((bytes) => bytes > 0),
  );
  const stacks = Array.from({ length: width }, (_, column) => {
    const moment = momentAt(series.time_ms, (column / (width - 1)) * last);
    return stackOf(kinds, series, moment, highest);
  });
  const lines = Array.from({ length: CHART_ROWS }, (_, row) => {
    const level = CHART_ROWS - 1 - row;
    const cells = stacks.map((stack) => stack[level] ?? null);
    const label = row === 0 ? scale : '';
    return `${padStart(label, scale.length)}${GAP}${cells.map((kind) => cellText(kind, colours)).join('')}`;
  });
  const end = secondsText(last);
  const axis = `0${padStart(end, width - 1)}`;
  return [...lines.map((line) => line.trimEnd()), `${' '.repeat(scale.length)}${GAP}${axis}`];
}

function cellText(kind: RssKind | null, colours: Colours): string {
  if (kind === null) return ' ';
  const [letter, colour] = LETTERS[kind];
  const paint = colours[colour] as (text: string) => string;
  return paint(letter);
}

/** The last one not after `timeMs`. */
function momentAt(times: readonly number[], timeMs: number): number {
  let found = 0;
  for (let i = 0; i < times.length && (times[i] as number) <= timeMs; i++) found = i;
  return found;
}

/** From the bottom up, what stands in each row. */
function stackOf(
  kinds: readonly RssKind[],
  series: RssSeries,
  moment: number,
  highest: number,
): RssKind[] {
  const cells: RssKind[] = [];
  let sum = 0;
  for (const kind of kinds) {
    sum += series.kinds[kind][moment] ?? 0;
    const top = Math.round((sum / highest) * CHART_ROWS);
    while (cells.length < top) cells.push(kind);
  }
  return cells;
}

const secondsText = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

/** A row for each kind and detail at the two moments, and one for each kind at every other. */
export function rssCsv(report: RssReport): string {
  const { peak, end, series } = report;
  const rows: (string | number)[][] = [];
  for (const [moment, at] of [
    ['peak', peak],
    ['end', end],
  ] as const) {
    for (const { kind, bytes, details } of at?.rows ?? []) {
      rows.push([moment, at?.time_ms ?? 0, kind, '', bytes]);
      for (const { name, bytes } of details)
        rows.push([moment, at?.time_ms ?? 0, kind, name, bytes]);
    }
  }
  for (const [i, timeMs] of series.time_ms.entries()) {
    for (const [kind, column] of Object.entries(series.kinds)) {
      rows.push(['series', timeMs, kind, '', column[i] ?? 0]);
    }
  }
  return csvText(['moment', 'time_ms', 'kind', 'name', 'bytes'], rows);
}
