// SPDX-License-Identifier: MIT
// Where each node of a tree stands: a row per depth, and in it a range of bytes.

import { childLists, type StackTree } from '../../model/stack-tree.js';
import type { AppFrame } from './app-frame.js';

export interface Layout {
  readonly tree: StackTree;
  readonly frames: readonly AppFrame[];
  /** Left edge of each node, in bytes from the left end of the root. */
  readonly start: Float64Array;
  readonly depth: Uint16Array;
  /** Nodes of each depth from left to right. */
  readonly rows: readonly Uint32Array[];
  /** Their right edges, in the same order: a search through a row reads memory that lies together. */
  readonly ends: readonly Float64Array[];
  /** See `ChildLists`; the largest child first. */
  readonly first: Uint32Array;
  readonly child: Uint32Array;
  /** In a comparison: bytes in each capture, while the tree's bytes are widths. */
  readonly difference: Difference | undefined;
}

export interface Difference {
  readonly before: Float64Array;
  readonly after: Float64Array;
}

/** Largest child first, so that what matters is at the left. */
export function layOut(
  tree: StackTree,
  frames: readonly AppFrame[],
  difference?: Difference,
): Layout {
  const { size, parent, totalBytes } = tree;
  const { first, child } = childLists(parent);
  const start = new Float64Array(size);
  const depth = new Uint16Array(size);
  const perRow: number[] = [1];
  // Parents have lower numbers, so each node's place is known when its turn comes.
  for (let node = 0; node < size; node++) {
    const from = first[node] as number;
    const to = first[node + 1] as number;
    if (from === to) continue;
    if (to - from > 1) sortChildren(tree, frames, child, from, to);
    const level = (depth[node] as number) + 1;
    perRow[level] = (perRow[level] ?? 0) + (to - from);
    let x = start[node] as number;
    for (let i = from; i < to; i++) {
      const below = child[i] as number;
      start[below] = x;
      depth[below] = level;
      x += totalBytes[below] as number;
    }
  }
  const rows = rowsOf(tree, perRow, first, child);
  const ends = endsOf(rows, start, totalBytes);
  return { tree, frames, first, child, start, depth, rows, ends, difference };
}

/** The children of the nodes of a row, in the row's order, are the next row. */
function rowsOf(
  { size }: StackTree,
  perRow: readonly number[],
  first: Uint32Array,
  child: Uint32Array,
): Uint32Array[] {
  const all = new Uint32Array(size);
  const rows: Uint32Array[] = [];
  let end = 0;
  for (const [level, nodes] of perRow.entries()) {
    const row = all.subarray(end, end + nodes);
    const above = rows[level - 1];
    if (above !== undefined) {
      let at = 0;
      for (const node of above) {
        const to = first[node + 1] as number;
        for (let i = first[node] as number; i < to; i++) row[at++] = child[i] as number;
      }
    }
    rows.push(row);
    end += nodes;
  }
  return rows;
}

function endsOf(
  rows: readonly Uint32Array[],
  start: Float64Array,
  totalBytes: Float64Array,
): Float64Array[] {
  const all = new Float64Array(start.length);
  let at = 0;
  return rows.map((row) => {
    const from = at;
    for (const node of row) all[at++] = (start[node] as number) + (totalBytes[node] as number);
    return all.subarray(from, at);
  });
}

/** Most nodes have few children, for which nothing is faster. */
const INSERTION_LIMIT = 24;

function sortChildren(
  tree: StackTree,
  frames: readonly AppFrame[],
  child: Uint32Array,
  from: number,
  to: number,
): void {
  if (to - from > INSERTION_LIMIT) {
    child.subarray(from, to).sort((a, b) => order(tree, frames, a, b));
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const node = child[i] as number;
    let at = i;
    for (; at > from && order(tree, frames, child[at - 1] as number, node) > 0; at--) {
      child[at] = child[at - 1] as number;
    }
    child[at] = node;
  }
}

function order(tree: StackTree, frames: readonly AppFrame[], a: number, b: number): number {
  const bySize = (tree.totalBytes[b] as number) - (tree.totalBytes[a] as number);
  if (bySize !== 0) return bySize;
  const nameA = frames[tree.frame[a] as number]?.text ?? '';
  const nameB = frames[tree.frame[b] as number]?.text ?? '';
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}

/** Names a node by its path, the same in every report that has it. */
export function pathId({ tree, frames }: Layout, node: number): string {
  const path: number[] = [];
  for (let at = node; at !== 0; at = tree.parent[at] as number) path.push(at);
  let [a, b] = ROOT_PATH;
  for (const at of path.reverse()) {
    const hash = frames[tree.frame[at] as number]?.hash ?? 0;
    [a, b] = [firstHash(a, hash), secondHash(b, hash)];
  }
  return `${a.toString(36)}-${b.toString(36)}`;
}

export function nodeOfPath({ tree, frames }: Layout, id: string): number | undefined {
  const [wantedA, wantedB] = id.split('-').map((text) => Number.parseInt(text, 36));
  const a = new Uint32Array(tree.size);
  const b = new Uint32Array(tree.size);
  [a[0], b[0]] = ROOT_PATH;
  if (a[0] === wantedA && b[0] === wantedB) return 0;
  for (let node = 1; node < tree.size; node++) {
    const above = tree.parent[node] as number;
    const hash = frames[tree.frame[node] as number]?.hash ?? 0;
    a[node] = firstHash(a[above] as number, hash);
    b[node] = secondHash(b[above] as number, hash);
    if (a[node] === wantedA && b[node] === wantedB) return node;
  }
  return undefined;
}

const ROOT_PATH: readonly [number, number] = [0x811c9dc5, 0x9747b28c];
const firstHash = (above: number, hash: number): number => mix(above ^ hash);
const secondHash = (above: number, hash: number): number => mix(Math.imul(above, 31) + hash);

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Index of the first right edge beyond `x`, at `from` or after it. Fast where that is near `from`. */
export function firstBeyond(ends: Float64Array, x: number, from = 0): number {
  let low = from;
  let step = 1;
  while (low + step < ends.length && (ends[low + step] as number) <= x) {
    low += step;
    step *= 2;
  }
  let high = Math.min(ends.length, low + step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) > x) high = middle;
    else low = middle + 1;
  }
  return low;
}
