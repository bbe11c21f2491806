// SPDX-License-Identifier: MIT
// Comma-separated values (RFC 4180), for spreadsheets and for programs. Runs in Node and in browsers.

import { printable } from './printable.js';

export type CsvValue = string | number | null;

/** What a spreadsheet would run as a formula; names come from programs that may be hostile. */
const FORMULA = /^[=+\-@]/;
/** `@scope/name@1.0.0` is no formula in any spreadsheet. */
const SCOPED_PACKAGE = /^@[\w.-]+\/[\w.@/+-]+$/;

/** A heading and rows; names that could steer a terminal or a spreadsheet are made inert. */
export function csvText(columns: readonly string[], rows: Iterable<readonly CsvValue[]>): string {
  return [...csvLines(columns, rows)].join('');
}

/** The same line by line, for tables that are larger than a string can be. */
export function* csvLines(
  columns: readonly string[],
  rows: Iterable<readonly CsvValue[]>,
): Generator<string> {
  yield `${columns.join(',')}\n`;
  for (const row of rows) yield `${row.map(field).join(',')}\n`;
}

/** Rows of equal objects, a column for each of their fields. */
export function csvOf<Row extends object>(
  columns: readonly (keyof Row & string)[],
  rows: Iterable<Row>,
): string {
  const values = Array.from(rows, (row) => columns.map((column) => row[column] as CsvValue));
  return csvText(columns, values);
}

function field(value: CsvValue): string {
  if (typeof value !== 'string') return value === null ? '' : `${value}`;
  const inert = printable(value);
  const text = FORMULA.test(inert) && !SCOPED_PACKAGE.test(inert) ? `'${inert}` : inert;
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
