// SPDX-License-Identifier: MIT
// A stack tree as text for embedding: per node four LEB128 numbers, then base64. Runs in Node and in browsers.

import { type StackTree, withTotals } from '../model/stack-tree.js';

/** What goes into the page: node − parent, frame, self bytes, self count, for every node but the root. */
export function encodeTree(tree: StackTree): string {
  const bytes: number[] = [];
  for (let node = 1; node < tree.size; node++) {
    putVarint(bytes, node - (tree.parent[node] as number));
    putVarint(bytes, tree.frame[node] as number);
    putVarint(bytes, tree.selfBytes[node] as number);
    putVarint(bytes, tree.selfCount[node] as number);
  }
  return toBase64(bytes);
}

export function decodeTree(text: string, size: number): StackTree {
  const reader = new NumberReader(text);
  const parent = new Uint32Array(size);
  const frame = new Uint32Array(size);
  const selfBytes = new Float64Array(size);
  const selfCount = new Float64Array(size);
  for (let node = 1; node < size; node++) {
    parent[node] = node - reader.next();
    frame[node] = reader.next();
    selfBytes[node] = reader.next();
    selfCount[node] = reader.next();
  }
  return withTotals(parent, frame, selfBytes, selfCount);
}

/** Whole numbers, none of them negative, in a few bytes each. */
export function encodeNumbers(numbers: Iterable<number>): string {
  const bytes: number[] = [];
  for (const number of numbers) putVarint(bytes, number);
  return toBase64(bytes);
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
}

function putVarint(bytes: number[], value: number): void {
  let rest = Math.max(0, value);
  while (rest >= 128) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function toBase64(bytes: number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.slice(at, at + 8192)));
  }
  return btoa(parts.join(''));
}
