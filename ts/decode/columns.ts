// SPDX-License-Identifier: MIT
// Blocks of columns (docs/format.md §3.2), which wasm/columns.ts puts together and takes apart.

import type { Kernel } from './kernel.js';

export class ColumnReader {
  readonly #kernel: Kernel;
  #payload = new Uint8Array(0);

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Payloads of blocks of records, each until the next one is asked for. Returns false when the rest is malformed. */
  *payloads(columns: Uint8Array): Generator<Uint8Array, boolean, void> {
    if (!this.#kernel.beginJoin(columns)) return false;
    for (;;) {
      const payload = this.#kernel.joinNext();
      if (payload === null) return false;
      if (payload.length === 0) return true;
      yield this.#copy(payload);
    }
  }

  /** The kernel's memory may move while the payload is decoded. */
  #copy(payload: Uint8Array): Uint8Array {
    if (payload.length > this.#payload.length) this.#payload = new Uint8Array(payload.length * 2);
    this.#payload.set(payload);
    return this.#payload.subarray(0, payload.length);
  }
}
