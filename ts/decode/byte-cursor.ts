// SPDX-License-Identifier: MIT
// Reads the fields of long records (docs/format.md F-1), every one checked against the record's end.

import { FormatError } from './format-error.js';

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const MAX_VARINT_BYTES = 10;

/** Text from bytes that need not be UTF-8: a wrong sequence becomes U+FFFD. A byte order mark is kept. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= 24) return shortText(bytes, start, end);
  return DECODER.decode(bytes.subarray(start, end));
}

/** Most names are short and ASCII, where a TextDecoder call costs more than the loop. */
function shortText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let p = start; p < end; p++) {
    const byte = bytes[p] as number;
    if (byte >= 0x80) return DECODER.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

export class ByteCursor {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  end = 0;

  reset(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    return this;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Exact up to 2^53; the nearest double beyond. */
  varint(): number {
    const { position } = this;
    const first = position < this.end ? (this.bytes[position] as number) : 0x80;
    if (first >= 0x80) return this.#longVarint();
    this.position = position + 1;
    return first;
  }

  #longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      if (this.position >= this.end) break;
      const byte = this.bytes[this.position++] as number;
      if (i === MAX_VARINT_BYTES - 1 && byte > 1) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw this.malformed('a number that does not end');
  }

  zigzag(): number {
    const value = this.varint();
    const odd = value % 2 === 1;
    return odd ? -(value + 1) / 2 : value / 2;
  }

  /** A varint that must be below `bound`. */
  below(bound: number, what: string): number {
    const value = this.varint();
    if (value >= bound) throw this.malformed(`${what} ${value}, but only ${bound} are known`);
    return value;
  }

  text(): string {
    const length = this.varint();
    if (length > this.remaining) throw this.malformed(`a string of ${length} bytes`);
    const start = this.position;
    this.position += length;
    return decodeText(this.bytes, start, this.position);
  }

  malformed(what: string): FormatError {
    return new FormatError(`record holds ${what}`, this.position, '§5');
  }
}
