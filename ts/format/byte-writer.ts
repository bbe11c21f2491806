// SPDX-License-Identifier: MIT
// Numbers and text as bytes (docs/format.md F-1), into memory that grows.

const FIRST_CAPACITY = 4096;
const MAX_VARINT_BYTES = 10;
const ENCODER = new TextEncoder();

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#size = 0;
  }

  /** What was written; valid until the next call. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#size++] = value;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  varint(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 64) {
      throw new RangeError(`${value} is no varint`);
    }
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#size++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#size++] = rest;
  }

  varints(...values: readonly number[]): void {
    for (const value of values) this.varint(value);
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** A string: its length and its bytes. */
  text(text: string): void {
    const bytes = ENCODER.encode(text);
    this.varint(bytes.length);
    this.append(bytes);
  }

  /** The bytes of a text without their length, cut to `limit` where no character is cut. */
  utf8(text: string, limit: number): void {
    const bytes = ENCODER.encode(text);
    let end = Math.min(bytes.length, limit);
    if (end < bytes.length) while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    this.append(bytes.subarray(0, end));
  }

  #reserve(count: number): void {
    const wanted = this.#size + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}
