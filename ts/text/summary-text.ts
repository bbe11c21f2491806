// SPDX-License-Identifier: MIT
// The summary report as a table for a terminal.

import pc from 'picocolors';
import { sizeText } from '../model/size-text.js';
import { fittedPlace, padEnd, padStart, textWidth } from '../model/terminal-text.js';
import type { SummaryColumn, SummaryReport, SummaryRow } from '../report/summary.js';
import { paintShare } from './share-colour.js';
import { columnsOf, type TextOptions } from './text-options.js';
import { headingText } from './tree-text.js';

interface Column {
  readonly title: string;
  readonly sort: SummaryColumn | undefined;
  readonly text: (row: SummaryRow, report: SummaryReport) => string;
  /** 0 to 1, for columns that are coloured by it. */
  readonly share?: (row: SummaryRow, report: SummaryReport) => number;
}

const shareOf = (bytes: number, report: SummaryReport): number =>
  report.total_bytes === 0 ? 0 : bytes / report.total_bytes;
const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
const totalShare = (row: SummaryRow, report: SummaryReport) => shareOf(row.total_bytes, report);
const ownShare = (row: SummaryRow, report: SummaryReport) => shareOf(row.own_bytes, report);

const NUMBERS: readonly Column[] = [
  {
    title: 'Total',
    sort: 'total_bytes',
    text: (row) => sizeText(row.total_bytes),
    share: totalShare,
  },
  {
    title: 'Total %',
    sort: undefined,
    text: (row, report) => percent(totalShare(row, report)),
    share: totalShare,
  },
  { title: 'Own', sort: 'own_bytes', text: (row) => sizeText(row.own_bytes), share: ownShare },
  {
    title: 'Own %',
    sort: undefined,
    text: (row, report) => percent(ownShare(row, report)),
    share: ownShare,
  },
  { title: 'Allocations', sort: 'allocations', text: (row) => `${row.allocations}` },
];

const GAP = '  ';
const MIN_LOCATION = 16;

export interface SummaryTextOptions extends TextOptions {
  /** Which column the rows are sorted by; its title is marked. */
  readonly sortBy?: SummaryColumn;
}

export function summaryText(report: SummaryReport, options: SummaryTextOptions = {}): string {
  const colours = pc.createColors(options.colour ?? false);
  const sortBy = options.sortBy ?? 'total_bytes';
  const title = (column: Pick<Column, 'title' | 'sort'>) => {
    const text = column.sort === 'allocations' && report.js_heap ? 'Objects' : column.title;
    return column.sort === sortBy ? `<${text}>` : text;
  };
  const cells = report.rows.map((row) => NUMBERS.map((column) => column.text(row, report)));
  const widths = NUMBERS.map((column, index) =>
    Math.max(title(column).length, ...cells.map((row) => (row[index] as string).length)),
  );
  const numbersWidth = widths.reduce((sum, width) => sum + GAP.length + width, 0);
  const room = Math.max(MIN_LOCATION, columnsOf(options) - numbersWidth);
  const locationTitle = title({ title: 'Location', sort: 'function' });
  const locations = report.rows.map((row) => fittedPlace(row.function, ' at ', placeOf(row), room));
  const locationWidth = Math.max(locationTitle.length, ...locations.map(textWidth));
  const header = [
    padEnd(locationTitle, locationWidth),
    ...NUMBERS.map((column, index) => padStart(title(column), widths[index] as number)),
  ].join(GAP);
  const lines = report.rows.map((row, index) => {
    const numbers = NUMBERS.map((column, at) => {
      const cell = padStart(cells[index]?.[at] as string, widths[at] as number);
      return paintShare(cell, column.share?.(row, report) ?? 0, colours);
    });
    return [padEnd(locations[index] as string, locationWidth), ...numbers].join(GAP);
  });
  const top = [...processLines(report), ...jsHeapLines(report)].map((line, i) =>
    i === 0 ? colours.bold(line) : line,
  );
  return `${[...top, colours.bold(header), ...lines, ...cutNote(report)].join('\n')}\n`;
}

function processLines({ kind, processes }: SummaryReport): string[] {
  return processes === undefined ? [] : [headingText('Memory', kind, processes), ''];
}

function jsHeapLines({ js_heap }: SummaryReport): string[] {
  return js_heap === undefined ? [] : [js_heap.title, ...js_heap.notes, ''];
}

function placeOf(row: SummaryRow): string {
  return row.line > 0 ? `${row.file}:${row.line}` : row.file;
}

function cutNote(report: SummaryReport): string[] {
  const hidden = report.row_count - report.rows.length;
  return hidden === 0 ? [] : ['', `${hidden} more rows; --max-rows shows them.`];
}
