// SPDX-License-Identifier: MIT
// What a service keeps, for a terminal and as CSV.

import pc from 'picocolors';
import { csvOf } from '../model/csv.js';
import { printable } from '../model/printable.js';
import { sizeText } from '../model/size-text.js';
import { fittedPlace, padEnd, padStart, wrapped } from '../model/terminal-text.js';
import type { AgeBin, LeakRow, LeaksReport } from '../report/leaks.js';
import { columnsOf, type TextOptions } from './text-options.js';

const GAP = '  ';
const MIN_LOCATION = 16;
const BAR_WIDTH = 25;
const HEADINGS = ['Growth', 'A second', 'Survived', 'Live', 'Mean age', 'Trend'];
/** Places are what the table is for: in a narrow terminal these columns give way to them, the first one first. */
const GIVE_WAY = ['Mean age', 'Live', 'Survived'];
const WANTED_LOCATION = 32;

type Colours = ReturnType<typeof pc.createColors>;

export function leaksText(report: LeaksReport, options: TextOptions = {}): string {
  const colours = pc.createColors(options.colour ?? false);
  const columns = columnsOf(options);
  const sections = [
    verdictLines(report, columns, colours),
    siteLines(report, columns, colours),
    ageLines(report.ages, colours),
    report.notes.flatMap((note) => wrapped(printable(note), columns)),
  ];
  const shown = sections.filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function verdictLines(report: LeaksReport, columns: number, colours: Colours): string[] {
  const paint = {
    leak: colours.red,
    fragmentation: colours.red,
    'warm-up': colours.green,
    steady: colours.green,
    undecided: colours.yellow,
  }[report.verdict];
  const range = `from ${secondsText(report.from_ms)} to ${secondsText(report.to_ms)}`;
  const why = report.why.flatMap((sentence) =>
    wrapped(sentence, columns - GAP.length).map((line) => GAP + line),
  );
  return [`${colours.bold(paint(report.verdict))} ${range}`, ...why];
}

function siteLines(report: LeaksReport, columns: number, colours: Colours): string[] {
  if (report.rows.length === 0) return [];
  const cells = report.rows.map((row) => [
    sizeText(row.growth_bytes),
    sizeText(row.bytes_per_second),
    sizeText(row.survived_bytes),
    sizeText(row.live_bytes),
    row.mean_age_ms === null ? '' : secondsText(row.mean_age_ms),
    row.trend,
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => (row[column] as string).length)),
  );
  const { shown, room } = fittingColumns(widths, columns);
  const line = (texts: readonly string[]) =>
    shown.map((column) => padStart(texts[column] as string, widths[column] as number)).join(GAP);
  const rows = report.rows.map((row, index) => {
    const numbers = line(cells[index] as string[]);
    const place = row.line > 0 ? `${row.file}:${row.line}` : row.file;
    const location = fittedPlace(row.function, ' at ', place, room);
    return `${row.trend === 'growing' ? colours.red(numbers) : numbers}${GAP}${location}`;
  });
  const hidden = report.row_count - report.rows.length;
  const note = hidden === 0 ? [] : ['', `${hidden} more rows; --max-rows shows them.`];
  return [colours.bold(`${line(HEADINGS)}${GAP}Location`), ...rows, ...note];
}

/** Which columns of numbers there is room for, and what they leave to the place. */
function fittingColumns(widths: readonly number[], columns: number) {
  const roomBeside = (shown: readonly number[]) =>
    columns - shown.reduce((sum, column) => sum + (widths[column] as number) + GAP.length, 0);
  let shown = Array.from(widths.keys());
  for (const heading of GIVE_WAY) {
    if (roomBeside(shown) >= WANTED_LOCATION) break;
    shown = shown.filter((column) => HEADINGS[column] !== heading);
  }
  return { shown, room: Math.max(MIN_LOCATION, roomBeside(shown)) };
}

function ageLines(ages: readonly AgeBin[], colours: Colours): string[] {
  const most = Math.max(0, ...ages.map(({ bytes }) => bytes));
  if (most === 0) return [];
  const names = ages.map(({ min_ms, max_ms }) => `${secondsText(min_ms)} – ${secondsText(max_ms)}`);
  const nameWidth = Math.max(...names.map((name) => name.length));
  const sizes = ages.map(({ bytes }) => sizeText(bytes));
  const sizeWidth = Math.max(...sizes.map((size) => size.length));
  const lines = ages.map(({ bytes }, index) => {
    const bar = '▇'.repeat(Math.ceil((bytes / most) * BAR_WIDTH));
    const name = padEnd(names[index] as string, nameWidth);
    return `${GAP}${name}${GAP}${padStart(sizes[index] as string, sizeWidth)} ${bar}`.trimEnd();
  });
  return [colours.bold('Age of live blocks:'), ...lines];
}

/** Three digits are enough to compare by: `8.4 ms`, `12.0 s`, `90 min`. */
function secondsText(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0' : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
  const seconds = ms / 1000;
  return seconds < 600 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

const COLUMNS: readonly (keyof LeakRow)[] = [
  'function',
  'file',
  'line',
  'package',
  'via',
  'trend',
  'growth_bytes',
  'bytes_per_second',
  'survived_bytes',
  'live_bytes',
  'live_count',
  'mean_age_ms',
];

export function leaksCsv(report: LeaksReport): string {
  return csvOf(COLUMNS, report.rows);
}
