// SPDX-License-Identifier: MIT
// Bytes and counts per frame over a whole tree; a frame that recurses counts once per path.

import { childLists, type StackTree } from './stack-tree.js';

export interface FrameTotals {
  readonly bytes: Float64Array;
  readonly count: Float64Array;
}

/** Walks without recursion: stacks are up to a thousand frames deep. */
export function frameTotals(tree: StackTree, frameCount: number): FrameTotals {
  const bytes = new Float64Array(frameCount);
  const count = new Float64Array(frameCount);
  const open = new Uint32Array(frameCount);
  const { first, child } = childLists(tree.parent);
  const cursor = first.slice(0, tree.size);
  let node = 0;
  for (;;) {
    const at = cursor[node] as number;
    if (at < (first[node + 1] as number)) {
      cursor[node] = at + 1;
      node = child[at] as number;
      const frame = tree.frame[node] as number;
      if (open[frame] === 0) {
        bytes[frame] = (bytes[frame] as number) + (tree.totalBytes[node] as number);
        count[frame] = (count[frame] as number) + (tree.totalCount[node] as number);
      }
      open[frame] = (open[frame] as number) + 1;
      continue;
    }
    if (node === 0) return { bytes, count };
    const frame = tree.frame[node] as number;
    open[frame] = (open[frame] as number) - 1;
    node = tree.parent[node] as number;
  }
}
