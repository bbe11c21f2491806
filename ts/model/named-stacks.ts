// SPDX-License-Identifier: MIT
// A capture's stacks with names: as a tree, and each by the place that answers for it.

import { STACK_CUT, STACK_IN_GC, STACK_JS_UNKNOWN } from '../format/constants.js';
import type { Frame, FrameKind } from './frame.js';
import { frameNames } from './frame-names.js';
import type { FrameSource } from './frame-source.js';
import { FrameTable, ROOT_FRAME_ID } from './frame-table.js';
import type { ProfileRows } from './profile.js';
import { type StackTree, StackTreeBuilder } from './stack-tree.js';

const NO_NODE = 0;
const NO_FRAME = 0;
const NO_STACK = '(no stack)';

export interface RecordedFrame {
  /** The capture's frame; 0 for a label that stands for a flag. */
  readonly recorded: number;
  /** What it is to a reader, outermost first: more than one where functions were inlined. */
  readonly frames: readonly number[];
}

export class NamedStacks {
  readonly frames = new FrameTable();
  readonly #source: FrameSource;
  readonly #names = new Map<number, readonly number[]>();

  constructor(source: FrameSource) {
    this.#source = source;
  }

  /** Frame ids of a stack, leaf first; flags become label frames. Never empty. */
  path(stack: number): number[] {
    const path: number[] = [];
    for (const { frames } of this.recordedFrames(stack)) {
      for (let i = frames.length - 1; i >= 0; i--) path.push(frames[i] as number);
    }
    return path;
  }

