// SPDX-License-Identifier: MIT
// Which addresses hold a live block, and what that block is; and what was live at the peak and at the exit (decode/wasm/blocks.ts).

import { COLUMN, DOUBLE, INTEGER, Kernel } from './kernel.js';

/** Of a block: the stack, size, allocator and thread that made it. */
export type VisitBlock = (stack: number, size: number, allocator: number, thread: number) => void;

/** The highest heap, and when that was. Of equal moments the last. */
export interface PeakMoment {
  readonly bytes: number;
  readonly timeNs: number;
  /** How many alloc, free and map records came up to it, the one that made it included. */
  readonly event: number;
  /** Moments are numbered; from one peak to the next the number grows. */
  readonly moment: number;
}

export class LiveBlocks {
  readonly #kernel: Kernel;
  /** Ids from here on were never live. */
  capacity = 1;

  constructor(kernel = new Kernel()) {
    this.#kernel = kernel;
  }

  isLive(id: number): boolean {
    return this.stack(id) >= 0;
  }

  size(id: number): number {
    return this.#kernel.numbers[this.#kernel.row(COLUMN.blocks, id) / 2] as number;
  }

  /** -1 when there is no live block. */
  stack(id: number): number {
    return (this.#kernel.words[this.#kernel.row(COLUMN.blocks, id) + 2] as number) - 1;
  }

  allocator(id: number): number {
    return this.#owner(id) & 7;
  }

  thread(id: number): number {
    return this.#owner(id) >>> 3;
  }

  /** Live blocks and committed mappings, in bytes. */
  get heap(): number {
    return this.#kernel.doubles[DOUBLE.heap] as number;
  }

  /** Of `peak`, and without the rest. */
  get peakMoment(): number {
    return this.#kernel.doubles[DOUBLE.peakMoment] as number;
  }

  get peak(): PeakMoment {
    const { doubles } = this.#kernel;
    return {
      bytes: doubles[DOUBLE.peak] as number,
      timeNs: doubles[DOUBLE.peakTimeNs] as number,
      event: doubles[DOUBLE.peakEvent] as number,
      moment: this.peakMoment,
    };
  }

  /** What is live now. */
  visitLive(visit: VisitBlock): void {
    this.#visitBornBefore(Number.POSITIVE_INFINITY, visit);
  }

  /** What was live at the peak. */
  visitPeak(visit: VisitBlock): void {
    this.#visitBornBefore(this.peakMoment, visit);
    this.#visitFreed('freedSincePeak', visit);
  }

  /** What was live at the latest exit, if there was one. */
  visitExit(visit: VisitBlock): void {
    this.#visitBornBefore(this.#kernel.doubles[DOUBLE.exitMoment] as number, visit);
    this.#visitFreed('freedSinceExit', visit);
  }

  // --- What the decoder calls, and who has events that do not come from a block. ---

  /** Makes ids below `capacity` known. */
  reserve(capacity: number): void {
    if (capacity > this.capacity) this.capacity = capacity;
  }

  /** F-10: ends the block that is live there. */
  put(id: number, stack: number, size: number, allocator: number, thread: number): void {
    this.reserve(id + 1);
    this.#kernel.put(id, stack, size, thread * 8 + allocator);
  }

  /** False when there is no such block. */
  remove(id: number): boolean {
    return this.#kernel.remove(id);
  }

  /** A map record, and what it changed of the committed bytes. */
  changeMapped(bytes: number): void {
    this.#kernel.changeMapped(bytes);
  }

  markExit(): void {
    this.#kernel.markExit();
  }

  /** A free of an id that is not live. */
  countUnknownFree(): void {
    const { doubles } = this.#kernel;
    doubles[DOUBLE.events] = (doubles[DOUBLE.events] as number) + 1;
  }

  setTime(timeNs: number): void {
    this.#kernel.setTime(timeNs);
  }

  #owner(id: number): number {
    return this.#kernel.words[this.#kernel.row(COLUMN.blocks, id) + 3] as number;
  }

  #visitBornBefore(moment: number, visit: VisitBlock): void {
    const { words, numbers } = this.#kernel;
    for (let id = 1; id < this.capacity; id++) {
      const row = this.#kernel.row(COLUMN.blocks, id);
      const stack = (words[row + 2] as number) - 1;
      if (stack < 0 || (numbers[row / 2 + 2] as number) >= moment) continue;
      const owner = words[row + 3] as number;
      visit(stack, numbers[row / 2] as number, owner & 7, owner >>> 3);
    }
  }

  #visitFreed(list: 'freedSincePeak' | 'freedSinceExit', visit: VisitBlock): void {
    const { words, numbers, integers } = this.#kernel;
    for (let i = 0; i < (integers[INTEGER[list]] as number); i++) {
      const row = this.#kernel.row(COLUMN[list], i);
      const owner = words[row + 3] as number;
      visit(words[row + 2] as number, numbers[row / 2] as number, owner & 7, owner >>> 3);
    }
  }
}
