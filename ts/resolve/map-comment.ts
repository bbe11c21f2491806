// SPDX-License-Identifier: MIT
// Finds the `//# sourceMappingURL=` comment of a generated file without reading all of it.
import { readSync } from 'node:fs';

const TAIL_BYTES = 4096;
const STEP_BYTES = 1 << 18;
const COMMENT =
  /\/(?:\/[#@][ \t]+sourceMappingURL=([^\s'"`]+)|\*[#@][ \t]+sourceMappingURL=([^\s'"`*]+)[ \t]*\*\/)[ \t]*\r?$/gm;
const INLINE_START = '//# sourceMappingURL=data:';

/**
 * The URL of the last comment in the file, or null. Only comments and blank space may follow it, so
 * the tail is enough; but an inlined map is one line of any length: such a line is read back to its
 * start.
 */
export function readMapComment(fd: number, size: number, maxBytes: number): string | null {
  let start = Math.max(0, size - TAIL_BYTES);
  let tail = readRange(fd, start, size - start);
  const found = lastMapComment(tail.toString('utf8'));
  if (found !== null) return found;
  const firstLine = /^[^\s'"`]+/.exec(tail.toString('latin1'))?.[0] ?? '';
  const isWholeLine = firstLine.length === tail.length || isLineEnd(tail[firstLine.length]);
  let end = firstLine.length;
  if (!isWholeLine) return null;
  while (start > 0 && size - start < maxBytes) {
    const step = Math.min(start, Math.max(STEP_BYTES, tail.length));
    start -= step;
    tail = Buffer.concat([readRange(fd, start, step), tail]);
    end += step;
    const at = tail.lastIndexOf(INLINE_START, end);
    if (at >= 0) return lastMapComment(tail.toString('latin1', at, end));
    // Reading on is for nothing when the line starts here or is code.
    if (/[\s'"`]/.test(tail.toString('latin1', INLINE_START.length, step))) return null;
  }
  return null;
}

/** The URL of the last comment in a whole text. */
export function lastMapComment(text: string): string | null {
  let last: string | null = null;
  for (const match of text.matchAll(COMMENT)) last = match[1] ?? match[2] ?? null;
  return last;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 10 || byte === 13;
}

function readRange(fd: number, start: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const n = readSync(fd, buffer, done, size - done, start + done);
    if (n === 0) return buffer.subarray(0, done);
    done += n;
  }
  return buffer;
}
