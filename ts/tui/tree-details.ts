// SPDX-License-Identifier: MIT
// What is known of the selected frame, and its source.

import { moduleText, placeText } from '../model/frame.js';
import { sizeText } from '../model/size-text.js';
import { fitted, fittedEnd, textWidth } from '../model/terminal-text.js';
import type { TreeScreenOptions } from './tree-screen.js';
import type { TreeState } from './tree-state.js';

interface Pane {
  readonly columns: number;
  readonly rows: number;
}

const TAB = '  ';

export function detailLines(
  state: TreeState,
  options: TreeScreenOptions,
  { columns, rows }: Pane,
): string[] {
  const { colours } = options;
  const { node } = state;
  const { tree } = state.view;
  const frame = state.frame(node);
  const bytes = node === 0 ? state.report.bytes : (tree.totalBytes[node] as number);
  const count = node === 0 ? state.report.count : (tree.totalCount[node] as number);
  const own = tree.selfBytes[node] as number;
  const share = state.report.bytes === 0 ? 0 : bytes / state.report.bytes;
  const numbers =
    `${sizeText(bytes)} (${(share * 100).toFixed(2)}%) in ${count.toLocaleString('en-US')} blocks` +
    (own > 0 ? `, ${sizeText(own)} of its own` : '');
  const { stacks, bytes: rest } = state.report.leftOut;
  const leftOut = `${sizeText(rest)} in ${stacks.toLocaleString('en-US')} smaller stacks is not shown`;
  const facts = [
    colours.bold(fitted(frame.name, columns)),
    ...(frame.file === '' ? [] : [fittedEnd(placeText(frame), columns)]),
    ...(moduleText(frame) === '' ? [] : [fittedEnd(`in ${moduleText(frame)}`, columns)]),
    ...(frame.package === '' ? [] : [fitted(frame.package, columns)]),
    fitted(numbers, columns),
    ...(node === 0 && stacks > 0 ? [fitted(leftOut, columns)] : []),
  ];
  const source = sourceLines(state, options, { columns, rows: rows - facts.length - 1 });
  return [...facts, '', ...source].slice(0, rows);
}

/** The frame's line in the middle of those that fit. */
function sourceLines(
  state: TreeState,
  { source, colours }: TreeScreenOptions,
  { columns, rows }: Pane,
): string[] {
  const { file, line, kind } = state.frame(state.node);
  if (rows <= 0 || line === 0 || kind === 'native') return [];
  const lines = source(file) ?? [];
  const at = lines.findIndex(({ number }) => number === line);
  if (at < 0) {
    return [colours.dim(fitted('The file is not here, or has changed since.', columns))];
  }
  const first = Math.max(0, Math.min(at - Math.floor(rows / 2), lines.length - rows));
  const shown = lines.slice(first, first + rows);
  const width = `${shown.at(-1)?.number ?? 0}`.length;
  return shown.map(({ number, text: code }) => {
    const head = `${number === line ? '▶' : ' '}${`${number}`.padStart(width)} `;
    const body = fitted(code.replaceAll('\t', TAB), columns - textWidth(head));
    return number === line ? colours.yellow(head + body) : `${colours.dim(head)}${body}`;
  });
}