  /** The same with the frames that they were recorded as, leaf first. */
  recordedFrames(stack: number): RecordedFrame[] {
    const recorded: RecordedFrame[] = [];
    const label = (id: number) => recorded.push({ recorded: NO_FRAME, frames: [id] });
    if (this.#needsGcLabel(stack)) label(this.#label('gc', '(GC)'));
    const { stackNodes, nodeParents, nodeFrames } = this.#source;
    const leaf = stackNodes.get(stack);
    for (let node = leaf; node !== NO_NODE; node = nodeParents.get(node)) {
      const frame = nodeFrames.get(node);
      recorded.push({ recorded: frame, frames: this.#frameIds(frame) });
    }
    const outermost = this.#outermost(stack);
    if (outermost !== ROOT_FRAME_ID) label(outermost);
    else if (leaf === NO_NODE) label(this.#label('label', NO_STACK));
    return recorded;
  }

  /**
   * The frame that answers for an allocation: the innermost JavaScript one, because native code below it works on its behalf;
   * without JavaScript the innermost native one. Collections answer for themselves: the line that happened to trigger one
   * asked for nothing.
   */
  site(stack: number): number {
    if (this.#needsGcLabel(stack)) return this.#label('gc', '(GC)');
    const { stackNodes, nodeParents, nodeFrames } = this.#source;
    const leaf = stackNodes.get(stack);
    // Most look-ups end within a few frames of the leaf, so no path is made.
    for (let node = leaf; node !== NO_NODE; node = nodeParents.get(node)) {
      const id = this.#frameIds(nodeFrames.get(node)).at(-1) ?? ROOT_FRAME_ID;
      const kind = this.frames.get(id).kind;
      if (kind === 'js' || kind === 'wasm' || kind === 'gc') return id;
    }
    if (leaf === NO_NODE) return this.#label('label', NO_STACK);
    return this.#frameIds(nodeFrames.get(leaf)).at(-1) ?? ROOT_FRAME_ID;
  }

  /** The innermost frame that `isOwn` accepts, else `site`. */
  ownSite(stack: number, isOwn: (frame: Frame) => boolean): number {
    const site = this.site(stack);
    if (this.frames.get(site).kind === 'gc') return site;
    for (const id of this.path(stack)) if (isOwn(this.frames.get(id))) return id;
    return site;
  }

  /** Everything in `rows`, merged by frame; with `threadName`, each thread below a frame of its own. */
  tree(rows: ProfileRows, threadName?: (thread: number) => string): StackTree {
    const builder = new StackTreeBuilder();
    const place = this.placer(builder, threadName);
    for (let row = 0; row < rows.size; row++) {
      const node = place(rows.stack[row] as number, rows.thread[row] as number);
      builder.add(node, rows.bytes[row] as number, rows.count[row] as number);
    }
    return builder.finish();
  }

  /** Tells the node of each stack in a tree that grows by what it is asked for. */
  placer(
    builder: StackTreeBuilder,
    threadName?: (thread: number) => string,
  ): (stack: number, thread: number) => number {
    const memos = new Map<number, TreeNodes>();
    return (stack, thread) => {
      const root =
        threadName === undefined ? 0 : builder.child(0, this.#label('label', threadName(thread)));
      const memo = memos.get(root) ?? new TreeNodes(root);
      memos.set(root, memo);
      const node = this.#treeNode(builder, memo, stack);
      return this.#needsGcLabel(stack) ? builder.child(node, this.#label('gc', '(GC)')) : node;
    };
  }

  /** Each capture node is placed once per kind of root, however many stacks share it. */
  #treeNode(builder: StackTreeBuilder, memo: TreeNodes, stack: number): number {
    const outermost = this.#outermost(stack);
    const places = memo.under(outermost);
    const unplaced: number[] = [];
    let place = outermost === ROOT_FRAME_ID ? memo.root : builder.child(memo.root, outermost);
    const { stackNodes, nodeParents, nodeFrames } = this.#source;
    for (let node = stackNodes.get(stack); node !== NO_NODE; node = nodeParents.get(node)) {
      const known = places.get(node);
      if (known !== undefined) {
        place = known;
        break;
      }
      unplaced.push(node);
    }
    for (let node = unplaced.pop(); node !== undefined; node = unplaced.pop()) {
      for (const id of this.#frameIds(nodeFrames.get(node))) {
        place = builder.child(place, id);
      }
      places.set(node, place);
    }
    return place === memo.root ? builder.child(place, this.#label('label', NO_STACK)) : place;
  }

  #frameIds(frame: number): readonly number[] {
    let ids = this.#names.get(frame);
    if (ids === undefined) {
      ids = frameNames(this.#source, frame).map((named) => this.frames.intern(named));
      this.#names.set(frame, ids);
    }
    return ids;
  }

  #outermost(stack: number): number {
    const flags = this.#source.stackFlags.get(stack);
    if ((flags & STACK_CUT) !== 0) return this.#label('label', '(outer frames cut)');
    if ((flags & STACK_JS_UNKNOWN) !== 0) {
      return this.#label('label', '(JavaScript frames unknown)');
    }
    return ROOT_FRAME_ID;
  }

  /** A writer that labels collections itself has put the label where it belongs. */
  #needsGcLabel(stack: number): boolean {
    if ((this.#source.stackFlags.get(stack) & STACK_IN_GC) === 0) return false;
    const { stackNodes, nodeParents, nodeFrames } = this.#source;
    for (let node = stackNodes.get(stack); node !== NO_NODE; node = nodeParents.get(node)) {
      const ids = this.#frameIds(nodeFrames.get(node));
      if (ids.some((id) => this.frames.get(id).kind === 'gc')) return false;
    }
    return true;
  }

  #label(kind: FrameKind, name: string): number {
    return this.frames.intern({ kind, name, file: '', line: 0, column: 0, package: '' });
  }
}

/** Where each capture node stands in the tree, separately below each outermost label. */
class TreeNodes {
  readonly root: number;
  readonly #byOutermost = new Map<number, Map<number, number>>();

  constructor(root: number) {
    this.root = root;
  }

  under(outermost: number): Map<number, number> {
    let places = this.#byOutermost.get(outermost);
    if (places === undefined) {
      places = new Map();
      this.#byOutermost.set(outermost, places);
    }
    return places;
  }
}
