// SPDX-License-Identifier: MIT
// What a page that compares two captures says of a frame, beside what every page says.

import { element } from './dom.js';
import type { Difference } from './layout.js';
import { changeColour, type Theme } from './palette.js';
import type { Shown } from './trees.js';
import { bytesText, percentText } from './units.js';

export function changeText({ before, after }: Difference, node: number): string {
  return signedBytes((after[node] as number) - (before[node] as number));
}

export const signedBytes = (bytes: number): string => `${bytes > 0 ? '+' : ''}${bytesText(bytes)}`;

/** Rows of a tooltip: name, value, note. */
export function changeRows(difference: Difference, node: number): [string, string, string][] {
  const before = difference.before[node] as number;
  const after = difference.after[node] as number;
  const note =
    before === after
      ? 'the same'
      : before === 0
        ? 'new'
        : after === 0
          ? 'gone'
          : `${percentText(Math.abs(after - before), before)} ${after > before ? 'more' : 'less'}`;
  return [
    ['Before', bytesText(before), ''],
    ['After', bytesText(after), ''],
    ['Change', changeText(difference, node), note],
  ];
}

/** For the status line. */
export function changeSentence(difference: Difference, node: number): string {
  const before = bytesText(difference.before[node] as number);
  const after = bytesText(difference.after[node] as number);
  return `${before} before, ${after} after, ${changeText(difference, node)}`;
}

/** What the colours mean, and how much of each there is. */
export function changeLegend({ tree, difference }: Shown, theme: Theme): HTMLElement[] {
  if (!difference) return [];
  const change = difference.after.map((bytes, node) => bytes - (difference.before[node] as number));
  const own = change.slice();
  for (let node = 1; node < tree.size; node++) {
    const above = tree.parent[node] as number;
    own[above] = (own[above] as number) - (change[node] as number);
  }
  const grown = own.reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
  const shrunken = own.reduce((sum, bytes) => sum + Math.min(0, bytes), 0);
  const kind = (label: string, colour: number, text: string): HTMLElement => {
    const swatch = element('span', { class: 'dot' });
    swatch.style.background = changeColour(theme, colour);
    const share = element('span', { class: 'share' }, text);
    return element('span', { class: 'legend-kind' }, swatch, label, share);
  };
  return [
    kind('Grew', 1, signedBytes(grown)),
    kind('Shrank', -1, signedBytes(shrunken)),
    kind('As before', 0, ''),
  ];
}
