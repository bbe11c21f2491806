// SPDX-License-Identifier: MIT
// The four shapes of the graph (inverted or not, Node.js internals shown or not), each made when first asked for.

import { frameTotals } from '../../model/frame-totals.js';
import { inverted } from '../../model/inverted.js';
import type { StackTree } from '../../model/stack-tree.js';
import { withoutFrames } from '../../model/without-frames.js';
import { answeringNodes } from './answering.js';
import { type AppFrame, appFrame } from './app-frame.js';
import { type Layout, layOut } from './layout.js';

export interface Shape {
  readonly inverted: boolean;
  readonly showNode: boolean;
}

/** A line of the table view. */
export interface FrameSum {
  readonly frame: AppFrame;
  readonly totalBytes: number;
  /** What this line answers for: see `answeringNodes`. */
  readonly ownBytes: number;
  readonly count: number;
  /** In a comparison: bytes in each capture. */
  readonly difference?: { readonly before: number; readonly after: number };
}

export class Trees {
  readonly frames: readonly AppFrame[];
  readonly #full: StackTree;
  /** In a comparison the same nodes with bytes before as counts, while `#full` has bytes after. */
  readonly #before: StackTree | undefined;
  readonly #withoutNode = new Map<StackTree, StackTree>();
  readonly #layouts = new Map<string, Layout>();

  constructor(tree: StackTree, frames: readonly AppFrame[], before?: StackTree) {
    const nameless = { kind: 'label', file: '', line: 0, column: 0, package: '' } as const;
    const internals = appFrame({ ...nameless, name: '(Node.js internals)' });
    this.#full = tree;
    this.#before = before;
    this.frames = [...frames, { ...internals, category: 'node' }];
  }

  get totalBytes(): number {
    return this.#full.totalBytes[0] as number;
  }

  layout(shape: Shape): Layout {
    const key = `${shape.inverted} ${shape.showNode}`;
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const shaped = (tree: StackTree) => {
        const shown = this.#tree(tree, shape.showNode);
        return shape.inverted ? inverted(shown) : shown;
      };
      const after = shaped(this.#full);
      const difference = this.#before && {
        before: shaped(this.#before).totalCount,
        after: after.totalCount,
      };
      layout = layOut(after, this.frames, difference);
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  sums(showNode: boolean): FrameSum[] {
    const tree = this.#tree(this.#full, showNode);
    const before =
      this.#before && frameTotals(this.#tree(this.#before, showNode), this.frames.length);
    const totals = frameTotals(tree, this.frames.length);
    const answering = answeringNodes(tree, this.frames);
    const own = new Float64Array(this.frames.length);
    for (let node = 0; node < tree.size; node++) {
      const frame = tree.frame[answering[node] as number] as number;
      own[frame] = (own[frame] as number) + (tree.selfBytes[node] as number);
    }
    const sums = this.frames.map((frame, id) => ({
      frame,
      totalBytes: totals.bytes[id] as number,
      ownBytes: own[id] as number,
      count: totals.count[id] as number,
      ...(before && {
        difference: { before: before.count[id] as number, after: totals.count[id] as number },
      }),
    }));
    return sums.filter((sum, id) => id !== 0 && (sum.totalBytes > 0 || sum.count > 0));
  }

  #tree(full: StackTree, showNode: boolean): StackTree {
    if (showNode) return full;
    let tree = this.#withoutNode.get(full);
    if (tree === undefined) {
      const hidden = this.frames.map((frame) => frame.category === 'node');
      tree = withoutFrames(full, hidden, this.frames.length - 1);
      this.#withoutNode.set(full, tree);
    }
    return tree;
  }
}
