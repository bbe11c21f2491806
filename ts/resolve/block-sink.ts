// SPDX-License-Identifier: MIT
// Writes blocks in order, compressing while the next are being read.

import type { CompressBlocks } from './compress.js';

/** Compresses well, and is little to hold twice. */
export const GROUP_BYTES = 4 * 1024 * 1024;
/** Groups in work: one per core would be more memory than speed. */
const MAX_PENDING = 2;

export class BlockSink {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #compress: CompressBlocks;
  readonly #pending: Promise<Uint8Array>[] = [];
  #group: Uint8Array[] = [];
  #groupBytes = 0;

  constructor(write: (bytes: Uint8Array) => Promise<void>, compress: CompressBlocks) {
    this.#write = write;
    this.#compress = compress;
  }

  /** Whole blocks of records; some of them may be compressed together. */
  async add(blocks: Uint8Array): Promise<void> {
    if (this.#groupBytes + blocks.length > GROUP_BYTES) await this.#endGroup();
    this.#group.push(blocks);
    this.#groupBytes += blocks.length;
  }

  /** Bytes that must stay as they are. */
  async addAsIs(bytes: Uint8Array): Promise<void> {
    await this.#endGroup();
    await this.#queue(Promise.resolve(bytes));
  }

  async finish(): Promise<void> {
    await this.#endGroup();
    while (this.#pending.length > 0) await this.#writeNext();
  }

  async #endGroup(): Promise<void> {
    if (this.#group.length === 0) return;
    const blocks = Buffer.concat(this.#group);
    this.#group = [];
    this.#groupBytes = 0;
    const smaller = this.#compress(blocks).then((block) => block ?? blocks);
    await this.#queue(smaller);
  }

  async #queue(bytes: Promise<Uint8Array>): Promise<void> {
    // A failure is thrown where it is awaited, perhaps after that of an earlier one.
    bytes.catch(() => {});
    this.#pending.push(bytes);
    if (this.#pending.length >= MAX_PENDING) await this.#writeNext();
  }

  async #writeNext(): Promise<void> {
    const next = this.#pending.shift();
    if (next) await this.#write(await next);
  }
}
