// SPDX-License-Identifier: MIT
// The stacks of a capture, or of several processes together, with names: as a tree, and each by the place that answers for it.

import type { Frame } from './frame.js';
import type { FrameSource } from './frame-source.js';
import { FrameTable } from './frame-table.js';
import { ProcessStacks, type RecordedFrame } from './process-stacks.js';
import type { ProfileRows } from './profile.js';
import { type StackTree, StackTreeBuilder } from './stack-tree.js';
import type { V8Role } from './v8-roles.js';

/** One of several processes. */
export interface NamedProcess {
  readonly name: string;
  readonly source: FrameSource;
  /** How many stacks it has, stack 0 included: so many numbers are its own. */
  readonly stackCount: number;
}

interface Part {
  readonly stacks: ProcessStacks;
  readonly first: number;
}

export class NamedStacks {
  readonly frames = new FrameTable();
  readonly #parts: readonly Part[];

  /** @param sources a capture, or several processes, whose stacks are numbered one process after the other */
  constructor(sources: FrameSource | readonly NamedProcess[]) {
    if (!Array.isArray(sources)) {
      const source = sources as FrameSource;
      this.#parts = [{ stacks: new ProcessStacks(source, this.frames), first: 0 }];
      return;
    }
    let first = 0;
    this.#parts = (sources as readonly NamedProcess[]).map(({ name, source, stackCount }) => {
      const part = { stacks: new ProcessStacks(source, this.frames, name), first };
      first += stackCount;
      return part;
    });
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
    const { stacks, first } = this.#partOf(stack);
    return stacks.recordedFrames(stack - first);
  }

  /**
   * The frame that answers for an allocation: the innermost JavaScript one, because native code below it works on its behalf;
   * without JavaScript the innermost native one that is no allocator and no C++ library. Collections answer for themselves:
   * the line that happened to trigger one asked for nothing.
   */
  site(stack: number): number {
    const { stacks, first } = this.#partOf(stack);
    return stacks.site(stack - first);
  }

  /** What one of V8's own threads made it for; null on other threads, and where its frames do not tell. */
  v8Role(stack: number): V8Role | null {
    const { stacks, first } = this.#partOf(stack);
    return stacks.v8Role(stack - first);
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
    const placers = new Map(
      this.#parts.map((part) => [part, part.stacks.placer(builder, threadName)]),
    );
    return (stack, thread) => {
      const part = this.#partOf(stack);
      return placers.get(part)?.(stack - part.first, thread) ?? 0;
    };
  }

  #partOf(stack: number): Part {
    let at = this.#parts.length - 1;
    while (at > 0 && (this.#parts[at] as Part).first > stack) at--;
    return this.#parts[at] as Part;
  }
}
