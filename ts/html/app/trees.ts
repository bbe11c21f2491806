// SPDX-License-Identifier: MIT
// The four shapes of the graph (inverted or not, Node.js internals shown or not), each made when first asked for.

import { frameTotals } from '../../model/frame-totals.js';
import type { StackTree } from '../../model/stack-tree.js';
import { answeringNodes } from './answering.js';
import { type AppFrame, appFrame } from './app-frame.js';
import { type Layout, layOut } from './layout.js';
import { inverted, withoutFrames } from './tree-transforms.js';

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
}

export class Trees {
  readonly frames: readonly AppFrame[];
  readonly #full: StackTree;
  #withoutNode: StackTree | undefined;
  readonly #layouts = new Map<string, Layout>();

  constructor(tree: StackTree, frames: readonly AppFrame[]) {
    const nameless = { kind: 'label', file: '', line: 0, column: 0, package: '' } as const;
    const internals = appFrame({ ...nameless, name: '(Node.js internals)' });
    this.#full = tree;
    this.frames = [...frames, { ...internals, category: 'node' }];
  }

  get totalBytes(): number {
    return this.#full.totalBytes[0] as number;
  }

  layout(shape: Shape): Layout {
    const key = `${shape.inverted} ${shape.showNode}`;
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const tree = this.#tree(shape.showNode);
      layout = layOut(shape.inverted ? inverted(tree) : tree, this.frames);
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  sums(showNode: boolean): FrameSum[] {
    const tree = this.#tree(showNode);
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
    }));
    return sums.filter((sum, id) => id !== 0 && (sum.totalBytes > 0 || sum.count > 0));
  }

  #tree(showNode: boolean): StackTree {
    if (showNode) return this.#full;
    if (this.#withoutNode === undefined) {
      const hidden = this.frames.map((frame) => frame.category === 'node');
      this.#withoutNode = withoutFrames(this.#full, hidden, this.frames.length - 1);
    }
    return this.#withoutNode;
  }
}
