// SPDX-License-Identifier: MIT
// Makes a tree smaller without losing a byte: the smallest frames become "(folded)" in their caller.

import { type Frame, ROOT_FRAME } from '../model/frame.js';
import { type StackTree, StackTreeBuilder } from '../model/stack-tree.js';
import type { Folded } from './page-data.js';

export const FOLDED_FRAME: Frame = { ...ROOT_FRAME, name: '(folded)' };

export interface Fold {
  readonly tree: StackTree;
  /** Frames that are still used, renumbered for the new tree; 0 is the root. */
  readonly frames: readonly Frame[];
  readonly folded: Folded;
  /** Where each node of the old tree is in the new one. */
  readonly place: Uint32Array;
}

/**
 * Keeps the `keep` nodes with the largest totals; callers of what is kept are kept, because they are no smaller.
 * @param weights totals to go by; the tree's own unless given
 */
export function foldSmallFrames(
  tree: StackTree,
  frames: readonly Frame[],
  keep: number,
  weights: Float64Array = tree.totalBytes,
): Fold {
  const kept = largest(weights, keep);
  const builder = new StackTreeBuilder();
  const place = new Uint32Array(tree.size);
  const used: Frame[] = [frames[0] as Frame];
  const newIds = new Map<number, number>([[0, 0]]);
  const newId = (frame: number): number => {
    let id = newIds.get(frame);
    if (id === undefined) {
      id = used.push(frame < 0 ? FOLDED_FRAME : (frames[frame] as Frame)) - 1;
      newIds.set(frame, id);
    }
    return id;
  };
  let foldedFrames = 0;
  let foldedBytes = 0;
  for (let node = 1; node < tree.size; node++) {
    const above = place[tree.parent[node] as number] as number;
    const bytes = tree.selfBytes[node] as number;
    const count = tree.selfCount[node] as number;
    if (kept[node] === 1) {
      place[node] = builder.child(above, newId(tree.frame[node] as number));
      builder.add(place[node] as number, bytes, count);
      continue;
    }
    // Everything below a folded frame is folded too and lands in the same place.
    place[node] = kept[tree.parent[node] as number] === 1 ? builder.child(above, newId(-1)) : above;
    builder.add(place[node] as number, bytes, count);
    foldedFrames++;
    foldedBytes += bytes;
  }
  return {
    tree: builder.finish(),
    frames: used,
    folded: { frames: foldedFrames, bytes: foldedBytes },
    place,
  };
}

function largest(weights: Float64Array, keep: number): Uint8Array {
  const kept = new Uint8Array(weights.length);
  if (keep >= weights.length) return kept.fill(1);
  // Parents come first among equals, so that what is kept stays connected.
  const order = Uint32Array.from({ length: weights.length }, (_none, node) => node);
  order.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  for (const node of order.subarray(0, Math.max(1, keep))) kept[node] = 1;
  return kept;
}
