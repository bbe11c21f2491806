// SPDX-License-Identifier: MIT
// A tree as rows for spreadsheets and databases: a row for each frame of each path, callers first, the largest first among them.

import { csvLines } from '../model/csv.js';
import type { Frame } from '../model/frame.js';
import type { TreeView } from './tree.js';

export interface TreeRow {
  /** Counts from 0, the whole. */
  readonly node: number;
  /** null: it is the whole. */
  readonly parent: number | null;
  readonly depth: number;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly package: string;
  readonly bytes: number;
  readonly own_bytes: number;
  readonly allocations: number;
  readonly own_allocations: number;
  /** Of native code: its shared library, addon or program. */
  readonly module: string;
}

const COLUMNS: readonly (keyof TreeRow)[] = [
  'node',
  'parent',
  'depth',
  'function',
  'file',
  'line',
  'package',
  'bytes',
  'own_bytes',
  'allocations',
  'own_allocations',
  'module',
];

export function* treeRows({ frames, tree, children }: TreeView): Generator<TreeRow> {
  const pending: { at: number; parent: number | null; depth: number }[] = [
    { at: 0, parent: null, depth: 0 },
  ];
  let node = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { at, parent, depth } = next;
    const { name, file, line, package: owner, module } = frames[tree.frame[at] as number] as Frame;
    yield {
      node,
      parent,
      depth,
      function: name,
      file,
      line,
      package: owner,
      bytes: tree.totalBytes[at] as number,
      own_bytes: tree.selfBytes[at] as number,
      allocations: tree.totalCount[at] as number,
      own_allocations: tree.selfCount[at] as number,
      module,
    };
    const below = children(at);
    for (let i = below.length - 1; i >= 0; i--) {
      pending.push({ at: below[i] as number, parent: node, depth: depth + 1 });
    }
    node++;
  }
}

/** Line by line: a tree of all stacks may be longer than a string can be. */
export function* treeCsv(view: TreeView): Generator<string> {
  function* values() {
    for (const row of treeRows(view)) yield COLUMNS.map((column) => row[column]);
  }
  yield* csvLines(COLUMNS, values());
}
