// SPDX-License-Identifier: MIT

const MIN_CAPACITY = 64;
const INT32_MAX = 0x7fffffff;

/** A growable array of 32-bit integers, 0 where nothing was set. */
export class IntColumn {
  /** May be longer than what was set; replaced when it grows. */
  data: Int32Array = new Int32Array(MIN_CAPACITY);

  get(index: number): number {
    return this.data[index] ?? 0;
  }

  /** Values that do not fit are stored as the largest that does. */
  set(index: number, value: number): void {
    this.reserve(index + 1);
    this.data[index] = Math.min(value, INT32_MAX);
  }

  reserve(length: number): void {
    if (length > this.data.length) this.data = grownInts(this.data, length);
  }
}

/** A growable array of doubles, 0 where nothing was set. */
export class NumberColumn {
  data: Float64Array = new Float64Array(MIN_CAPACITY);

  get(index: number): number {
    return this.data[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.reserve(index + 1);
    this.data[index] = value;
  }

  reserve(length: number): void {
    if (length <= this.data.length) return;
    const grown = new Float64Array(grownLength(this.data.length, length));
    grown.set(this.data);
    this.data = grown;
  }
}

/** A copy of `data` with room for `length` numbers at least. */
export function grownInts(data: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(grownLength(data.length, length));
  grown.set(data);
  return grown;
}

const grownLength = (current: number, wanted: number): number =>
  Math.max(wanted, current * 2, MIN_CAPACITY);
