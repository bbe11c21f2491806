// SPDX-License-Identifier: MIT
// Where each node of a tree stands: a row per depth, and in it a range of bytes.

import { childLists, type StackTree } from '../../model/stack-tree.js';
import { ownBytes } from './answering.js';
import type { AppFrame } from './app-frame.js';

export interface Layout {
  readonly tree: StackTree;
  /** Left edge of each node, in bytes from the left end of the root. */
  readonly start: Float64Array;
  readonly depth: Uint16Array;
  /** Nodes of each depth from left to right. */
  readonly rows: readonly Uint32Array[];
  /** Bytes for which each node answers; meaningless in an inverted tree. */
  readonly own: Float64Array;
  /** In a comparison: bytes in each capture, while the tree's bytes are widths. */
  readonly difference: Difference | undefined;
  /** Names a node by its path, the same in every report that has it. */
  readonly path: readonly [Uint32Array, Uint32Array];
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
  const { size, parent, frame, totalBytes } = tree;
  const { first, child } = childLists(parent);
  const start = new Float64Array(size);
  const depth = new Uint16Array(size);
  const rows: number[][] = [[0]];
  const path: [Uint32Array, Uint32Array] = [new Uint32Array(size), new Uint32Array(size)];
  path[0][0] = 0x811c9dc5;
  path[1][0] = 0x9747b28c;
  const pending = [0];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const children = child.subarray(first[node], first[node + 1]);
    children.sort((a, b) => order(tree, frames, a, b));
    let x = start[node] as number;
    for (const below of children) {
      start[below] = x;
      x += totalBytes[below] as number;
      const level = (depth[node] as number) + 1;
      depth[below] = level;
      extendPath(path, node, below, frames[frame[below] as number]);
    }
    // Last in, first out: the leftmost child must be taken first so that rows fill from left to right.
    for (let i = children.length - 1; i >= 0; i--) pending.push(children[i] as number);
    if (node !== 0) {
      const level = depth[node] as number;
      const row = rows[level];
      if (row === undefined) rows[level] = [node];
      else row.push(node);
    }
  }
  const own = ownBytes(tree, frames);
  const drawn = rows.map((row) => Uint32Array.from(row));
  return { tree, start, depth, rows: drawn, own, difference, path };
}

function order(tree: StackTree, frames: readonly AppFrame[], a: number, b: number): number {
  const bySize = (tree.totalBytes[b] as number) - (tree.totalBytes[a] as number);
  if (bySize !== 0) return bySize;
  const nameA = frames[tree.frame[a] as number]?.text ?? '';
  const nameB = frames[tree.frame[b] as number]?.text ?? '';
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}

function extendPath(
  path: readonly [Uint32Array, Uint32Array],
  above: number,
  below: number,
  frame: AppFrame | undefined,
): void {
  path[0][below] = mix((path[0][above] as number) ^ (frame?.hash ?? 0));
  path[1][below] = mix(Math.imul(path[1][above] as number, 31) + (frame?.hash ?? 0));
}

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function pathId(layout: Layout, node: number): string {
  const [a, b] = layout.path;
  return `${(a[node] as number).toString(36)}-${(b[node] as number).toString(36)}`;
}

export function nodeOfPath(layout: Layout, id: string): number | undefined {
  for (let node = 0; node < layout.tree.size; node++) {
    if (pathId(layout, node) === id) return node;
  }
  return undefined;
}

/** Index in `row` of the first node whose right edge lies beyond `x`. */
export function firstBeyond(layout: Layout, row: Uint32Array, x: number): number {
  let low = 0;
  let high = row.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const node = row[middle] as number;
    const end = (layout.start[node] as number) + (layout.tree.totalBytes[node] as number);
    if (end > x) high = middle;
    else low = middle + 1;
  }
  return low;
}
