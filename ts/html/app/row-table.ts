// SPDX-License-Identifier: MIT
// Draws the lines of the table that are in sight.

import { moduleText } from '../../model/frame.js';
import { averageBytes, type EntryGroup } from '../../report/table-rows.js';
import type { AppFrame } from './app-frame.js';
import { element } from './dom.js';
import { CATEGORY_LABELS, swatchColour, type Theme } from './palette.js';
import { rowsInSight } from './row-window.js';
import {
  allocatorName,
  groupKey,
  type Line,
  type SortColumn,
  type TableState,
} from './table-model.js';
import { fullPlace } from './tooltip.js';
import { bytesText, countText, exactBytes, percentText } from './units.js';

const ROW_HEIGHT = 31;

const HEADINGS: readonly { key: SortColumn; label: string; hint: string; class: string }[] = [
  { key: 'name', label: 'Function', hint: 'and the line that asked for memory', class: 'wide' },
  { key: 'allocator', label: 'Allocator', hint: 'the function called', class: 'text' },
  { key: 'thread', label: 'Thread', hint: 'that allocated', class: 'text' },
  { key: 'bytes', label: 'Memory', hint: 'and its share of the whole', class: 'size' },
  { key: 'count', label: 'Blocks', hint: 'and mapped ranges', class: '' },
  { key: 'average', label: 'Average', hint: 'size of a block', class: '' },
];

export interface RowTableOptions {
  readonly scroller: HTMLElement;
  readonly table: HTMLTableElement;
  readonly frames: readonly AppFrame[];
  readonly threads: ReadonlyMap<number, string>;
  readonly whole: number;
  readonly onSort: (column: SortColumn) => void;
  readonly onToggle: (key: string) => void;
}

export class RowTable {
  readonly #options: RowTableOptions;
  readonly #head: HTMLTableSectionElement;
  readonly #body: HTMLTableSectionElement;
  #lines: readonly Line[] = [];
  #columns = HEADINGS;
  #theme: Theme = 'light';
  #drawn = '';

  constructor(options: RowTableOptions) {
    this.#options = options;
    const { table, scroller } = options;
    this.#head = table.tHead ?? table.createTHead();
    this.#body = table.tBodies[0] ?? table.createTBody();
    table.style.setProperty('--row-height', `${ROW_HEIGHT}px`);
    scroller.addEventListener('scroll', () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(scroller);
  }

  show(lines: readonly Line[], state: TableState, theme: Theme): void {
    this.#lines = lines;
    this.#theme = theme;
    this.#columns = HEADINGS.filter(({ key }) => state.splitThreads || key !== 'thread');
    this.#head.replaceChildren(
      element('tr', {}, ...this.#columns.map((c) => this.#heading(c, state))),
    );
    this.#options.table.setAttribute('aria-rowcount', `${lines.length + 1}`);
    this.#drawn = '';
    this.#draw();
  }

  #heading({ key, label, hint, class: kind }: (typeof HEADINGS)[number], state: TableState) {
    const button = element('button', { type: 'button', title: hint }, label);
    button.addEventListener('click', () => {
      this.#options.onSort(key);
      this.#head.querySelector<HTMLElement>(`th[data-key="${key}"] button`)?.focus();
    });
    const order = state.descending ? 'descending' : 'ascending';
    return element(
      'th',
      {
        scope: 'col',
        class: kind,
        'data-key': key,
        'aria-sort': key === state.sortBy ? order : 'none',
      },
      button,
    );
  }

  #draw(): void {
    const { scroller } = this.#options;
    const count = this.#lines.length;
    const { first, end } = rowsInSight(
      scroller.scrollTop,
      scroller.clientHeight,
      ROW_HEIGHT,
      count,
    );
    if (this.#drawn === `${first} ${end}`) return;
    this.#drawn = `${first} ${end}`;
    const focused = this.#focusedKey();
    this.#body.replaceChildren(
      this.#spacer(first),
      ...this.#lines.slice(first, end).map((line, i) => this.#line(line, first + i)),
      this.#spacer(count - end),
    );
    if (focused !== undefined) {
      this.#body.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
    }
  }

  /** A redraw makes new buttons; the keyboard stays where it was. */
  #focusedKey(): string | undefined {
    const active = document.activeElement;
    return active instanceof HTMLElement && this.#body.contains(active)
      ? active.dataset['key']
      : undefined;
  }

  #spacer(rows: number): HTMLElement {
    const cell = element('td', { colspan: `${this.#columns.length}` });
    cell.style.height = `${rows * ROW_HEIGHT}px`;
    const row = element('tr', { class: 'spacer', 'aria-hidden': 'true' }, cell);
    row.hidden = rows === 0;
    return row;
  }

  #line(line: Line, index: number): HTMLElement {
    const attributes = { 'aria-rowindex': `${index + 2}`, class: line.kind };
    const wide = { class: 'text', colspan: `${this.#columns.length}` };
    switch (line.kind) {
      case 'row':
        return element('tr', attributes, ...this.#cells(line.group, line.isOpen));
      case 'stack': {
        const blocks = `${countText(line.count)} ${line.count === 1 ? 'block' : 'blocks'}`;
        const text = `${bytesText(line.bytes)} in ${blocks}, by way of`;
        return element('tr', attributes, element('td', wide, text));
      }
      case 'frame':
        return element('tr', attributes, element('td', wide, ...this.#frame(line.frame)));
      default:
        return element('tr', { ...attributes, class: 'stack' }, element('td', wide, line.text));
    }
  }

  #frame(frame: AppFrame): (Node | string)[] {
    return [
      this.#dot(frame),
      ` ${frame.name} `,
      element('span', { class: 'where' }, fullPlace(frame)),
    ];
  }

  #dot(frame: AppFrame): HTMLElement {
    const dot = element('span', { class: 'dot', title: CATEGORY_LABELS[frame.category] });
    dot.style.background = swatchColour(this.#theme, frame.category);
    return dot;
  }

  #cells(group: EntryGroup, isOpen: boolean): HTMLElement[] {
    const { threads, whole } = this.#options;
    const size = element('td', { title: exactBytes(group.bytes) }, bytesText(group.bytes));
    size.append(element('span', { class: 'percent' }, percentText(group.bytes, whole)));
    const cells: Record<SortColumn, () => HTMLElement> = {
      name: () => this.#name(group, isOpen),
      allocator: () => element('td', { class: 'text' }, allocatorName(group.allocator)),
      thread: () => element('td', { class: 'text' }, threads.get(group.thread ?? -1) ?? ''),
      bytes: () => size,
      count: () => element('td', {}, countText(group.count)),
      average: () => element('td', {}, bytesText(averageBytes(group))),
    };
    return this.#columns.map(({ key }) => cells[key]());
  }

  #name(group: EntryGroup, isOpen: boolean): HTMLElement {
    const frame = this.#options.frames[group.site];
    if (frame === undefined) return element('td', { class: 'text' });
    const key = groupKey(group);
    const button = element(
      'button',
      { type: 'button', class: 'opener', 'aria-expanded': `${isOpen}`, 'data-key': key },
      this.#dot(frame),
      frame.name,
    );
    button.title = 'Show its stacks';
    button.addEventListener('click', () => this.#options.onToggle(key));
    const where = [fullPlace(frame), moduleText(frame), frame.package]
      .filter((text) => text !== '')
      .join('  ');
    const cell = element('td', { class: 'text' }, button);
    cell.append(element('span', { class: 'where' }, where));
    cell.title = `${frame.name} ${where}`;
    return cell;
  }
}
