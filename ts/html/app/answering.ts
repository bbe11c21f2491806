// SPDX-License-Identifier: MIT
// Who answers for an allocation: the innermost JavaScript frame, because native code below it works on its behalf.

import type { StackTree } from '../../model/stack-tree.js';
import type { AppFrame } from './app-frame.js';

/**
 * For each node the node that answers for what it allocates itself, the same as summaries have it. Collections answer for
 * themselves, and so does native code that no JavaScript called.
 */
export function answeringNodes(tree: StackTree, frames: readonly AppFrame[]): Uint32Array {
  const answers = (node: number): boolean => {
    const kind = frames[tree.frame[node] as number]?.kind;
    return kind === 'js' || kind === 'wasm' || kind === 'gc';
  };
  const answering = new Uint32Array(tree.size);
  for (let node = 1; node < tree.size; node++) {
    const above = answering[tree.parent[node] as number] as number;
    answering[node] = !answers(node) && above !== 0 && answers(above) ? above : node;
  }
  return answering;
}

/** Bytes for which each node answers. */
export function ownBytes(tree: StackTree, frames: readonly AppFrame[]): Float64Array {
  const answering = answeringNodes(tree, frames);
  const own = new Float64Array(tree.size);
  for (let node = 1; node < tree.size; node++) {
    const answer = answering[node] as number;
    own[answer] = (own[answer] as number) + (tree.selfBytes[node] as number);
  }
  return own;
}
