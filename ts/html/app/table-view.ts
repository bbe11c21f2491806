// SPDX-License-Identifier: MIT
// The same memory by line of code, as a table that sorts.

import { moduleText } from '../../model/frame.js';
import { signedBytes } from './difference.js';
import { element } from './dom.js';
import { CATEGORY_LABELS, swatchColour, type Theme } from './palette.js';
import { fullPlace } from './tooltip.js';
import type { FrameSum } from './trees.js';
import { bytesText, countText, exactBytes, percentText } from './units.js';

const MAX_ROWS = 500;

type Column = 'name' | 'ownBytes' | 'totalBytes' | 'count' | 'change' | 'after' | 'before';

interface Heading {
  readonly key: Column;
  readonly label: string;
  readonly hint: string;
}

const NAME: Heading = { key: 'name', label: 'Function', hint: 'and where it was when it called' };

const COLUMNS: readonly Heading[] = [
  NAME,
  {
    key: 'ownBytes',
    label: 'Own',
    hint: 'allocated by this line itself, or by native code on its behalf',
  },
  { key: 'totalBytes', label: 'Total', hint: 'with everything it called; recursion counts once' },
  { key: 'count', label: 'Blocks', hint: 'live blocks and mapped ranges' },
];

const COMPARED: readonly Heading[] = [
  NAME,
  { key: 'change', label: 'Change', hint: 'with everything it called; recursion counts once' },
  { key: 'before', label: 'Before', hint: 'in the earlier capture' },
  { key: 'after', label: 'After', hint: 'in the later capture' },
];

export class TableView {
  readonly #box: HTMLElement;
  readonly #onPick: (sum: FrameSum) => void;
  #sums: readonly FrameSum[] = [];
  #columns = COLUMNS;
  #whole = 0;
  #theme: Theme = 'light';
  #sortBy: Column = 'totalBytes';

  constructor(box: HTMLElement, onPick: (sum: FrameSum) => void) {
    this.#box = box;
    this.#onPick = onPick;
  }

  show(sums: readonly FrameSum[], whole: number, theme: Theme): void {
    this.#sums = sums;
    if (sums.some((sum) => sum.difference) && this.#columns !== COMPARED) {
      this.#columns = COMPARED;
      this.#sortBy = 'change';
    }
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
      element(
        'thead',
        {},
        element('tr', {}, ...this.#columns.map((column) => this.#header(column))),
      ),
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

  #header(column: Heading): HTMLElement {
    const sorted = column.key === this.#sortBy;
    const button = element('button', { type: 'button', title: column.hint }, column.label);
    button.addEventListener('click', () => {
      this.#sortBy = column.key;
      this.#render();
      this.#box.querySelectorAll<HTMLElement>('th button')[this.#columns.indexOf(column)]?.focus();
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
    const whose = frame.package || moduleText(frame);
    const owner = whose === '' ? undefined : element('span', { class: 'owner' }, whose);
    const place = element('span', { class: 'place' }, fullPlace(frame));
    return element(
      'tr',
      {},
      element('td', {}, name, element('div', { class: 'where' }, place, owner)),
      ...this.#numbers(sum),
    );
  }

  #numbers(sum: FrameSum): HTMLElement[] {
    if (sum.difference) {
      const texts = [signedBytes(numberOf(sum, 'change'))].concat(
        bytesText(sum.difference.before),
        bytesText(sum.difference.after),
      );
      return texts.map((text) => element('td', { class: 'number' }, text));
    }
    return [
      this.#size(sum.ownBytes),
      this.#size(sum.totalBytes),
      element('td', { class: 'number' }, countText(sum.count)),
    ];
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
    return numberOf(b, this.#sortBy) - numberOf(a, this.#sortBy) || byName;
  }
}

function numberOf(sum: FrameSum, column: Exclude<Column, 'name'>): number {
  const { before, after } = sum.difference ?? { before: 0, after: 0 };
  if (column === 'change') return after - before;
  if (column === 'before' || column === 'after') return sum.difference?.[column] ?? 0;
  return sum[column];
}
