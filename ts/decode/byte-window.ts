// SPDX-License-Identifier: MIT
// A sliding view of a byte source, so that a capture of any length is read with bounded memory.

/** Fills buffer[offset, offset + length) as far as it can; 0 means the end. */
export type ReadBytes = (buffer: Uint8Array, offset: number, length: number) => Promise<number>;

export interface ByteWindowOptions {
  readonly chunkBytes: number;
}

export class ByteWindow {
  bytes: Uint8Array;
  /** Unread bytes are bytes[start, end). */
  start = 0;
  end: number;
  /** Position of bytes[start] in the source. */
  offset = 0;

  readonly #read: ReadBytes | null;
  readonly #chunkBytes: number;
  #atEnd: boolean;

  /** Over bytes in memory, or over a source that is read by and by. */
  constructor(source: Uint8Array | ReadBytes, { chunkBytes }: ByteWindowOptions) {
    const inMemory = typeof source !== 'function';
    this.bytes = inMemory ? source : new Uint8Array(chunkBytes);
    this.end = inMemory ? source.length : 0;
    this.#read = inMemory ? null : source;
    this.#chunkBytes = chunkBytes;
    this.#atEnd = inMemory;
  }

  get available(): number {
    return this.end - this.start;
  }

  skip(count: number): void {
    this.start += count;
    this.offset += count;
  }

  /** Makes at least `count` bytes available; false when the source ends before. May replace `bytes` and move `start`. */
  async ensure(count: number): Promise<boolean> {
    while (this.available < count && !this.#atEnd) await this.#fill(count);
    return this.available >= count;
  }

  /** Drops everything up to the end of the source; returns how much that was, up to the last byte that is not zero too. */
  async drain(): Promise<{ bytes: number; nonZeroBytes: number }> {
    const from = this.offset;
    let nonZeroEnd = from;
    while (await this.ensure(1)) {
      const unread = this.bytes.subarray(this.start, this.end);
      const last = unread.findLastIndex((byte) => byte !== 0);
      if (last >= 0) nonZeroEnd = this.offset + last + 1;
      this.skip(unread.length);
    }
    return { bytes: this.offset - from, nonZeroBytes: nonZeroEnd - from };
  }

  async #fill(wanted: number): Promise<void> {
    const unread = this.available;
    const capacity = Math.max(wanted, this.#chunkBytes);
    if (this.bytes.length < capacity) {
      const grown = new Uint8Array(capacity);
      grown.set(this.bytes.subarray(this.start, this.end));
      this.bytes = grown;
    } else if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
    }
    this.start = 0;
    this.end = unread;
    const room = this.bytes.length - this.end;
    const count = (await this.#read?.(this.bytes, this.end, room)) ?? 0;
    if (count <= 0) this.#atEnd = true;
    this.end += count;
  }
}
