// SPDX-License-Identifier: MIT
// Who answers for an allocation: the innermost JavaScript frame, because native code below it works on its behalf.

import { isAllocating } from '../../model/allocating.js';
import type { AppFrame } from './app-frame.js';
import type { Layout } from './layout.js';
import type { Nodes } from './shapes.js';

const ANSWERS = new Set(['js', 'wasm', 'gc']);

/**
 * For each node the node that answers for what it allocates itself, the same as summaries have it. Collections answer for
 * themselves, and so does native code that no JavaScript called, for its allocators and libraries, too.
 */
export function answeringNodes(tree: Nodes, frames: readonly AppFrame[]): Uint32Array {
  const answers = Uint8Array.from(frames, ({ kind }) => (ANSWERS.has(kind) ? 1 : 0));
  const allocating = Uint8Array.from(frames, (each) => (isAllocating(each) ? 1 : 0));
  const { parent, frame } = tree;
  const answering = new Uint32Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    const above = answering[parent[node] as number] as number;
    const by = frame[above] as number;
    const own = frame[node] as number;
    const isAnswered = above !== 0 && answers[by] === 1;
    const isMeans = allocating[own] === 1 && frames[by]?.kind === 'native';
    answering[node] = answers[own] === 0 && (isAnswered || isMeans) ? above : node;
  }
  return answering;
}

/** Bytes for which a node of a layout answers: a script also for what native code below it allocates. */
export function ownBytes(layout: Layout, node: number): number {
  const { tree, frames, first, child } = layout;
  const frameOf = (each: number) => frames[tree.frame[each] as number];
  const answers = (each: number) => ANSWERS.has(frameOf(each)?.kind ?? '');
  const isMeans = (each: number) => isAllocating(frameOf(each) ?? { kind: 'label', name: '' });
  const isScript = answers(node);
  // Native code answers for what allocates on its behalf.
  const isNative = frameOf(node)?.kind === 'native' && !isMeans(node);
  let bytes = tree.selfBytes[node] as number;
  const open = isScript || isNative ? [node] : [];
  for (let above = open.pop(); above !== undefined; above = open.pop()) {
    const end = first[above + 1] as number;
    for (let i = first[above] as number; i < end; i++) {
      const below = child[i] as number;
      if (isScript ? answers(below) : !isMeans(below)) continue;
      bytes += tree.selfBytes[below] as number;
      open.push(below);
    }
  }
  return bytes;
}
