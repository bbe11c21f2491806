// SPDX-License-Identifier: MIT
// A stack tree from its root, as nested nodes and as whole stacks, the largest first.

import { childLists, type StackTree } from '../../model/stack-tree.js';

/** Every node but the root, each before its children. */
export function preorder(tree: StackTree): Uint32Array {
  const { first, child } = childLists(tree.parent);
  const order = new Uint32Array(Math.max(0, tree.size - 1));
  let count = 0;
  const pending: number[] = [0];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node !== 0) order[count++] = node;
    const below = child.subarray(first[node], first[node + 1]);
    // Last in, first out: the largest must be pushed last.
    below.sort((a, b) => (tree.totalBytes[a] as number) - (tree.totalBytes[b] as number) || b - a);
    for (const next of below) pending.push(next);
  }
  return order;
}

export interface TreeStack {
  /** Frame ids, root first. */
  readonly path: readonly number[];
  readonly bytes: number;
  readonly count: number;
}

/** The stacks that hold something themselves. One at a time: together they are many times the tree. */
export function* treeStacks(tree: StackTree): Generator<TreeStack> {
  for (const node of preorder(tree)) {
    const bytes = tree.selfBytes[node] as number;
    const count = tree.selfCount[node] as number;
    if (bytes !== 0 || count !== 0) yield { path: pathTo(tree, node), bytes, count };
  }
}

function pathTo(tree: StackTree, leaf: number): number[] {
  const path: number[] = [];
  for (let node = leaf; node !== 0; node = tree.parent[node] as number) {
    path.push(tree.frame[node] as number);
  }
  return path.reverse();
}
