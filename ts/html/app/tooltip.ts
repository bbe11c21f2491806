// SPDX-License-Identifier: MIT
// What one frame holds, beside the pointer.

import { moduleText } from '../../model/frame.js';
import { ownBytes } from './answering.js';
import type { AppFrame } from './app-frame.js';
import { changeRows } from './difference.js';
import { element } from './dom.js';
import type { Layout } from './layout.js';
import { CATEGORY_LABELS, swatchColour, type Theme } from './palette.js';
import { bytesText, countText, exactBytes, percentText } from './units.js';

const MARGIN = 14;

export class Tooltip {
  readonly #box: HTMLElement;

  constructor(box: HTMLElement) {
    this.#box = box;
  }

  hide(): void {
    this.#box.hidden = true;
  }

  show(content: Node[], x: number, y: number): void {
    this.#box.replaceChildren(...content);
    this.#box.hidden = false;
    const { width, height } = this.#box.getBoundingClientRect();
    const right = x + MARGIN + width > window.innerWidth - 8;
    const below = y + MARGIN + height > window.innerHeight - 8;
    const left = right ? Math.max(8, x - MARGIN - width) : x + MARGIN;
    const top = below ? Math.max(8, y - MARGIN - height) : y + MARGIN;
    this.#box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
}

export interface Described {
  readonly layout: Layout;
  readonly node: number;
  readonly frame: AppFrame;
  readonly theme: Theme;
  readonly wholeName: string;
  readonly inverted: boolean;
}

export function describeFrame(described: Described): Node[] {
  const { layout, node, frame, theme } = described;
  const badge = element('span', { class: 'badge' }, CATEGORY_LABELS[frame.category]);
  badge.style.setProperty('--swatch', swatchColour(theme, frame.category));
  const title = element('div', { class: 'tip-title' }, element('strong', {}, frame.name));
  if (node !== 0) title.append(badge);
  const parts: Node[] = [title];
  const place = fullPlace(frame);
  if (place !== '') parts.push(element('div', { class: 'tip-place' }, place));
  if (frame.source !== '') parts.push(element('code', { class: 'tip-source' }, frame.source));
  const module = moduleText(frame);
  if (module !== '') parts.push(element('div', { class: 'tip-package' }, `in ${module}`));
  if (frame.package !== '') parts.push(element('div', { class: 'tip-package' }, frame.package));
  const rows = layout.difference ? changeRows(layout.difference, node) : sizeRows(described);
  parts.push(
    element(
      'dl',
      { class: 'tip-numbers' },
      ...rows.flatMap(([name, value, note]) => [
        element('dt', {}, name),
        element('dd', {}, value),
        element('dd', { class: 'note' }, note),
      ]),
    ),
  );
  return parts;
}

function sizeRows(described: Described): [string, string, string][] {
  const { layout, node, wholeName } = described;
  const { tree } = layout;
  const total = tree.totalBytes[node] as number;
  const whole = tree.totalBytes[0] as number;
  const parent = tree.totalBytes[tree.parent[node] as number] as number;
  const count = tree.totalCount[node] as number;
  const rows: [string, string, string][] = [
    [
      'Total',
      bytesText(total),
      `${percentText(total, whole)} of ${wholeName} · ${exactBytes(total)}`,
    ],
  ];
  if (!described.inverted) {
    const self = ownBytes(layout, node);
    rows.push(['Self', bytesText(self), percentText(self, whole)]);
  }
  const average = count > 0 ? `${bytesText(Math.round(total / count))} on average` : '';
  rows.push(['Blocks', countText(count), average]);
  const above = described.inverted ? 'Of callee' : 'Of caller';
  if (tree.parent[node] !== 0) rows.push([above, percentText(total, parent), '']);
  return rows;
}

export function fullPlace(frame: AppFrame): string {
  if (frame.line === 0) return frame.file;
  return frame.column === 0
    ? `${frame.file}:${frame.line}`
    : `${frame.file}:${frame.line}:${frame.column}`;
}
