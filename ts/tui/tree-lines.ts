// SPDX-License-Identifier: MIT
// The lines of the tree that are on the screen.

import { placeText } from '../model/frame.js';
import { sizeText } from '../model/size-text.js';
import { fitted, fittedEnd, padEnd, textWidth } from '../model/terminal-text.js';
import type { TreeScreenOptions } from './tree-screen.js';
import type { TreeRow, TreeState } from './tree-state.js';

interface Window {
  readonly top: number;
  readonly rows: number;
  readonly columns: number;
}

const INDENT = 2;
/** Of the width: deeper frames stand as far to the right as these and say how deep they are. */
const MOST_INDENT = 0.35;
const LEAST_PLACE = 12;

export function treeLines(
  state: TreeState,
  options: TreeScreenOptions,
  { top, rows, columns }: Window,
): string[] {
  return state.rows
    .slice(top, top + rows)
    .map((row, index) => treeLine(state, options, row, top + index === state.selected, columns));
}

function treeLine(
  state: TreeState,
  { colours }: TreeScreenOptions,
  { node, depth }: TreeRow,
  selected: boolean,
  columns: number,
): string {
  const { tree } = state.view;
  const whole = node === 0;
  const bytes = whole ? state.report.bytes : (tree.totalBytes[node] as number);
  const share = state.report.bytes === 0 ? 0 : bytes / state.report.bytes;
  const most = Math.floor((columns * MOST_INDENT) / INDENT);
  const deep = depth > most ? `${depth}⋯ ` : '';
  const indent = `${' '.repeat(Math.min(depth, most) * INDENT)}${deep}`;
  const sign = state.isLeaf(node) ? '  ' : state.isOpen(node) ? '▾ ' : '▸ ';
  const numbers = `${sizeText(bytes)} (${(share * 100).toFixed(1)}%) `;
  const head = fitted(indent + sign + numbers, columns);
  const room = columns - textWidth(head);
  const frame = state.frame(node);
  const name = fitted(frame.name, room);
  const place = whole ? '' : placeText(frame);
  const placeRoom = room - textWidth(name) - 1;
  const shownPlace = placeRoom < LEAST_PLACE ? '' : ` ${fittedEnd(place, placeRoom)}`;
  if (selected) {
    return colours.inverse(padEnd(head + name + shownPlace, columns));
  }
  const paint = share > 0.6 ? colours.red : share > 0.2 ? colours.yellow : colours.green;
  return `${paint(head)}${colours.bold(name)}${colours.dim(shownPlace)}`;
}
