// SPDX-License-Identifier: MIT
// Who answers for an allocation: the innermost JavaScript frame, because native code below it works on its behalf.

import type { AppFrame } from './app-frame.js';
import type { Layout } from './layout.js';
import type { Nodes } from './shapes.js';

const ANSWERS = new Set(['js', 'wasm', 'gc']);

/**
 * For each node the node that answers for what it allocates itself, the same as summaries have it. Collections answer for
 * themselves, and so does native code that no JavaScript called.
 */
export function answeringNodes(tree: Nodes, frames: readonly AppFrame[]): Uint32Array {
  const answers = Uint8Array.from(frames, ({ kind }) => (ANSWERS.has(kind) ? 1 : 0));
  const { parent, frame } = tree;
  const answering = new Uint32Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    const above = answering[parent[node] as number] as number;
    const isAnswered = above !== 0 && answers[frame[above] as number] === 1;
    answering[node] = answers[frame[node] as number] === 0 && isAnswered ? above : node;
  }
  return answering;
}

/** Bytes for which a node of a layout answers: a script also for what native code below it allocates. */
export function ownBytes(layout: Layout, node: number): number {
  const { tree, frames, first, child } = layout;
  const answers = (each: number) => ANSWERS.has(frames[tree.frame[each] as number]?.kind ?? '');
  let bytes = tree.selfBytes[node] as number;
  const open = answers(node) ? [node] : [];
  for (let above = open.pop(); above !== undefined; above = open.pop()) {
    const end = first[above + 1] as number;
    for (let i = first[above] as number; i < end; i++) {
      const below = child[i] as number;
      if (answers(below)) continue;
      bytes += tree.selfBytes[below] as number;
      open.push(below);
    }
  }
  return bytes;
}
