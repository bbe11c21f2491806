// SPDX-License-Identifier: MIT
// Interned frames: equal function, file, line and module (whatever the tier or column) are one frame with one id.

import { type Frame, ROOT_FRAME } from './frame.js';

export const ROOT_FRAME_ID = 0;

export class FrameTable {
  readonly #frames: Frame[] = [ROOT_FRAME];
  readonly #ids = new Map<string, number>();

  get size(): number {
    return this.#frames.length;
  }

  intern(frame: Frame): number {
    const key = `${frame.kind}\0${frame.name}\0${frame.file}\0${frame.line}\0${frame.module}`;
    const known = this.#ids.get(key);
    if (known === undefined) {
      const id = this.#frames.length;
      this.#frames.push(frame);
      this.#ids.set(key, id);
      return id;
    }
    const first = this.get(known);
    // Two calls on one line: neither column is *the* column.
    if (first.column !== frame.column && first.column !== 0) {
      this.#frames[known] = { ...first, column: 0 };
    }
    return known;
  }

  get(id: number): Frame {
    const frame = this.#frames[id];
    if (frame === undefined) throw new RangeError(`no frame ${id} among ${this.#frames.length}`);
    return frame;
  }

  all(): readonly Frame[] {
    return this.#frames;
  }
}
