// SPDX-License-Identifier: MIT
import { basename } from 'node:path';
import { printable } from '../model/printable.js';

export const oneLine = (text: string): string => printable(text.replaceAll(/\s+/g, ' '));

/** A command as one short line. */
export function commandText([program = '', ...args]: readonly string[]): string {
  const words = oneLine([basename(program), ...args].join(' '));
  return words.length > 60 ? `${words.slice(0, 59)}…` : words;
}
