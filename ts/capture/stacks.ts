// SPDX-License-Identifier: MIT
// The stacks of a capture by number, with names.

import type { Frame } from '../model/frame.js';
import { frameNames } from '../model/frame-names.js';
import type { Pass } from './pass.js';

const NO_FRAME = 0;

/** Stacks are numbered from 1; 0 is the stack of what has none. */
export class CaptureStacks {
  readonly #pass: Pass;
  readonly #frames = new Map<number, readonly Frame[]>();

  /** @internal */
  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** How many there are, stack 0 included. */
  get size(): number {
    return this.#pass.end.tables.stackCount;
  }

  /** Leaf first, inlined functions included. Labels such as `(GC)` are frames too. Never empty. */
  frames(stack: number): readonly Frame[] {
    const { stacks } = this.#pass;
    const frames: Frame[] = [];
    for (const { recorded, frames: ids } of stacks.recordedFrames(stack)) {
      // In reports equal calls of a line are one frame; here each has its column.
      if (recorded === NO_FRAME) frames.push(...ids.map((id) => stacks.frames.get(id)));
      else frames.push(...this.#named(recorded));
    }
    return frames;
  }

  /** The frame that answers for an allocation: the innermost JavaScript one, without any the innermost native one. */
  site(stack: number): Frame {
    const { stacks } = this.#pass;
    return stacks.frames.get(stacks.site(stack));
  }

  #named(recorded: number): readonly Frame[] {
    let frames = this.#frames.get(recorded);
    if (frames === undefined) {
      frames = frameNames(this.#pass.end.tables, recorded).reverse();
      this.#frames.set(recorded, frames);
    }
    return frames;
  }
}
