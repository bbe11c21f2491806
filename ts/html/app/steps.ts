// SPDX-License-Identifier: MIT
// From one frame to the next by keyboard.

import type { Layout } from './layout.js';

export type Direction = 'left' | 'right' | 'up' | 'down';
export type Step = 'outer' | 'inner' | 'before' | 'after';

export function step(layout: Layout, node: number, to: Step): number | undefined {
  const { tree, depth, rows } = layout;
  if (to === 'outer') return node === 0 ? undefined : tree.parent[node];
  const row = rows[(depth[node] as number) + (to === 'inner' ? 1 : 0)];
  if (row === undefined) return undefined;
  // Children lie at the left end of their parent, the largest first.
  if (to === 'inner') return row.find((below) => tree.parent[below] === node);
  const next = row.indexOf(node) + (to === 'after' ? 1 : -1);
  return row[next];
}
