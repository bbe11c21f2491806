// SPDX-License-Identifier: MIT
// Trees as text for embedding: LEB128 numbers, then base64. Runs in Node and in browsers.

/** Parent and frame of each node; 0 is the root, and a parent's index is below its children's. */
export interface TreeNodes {
  readonly parent: ArrayLike<number>;
  readonly frame: ArrayLike<number>;
}

/** What goes into the page: node − parent and frame, for every node but the root. */
export function encodeNodes({ parent, frame }: TreeNodes): string {
  const numbers = new NumberWriter();
  for (let node = 1; node < parent.length; node++) {
    numbers.put(node - (parent[node] as number));
    numbers.put(frame[node] as number);
  }
  return numbers.text();
}

export function decodeNodes(
  text: string,
  size: number,
): { parent: Uint32Array; frame: Uint32Array } {
  const reader = new NumberReader(text);
  const parent = new Uint32Array(size);
  const frame = new Uint32Array(size);
  for (let node = 1; node < size; node++) {
    parent[node] = node - reader.next();
    frame[node] = reader.next();
  }
  return { parent, frame };
}

/** Whole numbers, none of them negative, in a few bytes each. */
export function encodeNumbers(numbers: Iterable<number>): string {
  const writer = new NumberWriter();
  for (const number of numbers) writer.put(number);
  return writer.text();
}

export class NumberWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;

  put(value: number): void {
    // The longest number takes eight bytes.
    if (this.#length + 8 > this.#bytes.length) this.#grow();
    let rest = Math.max(0, value);
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Numbers below 0, too. */
  putSigned(value: number): void {
    this.put(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(): string {
    const parts: string[] = [];
    for (let at = 0; at < this.#length; at += 8192) {
      const part = this.#bytes.subarray(at, Math.min(at + 8192, this.#length));
      parts.push(String.fromCharCode(...part));
    }
    return btoa(parts.join(''));
  }

  #grow(): void {
    const bytes = new Uint8Array(this.#bytes.length * 2);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}

export class NumberReader {
  readonly #binary: string;
  #at = 0;

  constructor(text: string) {
    this.#binary = atob(text);
  }

  /** Sizes may exceed 32 bits, so this multiplies where others shift. */
  next(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.#binary.charCodeAt(this.#at++);
      value += (byte & 0x7f) * unit;
      // Beyond the end NaN ends the number, too.
      if (!(byte >= 0x80)) return value;
      unit *= 128;
    }
  }

  nextSigned(): number {
    const value = this.next();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }
}
