// SPDX-License-Identifier: MIT
// Text in terminal columns: names may be wide, combined or hostile.

import stringWidth from 'string-width';
import { printable } from './printable.js';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

export function textWidth(text: string): number {
  return stringWidth(text);
}

/** At most `width` columns of `text`, made inert; what does not fit is cut at the end. */
export function fitted(text: string, width: number): string {
  const safe = printable(text);
  if (textWidth(safe) <= width) return safe;
  return width <= 0 ? '' : `${takeColumns(split(safe), width - 1).join('')}…`;
}

/** The same, but cut at the front: the end of a path says most. */
export function fittedEnd(text: string, width: number): string {
  const safe = printable(text);
  if (textWidth(safe) <= width) return safe;
  if (width <= 0) return '';
  const tail = takeColumns(split(safe).reverse(), width - 1);
  return `…${tail.reverse().join('')}`;
}

/** A name and where it is, together at most `width` columns; the name gives way first when both are long. */
export function fittedPlace(name: string, separator: string, place: string, width: number): string {
  if (place === '') return fitted(name, width);
  const room = width - textWidth(separator);
  const placeRoom = Math.min(textWidth(printable(place)), Math.ceil(room / 2));
  const shownName = fitted(name, room - placeRoom);
  return shownName + separator + fittedEnd(place, room - textWidth(shownName));
}

function split(text: string): string[] {
  return Array.from(graphemes.segment(text), (part) => part.segment);
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

/** Words in lines of at most `width` columns; a longer word is cut. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((each) => fitted(each, width));
}
