// SPDX-License-Identifier: MIT
// The text of the lines that frames stand on, as far as a report may show it.
import { readFileSync, type Stats, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Confidential } from '../model/confidential.js';
import type { Frame } from '../model/frame.js';

export interface SourceLinesOptions {
  readonly confidential?: Confidential;
  /** When the recorded process ended; a file that has changed since has other lines. */
  readonly endedAtMs?: number;
}

const MAX_FILE_BYTES = 1 << 25;
const MAX_LINE = 160;
/** Of a longer line, what stands before the frame's column. */
const BEFORE_COLUMN = 40;
/** File systems and clocks differ by as much. */
const CLOCK_SLACK_MS = 2000;
const SCRIPT = /\.[cm]?[jt]sx?$/;
const READABLE_BY_ALL = 0o004;

/** For each frame its line without indentation; undefined where there is none to show. */
export function sourceLines(
  frames: readonly Frame[],
  options: SourceLinesOptions = {},
): (string | undefined)[] {
  const found = new Array<string | undefined>(frames.length).fill(undefined);
  if (options.confidential === 'all') return found;
  for (const [file, indexes] of framesByFile(frames)) {
    const lines = readLines(file, options);
    if (lines === null) continue;
    for (const index of indexes) {
      const { line, column } = frames[index] as Frame;
      found[index] = excerpt(lines[line - 1] ?? '', column) || undefined;
    }
  }
  return found;
}

/** Each file is read once and not kept. */
function framesByFile(frames: readonly Frame[]): Map<string, number[]> {
  const files = new Map<string, number[]>();
  for (const [index, { file, line }] of frames.entries()) {
    if (line === 0 || !isAbsolute(file)) continue;
    const indexes = files.get(file) ?? [];
    files.set(file, indexes);
    indexes.push(index);
  }
  return files;
}

/** All lines of a file; null where there are none to show. */
export function readLines(file: string, options: SourceLinesOptions = {}): string[] | null {
  if (options.confidential === 'all' || !isAbsolute(file)) return null;
  try {
    const stats = statSync(file);
    // Names come from the capture: a pipe or a device must not be read.
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return null;
    if (!mayShow(file, stats, options)) return null;
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch {
    return null; // Gone, or not for us to read: then there is nothing to show.
  }
}

function mayShow(file: string, stats: Stats, options: SourceLinesOptions): boolean {
  const { confidential = 'default', endedAtMs = Number.POSITIVE_INFINITY } = options;
  if (stats.mtimeMs > endedAtMs + CLOCK_SLACK_MS) return false;
  return confidential === 'none' || SCRIPT.test(file) || (stats.mode & READABLE_BY_ALL) !== 0;
}

function excerpt(line: string, column: number): string {
  const text = line.trim();
  if (text.length <= MAX_LINE) return text;
  const from = Math.max(0, column - 1 - (line.length - line.trimStart().length) - BEFORE_COLUMN);
  const end = from + MAX_LINE;
  return `${from > 0 ? '…' : ''}${text.slice(from, end)}${end < text.length ? '…' : ''}`;
}
