// SPDX-License-Identifier: MIT
// A tree without some of its frames.

import { type StackTree, StackTreeBuilder } from './stack-tree.js';

/**
 * Takes frames out; what they held goes to the nearest frame that stays, or to `standIn` when none does, so that no byte
 * disappears and the root never holds memory of its own.
 */
export function withoutFrames(tree: StackTree, hidden: boolean[], standIn: number): StackTree {
  const builder = new StackTreeBuilder();
  const place = new Uint32Array(tree.size);
  for (let node = 1; node < tree.size; node++) {
    const above = place[tree.parent[node] as number] as number;
    const frame = tree.frame[node] as number;
    const here = hidden[frame] === true ? above : builder.child(above, frame);
    place[node] = here;
    const bytes = tree.selfBytes[node] as number;
    const count = tree.selfCount[node] as number;
    if (bytes === 0 && count === 0) continue;
    builder.add(here === 0 ? builder.child(0, standIn) : here, bytes, count);
  }
  return builder.finish();
}
