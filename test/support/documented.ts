// SPDX-License-Identifier: MIT
// Outputs in the documents, compared with real ones: the same words, and numbers as near as machines agree.
import { expect } from 'vitest';

const NUMBER = /\d[\d,.]*\d|\d/g;
export const words = (text: string) => text.replaceAll(NUMBER, 'N').replaceAll(/\s+/g, ' ').trim();
export const numbers = (text: string) =>
  [...text.matchAll(NUMBER)].map(([number]) => Number(number.replaceAll(',', '')));

/** What the documents were written on: elsewhere V8 and the C library have other habits. */
export const sameHabits =
  process.version.startsWith('v20.') &&
  process.platform === 'linux' &&
  process.arch === 'x64' &&
  (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header
    .glibcVersionRuntime !== undefined;

/** In the examples' units: MB, or for large numbers whatever they count. */
const near = (a: number, b: number) => Math.abs(a - b) <= Math.max(25, 0.4 * Math.max(a, b));

export function expectOutput(actual: string, documented: string): void {
  expect(words(actual)).toBe(words(documented));
  if (sameHabits) expectNumbers(actual, documented);
}

function expectNumbers(actual: string, documented: string): void {
  const got = numbers(actual);
  const far = numbers(documented).filter((number, i) => !near(number, got[i] ?? Number.NaN));
  expect(far, actual).toEqual([]);
}

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Branches of trees depend on what is beside them. */
const plain = (line: string) => line.replaceAll(/[│├└]/g, ' ').trim();

/** What a documented line stands for: any numbers, any space between columns, anything for an ellipsis. */
function pattern(line: string): RegExp {
  const parts = plain(line).split(/(…|\s+|\d[\d,.]*\d|\d)/);
  const source = parts.map((part) => {
    if (part === '…') return '.*';
    if (/^\s+$/.test(part)) return '\\s+';
    return /^\d/.test(part) ? '(\\d[\\d,.]*\\d|\\d)' : escaped(part);
  });
  return new RegExp(`^\\s*${source.join('')}\\s*$`);
}

/** The documented lines are among the actual ones, in order; a line that is `…` stands for any number of lines. */
export function expectExcerpt(actual: string, documented: string): void {
  const lines = actual.split('\n').map(plain);
  let at = 0;
  for (const line of documented.split('\n')) {
    if (line.trim() === '…' || line.trim() === '') continue;
    const found = lines.findIndex((text, i) => i >= at && pattern(line).test(text));
    const shown = lines.slice(at, at + 40).join('\n');
    expect(found, `${line}\nis not in\n${shown}`).not.toBe(-1);
    const [, ...got] = pattern(line).exec(lines[found] ?? '') ?? [];
    expectNumbers(got.join(' '), numbers(line).join(' '));
    at = found + 1;
  }
}
