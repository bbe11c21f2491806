// SPDX-License-Identifier: MIT
// A stack tree as nested visits and as whole stacks, the largest first.

import { childLists, type StackTree } from '../../model/stack-tree.js';

export interface TreeVisitor {
  enter(node: number): void;
  leave(node: number): void;
}

/** Visits every node but the root, without recursion: stacks are up to a thousand frames deep. */
export function walkTree(tree: StackTree, visitor: TreeVisitor): void {
  const { first, child } = childLists(tree.parent);
  const below = (node: number) => child.subarray(first[node], first[node + 1]);
  for (let node = 0; node < tree.size; node++) {
    below(node).sort(
      (a, b) => (tree.totalBytes[b] as number) - (tree.totalBytes[a] as number) || a - b,
    );
  }
  const cursor = first.slice(0, tree.size);
  let node = 0;
  for (;;) {
    const at = cursor[node] as number;
    if (at < (first[node + 1] as number)) {
      cursor[node] = at + 1;
      node = child[at] as number;
      visitor.enter(node);
      continue;
    }
    if (node === 0) return;
    visitor.leave(node);
    node = tree.parent[node] as number;
  }
}

export interface TreeStack {
  readonly node: number;
  /** Frame ids, root first. */
  readonly path: readonly number[];
  readonly bytes: number;
  readonly count: number;
}

/** The stacks that hold something themselves. */
export function treeStacks(tree: StackTree): TreeStack[] {
  const stacks: TreeStack[] = [];
  const path: number[] = [];
  walkTree(tree, {
    enter: (node) => {
      path.push(tree.frame[node] as number);
      const bytes = tree.selfBytes[node] as number;
      const count = tree.selfCount[node] as number;
      if (bytes !== 0 || count !== 0) stacks.push({ node, path: [...path], bytes, count });
    },
    leave: () => path.pop(),
  });
  return stacks;
}
