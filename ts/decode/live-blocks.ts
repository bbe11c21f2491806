// SPDX-License-Identifier: MIT
// Which addresses hold a live block, and what that block is. Indexed by address id.

import { grownInts } from './int-column.js';

/** Ints per block: low and high word of the size, stack + 1 (0: not live), thread × 8 + allocator. */
export const BLOCK_INTS = 4;
const INITIAL_IDS = 64;
const TWO_32 = 4_294_967_296;
const INT32_MAX = 0x7fffffff;

export class LiveBlocks {
  /** One row per id, in one array: a free touches a single cache line. */
  data: Int32Array = new Int32Array(INITIAL_IDS * BLOCK_INTS);

  /** Ids from here on were never live. */
  get capacity(): number {
    return this.data.length / BLOCK_INTS;
  }

  /** Makes room for ids below `count`. */
  reserve(count: number): void {
    const length = count * BLOCK_INTS;
    if (length > this.data.length) this.data = grownInts(this.data, length);
  }

  isLive(id: number): boolean {
    return this.data[id * BLOCK_INTS + 2] !== 0;
  }

  size(id: number): number {
    const low = this.data[id * BLOCK_INTS] as number;
    const high = this.data[id * BLOCK_INTS + 1] as number;
    // Small integers, nearly always: they pass through calls without being boxed.
    return high === 0 && low >= 0 ? low : high * TWO_32 + (low >>> 0);
  }

  stack(id: number): number {
    return (this.data[id * BLOCK_INTS + 2] as number) - 1;
  }

  allocator(id: number): number {
    return (this.data[id * BLOCK_INTS + 3] as number) & 7;
  }

  thread(id: number): number {
    return (this.data[id * BLOCK_INTS + 3] as number) >> 3;
  }

  put(id: number, stack: number, size: number, allocator: number, thread: number): void {
    const row = id * BLOCK_INTS;
    const data = this.data;
    if (size <= INT32_MAX) {
      data[row] = size;
      data[row + 1] = 0;
    } else {
      data[row] = size % TWO_32; // wraps to a negative number from 2^31 on
      data[row + 1] = Math.floor(size / TWO_32);
    }
    data[row + 2] = stack + 1;
    data[row + 3] = (thread << 3) | allocator;
  }

  remove(id: number): void {
    this.data[id * BLOCK_INTS + 2] = 0;
  }
}
