// SPDX-License-Identifier: MIT
// How often each size was asked for: exact, without a Map entry per event.

const SMALL_SIZES = 65536;
const EMPTY = -1;

export class SizeCounts {
  readonly #small = new Float64Array(SMALL_SIZES);
  // Open addressing for the rest; sizes and counts side by side.
  #sizes = new Float64Array(1024).fill(EMPTY);
  #counts = new Float64Array(1024);
  #used = 0;

  add(size: number): void {
    if (size < SMALL_SIZES) {
      this.#small[size] = (this.#small[size] as number) + 1;
      return;
    }
    const at = this.#find(size);
    if (this.#sizes[at] === EMPTY) {
      this.#sizes[at] = size;
      this.#used++;
    }
    this.#counts[at] = (this.#counts[at] as number) + 1;
    if (this.#used * 2 > this.#sizes.length) this.#grow();
  }

  /** Distinct sizes in ascending order with their counts. */
  entries(): [size: number, count: number][] {
    const entries: [number, number][] = [];
    for (let size = 0; size < SMALL_SIZES; size++) {
      const count = this.#small[size] as number;
      if (count > 0) entries.push([size, count]);
    }
    const large: [number, number][] = [];
    for (let at = 0; at < this.#sizes.length; at++) {
      const size = this.#sizes[at] as number;
      if (size !== EMPTY) large.push([size, this.#counts[at] as number]);
    }
    large.sort((a, b) => a[0] - b[0]);
    return entries.concat(large);
  }

  #find(size: number): number {
    const mask = this.#sizes.length - 1;
    // Sizes reach 2^53: both halves must take part, and large sizes are mostly multiples of a page.
    const low = size >>> 0;
    const high = Math.floor(size / 0x100000000);
    let at = Math.imul(low ^ (low >>> 12) ^ Math.imul(high, 0x85ebca77), 0x9e3779b1);
    at = (at ^ (at >>> 15)) & mask;
    while (this.#sizes[at] !== EMPTY && this.#sizes[at] !== size) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const sizes = this.#sizes;
    const counts = this.#counts;
    this.#sizes = new Float64Array(sizes.length * 2).fill(EMPTY);
    this.#counts = new Float64Array(counts.length * 2);
    for (let from = 0; from < sizes.length; from++) {
      const size = sizes[from] as number;
      if (size === EMPTY) continue;
      const at = this.#find(size);
      this.#sizes[at] = size;
      this.#counts[at] = counts[from] as number;
    }
  }
}
