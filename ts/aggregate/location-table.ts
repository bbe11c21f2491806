// SPDX-License-Identifier: MIT
// Numbers per location, a location being one (stack, thread, allocator).

import type { ProfileRows } from '../model/profile.js';

/**
 * Each location owns eight doubles, one cache line: five for the aggregator, then these. Keeping key and link beside the
 * numbers makes a hot look-up touch two lines, the head and the location.
 */
export const SLOTS = 8;
const KEY = 5;
const NEXT = 6;
const STACK = 7;

const THREAD_UNIT = 16;

/** Threads and allocators share a number so that a look-up compares once. */
export function locationKey(thread: number, allocator: number): number {
  return thread * THREAD_UNIT + allocator;
}

/** Columns of equal length. */
export interface Locations {
  readonly stack: Uint32Array;
  readonly thread: Uint32Array;
  readonly allocator: Uint32Array;
}

export class LocationTable {
  /** Read it anew after each `locate`: growing replaces it. */
  slots = new Float64Array(SLOTS * 1024);
  /** Offset in `slots` of the first location of each stack; 0 is none. */
  #heads = new Uint32Array(1024);
  #end = SLOTS;
  readonly #initial: Float64Array;

  /** @param initial what a new location's five numbers start with. */
  constructor(initial: readonly number[] = []) {
    this.#initial = Float64Array.from(initial);
  }

  /** The offset in `slots` of this location's numbers. */
  locate(stack: number, key: number): number {
    const slots = this.slots;
    if (stack < this.#heads.length) {
      let at = this.#heads[stack] as number;
      while (at !== 0) {
        if (slots[at + KEY] === key) return at;
        at = slots[at + NEXT] as number;
      }
    }
    return this.#append(stack, key);
  }

  /** The number of this location in `columns`. */
  index(stack: number, key: number): number {
    return this.locate(stack, key) / SLOTS - 1;
  }

  get size(): number {
    return this.#end / SLOTS - 1;
  }

  /** Rows by stack, thread and allocator, without those that hold nothing. */
  rows(bytesSlot: number, countSlot: number): ProfileRows {
    const used: number[] = [];
    for (let at = SLOTS; at < this.#end; at += SLOTS) {
      if (this.slots[at + bytesSlot] !== 0 || this.slots[at + countSlot] !== 0) used.push(at);
    }
    const { slots } = this;
    const order = (a: number, b: number, slot: number) =>
      (slots[a + slot] as number) - (slots[b + slot] as number);
    used.sort((a, b) => order(a, b, STACK) || order(a, b, KEY));
    const size = used.length;
    const rows = {
      size,
      stack: new Uint32Array(size),
      thread: new Uint32Array(size),
      allocator: new Uint8Array(size),
      bytes: new Float64Array(size),
      count: new Float64Array(size),
    };
    for (const [row, at] of used.entries()) {
      const key = this.slots[at + KEY] as number;
      rows.stack[row] = this.slots[at + STACK] as number;
      rows.thread[row] = Math.floor(key / THREAD_UNIT);
      rows.allocator[row] = key % THREAD_UNIT;
      rows.bytes[row] = this.slots[at + bytesSlot] as number;
      rows.count[row] = this.slots[at + countSlot] as number;
    }
    return rows;
  }

  /** All of them, in the order in which they were first located. */
  columns(): Locations {
    const { size, slots } = this;
    const column = (value: (at: number) => number) =>
      Uint32Array.from({ length: size }, (_none, index) => value((index + 1) * SLOTS));
    return {
      stack: column((at) => slots[at + STACK] as number),
      thread: column((at) => Math.floor((slots[at + KEY] as number) / THREAD_UNIT)),
      allocator: column((at) => (slots[at + KEY] as number) % THREAD_UNIT),
    };
  }

  /** Calls back with the offset of each location. */
  forEach(visit: (at: number) => void): void {
    for (let at = SLOTS; at < this.#end; at += SLOTS) visit(at);
  }

  #append(stack: number, key: number): number {
    if (stack >= this.#heads.length) {
      const heads = new Uint32Array(Math.max(this.#heads.length * 2, stack + 1));
      heads.set(this.#heads);
      this.#heads = heads;
    }
    const at = this.#end;
    this.#end += SLOTS;
    if (this.#end > this.slots.length) {
      const slots = new Float64Array(this.slots.length * 2);
      slots.set(this.slots);
      this.slots = slots;
    }
    this.slots.set(this.#initial, at);
    this.slots[at + KEY] = key;
    this.slots[at + NEXT] = this.#heads[stack] as number;
    this.slots[at + STACK] = stack;
    this.#heads[stack] = at;
    return at;
  }
}

export const profileTotals = (rows: ProfileRows): { totalBytes: number; totalCount: number } => {
  let totalBytes = 0;
  let totalCount = 0;
  for (let row = 0; row < rows.size; row++) {
    totalBytes += rows.bytes[row] as number;
    totalCount += rows.count[row] as number;
  }
  return { totalBytes, totalCount };
};
