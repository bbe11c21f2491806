// SPDX-License-Identifier: MIT
// The text of a source file as far as it is known: from the capture, and around that from the file.
import type { CaptureEnd } from '../decode/read-capture.js';
import { endedAtMs } from './resolution.js';
import { readLines } from './source-lines.js';

export interface SourceLine {
  readonly number: number;
  readonly text: string;
}

/** Part of a line that is too long to be kept. */
const CUT = '…';

/**
 * Lines in ascending order; null where none is known. The file counts only as long as it says what the capture says: it may be another
 * one by now.
 */
export function sourceText(end: CaptureEnd, file: string): readonly SourceLine[] | null {
  const embedded = embeddedLines(end, file);
  const lines = readLines(file, { endedAtMs: endedAtMs(end) });
  const isSame = ({ number, text }: SourceLine) =>
    text.includes(CUT) || lines?.[number - 1]?.trim() === text;
  if (lines !== null && embedded.every(isSame)) {
    return lines.map((text, i) => ({ number: i + 1, text }));
  }
  return embedded.length > 0 ? embedded : null;
}

function embeddedLines({ tables }: CaptureEnd, file: string): SourceLine[] {
  const found = new Map<number, string>();
  for (const [key, text] of tables.sourceLines) {
    if (!key.startsWith(`${file}\0`)) continue;
    const number = Number(key.split('\0')[1]);
    if (!found.has(number)) found.set(number, text);
  }
  return Array.from(found, ([number, text]) => ({ number, text })).sort(
    (a, b) => a.number - b.number,
  );
}
