// SPDX-License-Identifier: MIT
// The same tree upside down.

import { type StackTree, withTotals } from './stack-tree.js';

/** A share of one stack that the inverted tree has placed as far as `node`. */
interface Part {
  readonly node: number;
  readonly bytes: number;
  readonly count: number;
}

/** Branches smaller than this share of the whole stay closed: the full inversion can be as large as all stacks together. */
const SMALLEST_BRANCH = 1 / 50_000;

/** Leaves become the first row and callers their children. */
export function inverted(tree: StackTree): StackTree {
  const parent: number[] = [0];
  const frame: number[] = [0];
  const selfBytes: number[] = [0];
  const selfCount: number[] = [0];
  const limit = (tree.totalBytes[0] as number) * SMALLEST_BRANCH;
  const queue: { place: number; parts: Part[] }[] = [{ place: 0, parts: leafParts(tree) }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const [frameId, parts] of byFrame(tree, next.parts)) {
      const place = parent.length;
      parent.push(next.place);
      frame.push(frameId);
      const callers: Part[] = [];
      let ended = { bytes: 0, count: 0 };
      let open = 0;
      for (const part of parts) {
        const above = tree.parent[part.node] as number;
        if (above === 0) ended = plus(ended, part);
        else callers.push({ node: above, bytes: part.bytes, count: part.count });
        open += part.bytes;
      }
      if (open < limit) for (const caller of callers.splice(0)) ended = plus(ended, caller);
      selfBytes.push(ended.bytes);
      selfCount.push(ended.count);
      if (callers.length > 0) queue.push({ place, parts: callers });
    }
  }
  return withTotals(
    Uint32Array.from(parent),
    Uint32Array.from(frame),
    Float64Array.from(selfBytes),
    Float64Array.from(selfCount),
  );
}

function leafParts(tree: StackTree): Part[] {
  const parts: Part[] = [];
  for (let node = 1; node < tree.size; node++) {
    const bytes = tree.selfBytes[node] as number;
    const count = tree.selfCount[node] as number;
    if (bytes > 0 || count > 0) parts.push({ node, bytes, count });
  }
  return parts;
}

function byFrame(tree: StackTree, parts: Part[]): Map<number, Part[]> {
  const groups = new Map<number, Part[]>();
  for (const part of parts) {
    const frame = tree.frame[part.node] as number;
    const group = groups.get(frame);
    if (group === undefined) groups.set(frame, [part]);
    else group.push(part);
  }
  return groups;
}

function plus(sum: { bytes: number; count: number }, part: Part): { bytes: number; count: number } {
  return { bytes: sum.bytes + part.bytes, count: sum.count + part.count };
}
