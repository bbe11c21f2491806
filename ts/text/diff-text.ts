// SPDX-License-Identifier: MIT
// The comparison of two captures as a table for a terminal, and as CSV.

import pc from 'picocolors';
import { csvOf } from '../model/csv.js';
import { sizeText } from '../model/size-text.js';
import { fittedPlace, padStart } from '../model/terminal-text.js';
import type { DiffReport, DiffRow } from '../report/diff.js';
import { columnsOf, type TextOptions } from './text-options.js';

const GAP = '  ';
const MIN_LOCATION = 16;
const HEADINGS = ['Change', 'Before', 'After', '%'];

const WHAT: Record<string, string> = {
  peak: 'Heap at the peak',
  leaked: 'Live at the end',
  temporary: 'Freed soon',
  allocated: 'Allocated',
};

export function diffText(report: DiffReport, options: TextOptions = {}): string {
  const colours = pc.createColors(options.colour ?? false);
  const changed = report.rows.filter((row) => row.status !== 'same');
  const cells = changed.map((row) => [
    signedSize(row.bytes_change),
    sizeText(row.bytes_before),
    sizeText(row.bytes_after),
    changeText(row),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => (row[column] as string).length)),
  );
  const numbersWidth = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  const room = Math.max(MIN_LOCATION, columnsOf(options) - numbersWidth);
  const line = (texts: readonly string[]) =>
    texts.map((text, column) => padStart(text, widths[column] as number)).join(GAP);
  const rows = changed.map((row, index) => {
    const numbers = line(cells[index] as string[]);
    const paint = row.bytes_change > 0 ? colours.red : colours.blue;
    const place = fittedPlace(row.function, ' at ', placeOf(row), room);
    return `${paint(numbers)}${GAP}${place}`;
  });
  const heading = rows.length === 0 ? [] : [colours.bold(`${line(HEADINGS)}${GAP}Location`)];
  const lines = [colours.bold(totalText(report)), '', ...heading, ...rows, ...notes(report)];
  return `${lines.join('\n')}\n`;
}

/** `Heap at the peak: 20.000MB before, 25.000MB after, +5.000MB (+25.0%)` */
export function totalText(report: DiffReport): string {
  const { bytes_before: before, bytes_after: after, bytes_change: change } = report;
  const share = before === 0 ? '' : ` (${signedPercent(change / before)})`;
  return (
    `${WHAT[report.kind]}: ${sizeText(before)} before, ${sizeText(after)} after, ` +
    `${signedSize(change)}${share}`
  );
}

const COLUMNS: readonly (keyof DiffRow)[] = [
  'status',
  'function',
  'file',
  'line_before',
  'line_after',
  'package',
  'via',
  'bytes_before',
  'bytes_after',
  'bytes_change',
  'allocations_before',
  'allocations_after',
];

export function diffCsv(report: DiffReport): string {
  return csvOf(COLUMNS, report.rows);
}

export function signedSize(bytes: number): string {
  return bytes > 0 ? `+${sizeText(bytes)}` : sizeText(bytes);
}

export function signedPercent(share: number): string {
  const percent = share * 100;
  const text = Math.abs(percent) < 1000 ? percent.toFixed(1) : percent.toFixed(0);
  return `${percent > 0 ? '+' : ''}${text}%`;
}

function changeText(row: DiffRow): string {
  if (row.status === 'new' || row.status === 'gone') return row.status;
  return row.bytes_before === 0 ? '' : signedPercent(row.bytes_change / row.bytes_before);
}

/** `/app/cache.js:10→12` when the line moved. */
function placeOf({ file, line_before: before, line_after: after }: DiffRow): string {
  const line = after ?? before ?? 0;
  if (line === 0) return file;
  const moved = before !== null && after !== null && before !== after ? `${before}→` : '';
  return `${file}:${moved}${line}`;
}

function notes({ rows, row_count: all, same_count: same }: DiffReport): string[] {
  const shown = rows.filter((row) => row.status !== 'same').length;
  const hidden = all - same - shown;
  const lines = [
    ...(hidden > 0 ? [`${hidden} more have changed; --max-rows shows them.`] : []),
    ...(same > 0
      ? [`${same} ${same === 1 ? 'place holds' : 'places hold'} the same as before.`]
      : []),
  ];
  if (all === 0) return ['No memory in either capture.'];
  return shown > 0 && lines.length > 0 ? ['', ...lines] : lines;
}
