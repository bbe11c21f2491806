// SPDX-License-Identifier: MIT
// A tree that compares: a node has bytes before and bytes after, and is as wide as the larger of them. Runs in Node and in browsers.

import { type StackTree, withTotals } from '../model/stack-tree.js';

/** Bytes before in the place of bytes, bytes after in the place of counts: what fold and tree-codec carry. */
export function comparedTree(
  parent: Uint32Array,
  frame: Uint32Array,
  before: Float64Array,
  after: Float64Array,
): StackTree {
  const { totalBytes } = withTotals(parent, frame, widths(before, after), after);
  return { ...withTotals(parent, frame, before, after), totalBytes };
}

export interface DrawnTrees {
  /** Its bytes are widths, its counts the bytes before. */
  readonly before: StackTree;
  /** Its bytes are widths, its counts the bytes after. */
  readonly after: StackTree;
}

/** From a compared tree: what is drawn. Both trees have the same nodes, through every transform. */
export function drawnTrees({ parent, frame, selfBytes, selfCount }: StackTree): DrawnTrees {
  const width = widths(selfBytes, selfCount);
  return {
    before: withTotals(parent, frame, width, selfBytes),
    after: withTotals(parent, frame, width, selfCount),
  };
}

/** From −1, gone, to 1, new. */
export function changeShare(before: number, after: number): number {
  return before === after ? 0 : (after - before) / Math.max(before, after);
}

function widths(before: Float64Array, after: Float64Array): Float64Array {
  return before.map((bytes, node) => Math.max(bytes, after[node] as number));
}
