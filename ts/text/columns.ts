// SPDX-License-Identifier: MIT
// Text in terminal columns: names may be wide, combined or hostile.

import stringWidth from 'string-width';
import { printable } from '../model/printable.js';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

export function textWidth(text: string): number {
  return stringWidth(text);
}

/** At most `width` columns of `text`, made inert; what does not fit is cut from the middle, where paths say least. */
export function fitted(text: string, width: number): string {
  const safe = printable(text);
  if (textWidth(safe) <= width) return safe;
  if (width <= 1) return '…'.slice(0, width);
  const parts = Array.from(graphemes.segment(safe), (part) => part.segment);
  const room = width - 1;
  const head = takeColumns(parts, Math.floor(room / 3));
  const tail = takeColumns(parts.reverse(), room - textWidth(head.join('')));
  return `${head.join('')}…${tail.reverse().join('')}`;
}

function takeColumns(parts: readonly string[], width: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const part of parts) {
    used += textWidth(part);
    if (used > width) break;
    taken.push(part);
  }
  return taken;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}
