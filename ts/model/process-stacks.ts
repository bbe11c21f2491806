// SPDX-License-Identifier: MIT
// The stacks of one process with names: in a tree, and each by the place that answers for it.

import { STACK_CUT, STACK_IN_GC, STACK_JS_UNKNOWN } from '../format/constants.js';
import { isAllocating } from './allocating.js';
import { type FrameKind, ROOT_FRAME } from './frame.js';
import { frameNames } from './frame-names.js';
import type { FrameSource } from './frame-source.js';
import { type FrameTable, ROOT_FRAME_ID } from './frame-table.js';
import { NodeRoles } from './node-roles.js';
import type { StackTreeBuilder } from './stack-tree.js';
import type { V8Role } from './v8-roles.js';

const NO_NODE = 0;
const NO_FRAME = 0;
const NO_STACK = '(no stack)';

export interface RecordedFrame {
  /** The process's frame; 0 for a label that stands for a flag. */
  readonly recorded: number;
  /** Where it was recorded: numbers are of this process. */
  readonly source: FrameSource;
  /** What it is to a reader, outermost first: more than one where functions were inlined. */
  readonly frames: readonly number[];
}

export class ProcessStacks {
  readonly #frames: FrameTable;
  readonly #source: FrameSource;
  readonly #names = new Map<number, readonly number[]>();
  readonly #roles: NodeRoles;
  /** Of the process among several; the root's where there is one. */
  readonly #process: number;

  /** @param process what it is called, where there are several */
  constructor(source: FrameSource, frames: FrameTable, process?: string) {
    this.#source = source;
    this.#roles = new NodeRoles(source, (frame) =>
      this.#frameIds(frame).map((id) => this.#frames.get(id).name),
    );
    this.#frames = frames;
    this.#process = process === undefined ? ROOT_FRAME_ID : this.#label('process', process);
  }

  /** Leaf first; flags and the process become label frames. Never empty. */
  recordedFrames(stack: number): RecordedFrame[] {
    const recorded: RecordedFrame[] = [];
    const source = this.#source;
    const label = (id: number) => recorded.push({ recorded: NO_FRAME, source, frames: [id] });
    if (this.#needsGcLabel(stack)) label(this.#label('gc', '(GC)'));
    const { stackNodes, nodeParents, nodeFrames } = source;
    const leaf = stackNodes.get(stack);
    for (let node = leaf; node !== NO_NODE; node = nodeParents.get(node)) {
      const frame = nodeFrames.get(node);
      recorded.push({ recorded: frame, source, frames: this.#frameIds(frame) });
      const role = this.#roles.startsAt(node);
      if (role !== null) label(this.#roleLabel(role));
    }
    const outermost = this.#outermost(stack);
    if (outermost !== ROOT_FRAME_ID) label(outermost);
    else if (leaf === NO_NODE) label(this.#label('label', NO_STACK));
    if (this.#process !== ROOT_FRAME_ID) label(this.#process);
    return recorded;
  }

  /** What one of V8's own threads made it for; null on other threads, and where its frames do not tell. */
  v8Role(stack: number): V8Role | null {
    return this.#roles.of(this.#source.stackNodes.get(stack));
  }

  site(stack: number): number {
    if (this.#needsGcLabel(stack)) return this.#label('gc', '(GC)');
    const { stackNodes, nodeParents, nodeFrames } = this.#source;
    const leaf = stackNodes.get(stack);
    // Most look-ups end within a few frames of the leaf, so no path is made.
    for (let node = leaf; node !== NO_NODE; node = nodeParents.get(node)) {
      const id = this.#frameIds(nodeFrames.get(node)).at(-1) ?? ROOT_FRAME_ID;
      const kind = this.#frames.get(id).kind;
      if (kind === 'js' || kind === 'wasm' || kind === 'gc') return id;
    }
    return leaf === NO_NODE ? this.#label('label', NO_STACK) : this.#nativeSite(leaf);
  }

  /** The innermost frame that is more than a means to allocate; the outermost where there is none. */
  #nativeSite(leaf: number): number {
    const { nodeParents, nodeFrames } = this.#source;
    let site = ROOT_FRAME_ID;
    for (let node = leaf; node !== NO_NODE; node = nodeParents.get(node)) {
      const ids = this.#frameIds(nodeFrames.get(node));
      for (let i = ids.length - 1; i >= 0; i--) {
        site = ids[i] as number;
        if (!isAllocating(this.#frames.get(site))) return site;
      }
    }
    return site;
  }

  /** Tells the node of each stack in a tree that grows by what it is asked for. */
  placer(
    builder: StackTreeBuilder,
    threadName?: (thread: number) => string,
  ): (stack: number, thread: number) => number {
    const memos = new Map<number, TreeNodes>();
    return (stack, thread) => {
      const process = this.#process === ROOT_FRAME_ID ? 0 : builder.child(0, this.#process);
      const root =
        threadName === undefined
          ? process
          : builder.child(process, this.#label('label', threadName(thread)));
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
      const role = this.#roles.startsAt(node);
      if (role !== null) place = builder.child(place, this.#roleLabel(role));
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
      ids = frameNames(this.#source, frame).map((named) => this.#frames.intern(named));
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
      if (ids.some((id) => this.#frames.get(id).kind === 'gc')) return false;
    }
    return true;
  }

  #roleLabel(role: V8Role): number {
    return this.#label('label', `(${role})`);
  }

  #label(kind: FrameKind, name: string): number {
    return this.#frames.intern({ ...ROOT_FRAME, kind, name });
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
