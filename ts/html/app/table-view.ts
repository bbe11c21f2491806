// SPDX-License-Identifier: MIT
// The same memory by line of code, as a table that sorts.

import { element } from './dom.js';
import { CATEGORY_LABELS, swatchColour, type Theme } from './palette.js';
import { fullPlace } from './tooltip.js';
import type { FrameSum } from './trees.js';
import { bytesText, countText, exactBytes, percentText } from './units.js';

const MAX_ROWS = 500;

type Column = 'name' | 'ownBytes' | 'totalBytes' | 'count';

const COLUMNS: readonly { key: Column; label: string; hint: string }[] = [
  { key: 'name', label: 'Function', hint: 'and where it was when it called' },
  {
    key: 'ownBytes',
    label: 'Own',
    hint: 'allocated by this line itself, or by native code on its behalf',
  },
  { key: 'totalBytes', label: 'Total', hint: 'with everything it called; recursion counts once' },
  { key: 'count', label: 'Blocks', hint: 'live blocks and mapped ranges' },
];

export class TableView {
  readonly #box: HTMLElement;
  readonly #onPick: (sum: FrameSum) => void;
  #sums: readonly FrameSum[] = [];
  #whole = 0;
  #theme: Theme = 'light';
  #sortBy: Column = 'totalBytes';

  constructor(box: HTMLElement, onPick: (sum: FrameSum) => void) {
    this.#box = box;
    this.#onPick = onPick;
  }

  show(sums: readonly FrameSum[], whole: number, theme: Theme): void {
    this.#sums = sums;
    this.#whole = whole;
    this.#theme = theme;
    this.#render();
  }

  #render(): void {
    const sorted = [...this.#sums].sort((a, b) => this.#compare(a, b));
    const shown = sorted.slice(0, MAX_ROWS);
    const table = element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...COLUMNS.map((column) => this.#header(column)))),
      element('tbody', {}, ...shown.map((sum) => this.#row(sum))),
    );
    const note =
      sorted.length === 0
        ? 'Nothing matches.'
        : sorted.length > shown.length
          ? `The ${MAX_ROWS} first of ${countText(sorted.length)} lines; search to see others.`
          : `${countText(sorted.length)} lines.`;
    this.#box.replaceChildren(table, element('p', { class: 'note' }, note));
  }

  #header(column: (typeof COLUMNS)[number]): HTMLElement {
    const sorted = column.key === this.#sortBy;
    const button = element('button', { type: 'button', title: column.hint }, column.label);
    button.addEventListener('click', () => {
      this.#sortBy = column.key;
      this.#render();
      this.#box.querySelectorAll<HTMLElement>('th button')[COLUMNS.indexOf(column)]?.focus();
    });
    const order = column.key === 'name' ? 'ascending' : 'descending';
    return element('th', { scope: 'col', 'aria-sort': sorted ? order : 'none' }, button);
  }

  #row(sum: FrameSum): HTMLElement {
    const { frame } = sum;
    const dot = element('span', { class: 'dot', title: CATEGORY_LABELS[frame.category] });
    dot.style.background = swatchColour(this.#theme, frame.category);
    const name = element('button', { type: 'button', class: 'pick' }, dot, frame.name);
    name.title = 'Find in the graph';
    name.addEventListener('click', () => this.#onPick(sum));
    const owner =
      frame.package === '' ? undefined : element('span', { class: 'owner' }, frame.package);
    const place = element('span', { class: 'place' }, fullPlace(frame));
    return element(
      'tr',
      {},
      element('td', {}, name, element('div', { class: 'where' }, place, owner)),
      this.#size(sum.ownBytes),
      this.#size(sum.totalBytes),
      element('td', { class: 'number' }, countText(sum.count)),
    );
  }

  #size(bytes: number): HTMLElement {
    const share = this.#whole === 0 ? 0 : bytes / this.#whole;
    const bar = element('span', { class: 'bar' });
    bar.style.setProperty('--share', share.toFixed(4));
    return element(
      'td',
      { class: 'number', title: exactBytes(bytes) },
      element('span', { class: 'size' }, bytesText(bytes)),
      element('span', { class: 'percent' }, percentText(bytes, this.#whole)),
      bar,
    );
  }

  #compare(a: FrameSum, b: FrameSum): number {
    const byName = a.frame.text < b.frame.text ? -1 : a.frame.text > b.frame.text ? 1 : 0;
    if (this.#sortBy === 'name') return byName;
    return b[this.#sortBy] - a[this.#sortBy] || byName;
  }
}
