// SPDX-License-Identifier: MIT
// Everything that was ever allocated: counts, bytes, sizes, by allocator and by location.

import { committedBytes } from '../decode/committed.js';
import type { Consumer } from '../decode/consumer.js';
import { MAP_OP } from '../format/constants.js';
import type { MapRecord } from '../format/records.js';
import {
  ALLOCATOR_MMAP,
  ALLOCATOR_MPROTECT,
  ALLOCATOR_MREMAP,
  ALLOCATOR_NAMES,
  type Profile,
} from '../model/profile.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';
import { SizeCounts } from './size-counts.js';

const BYTES = 0;
const COUNT = 1;
const NO_THREAD = 0;

/** Map operations that can hand memory to the program. */
const ALLOCATOR_OF_OP = new Map<number, number>([
  [MAP_OP.mmap, ALLOCATOR_MMAP],
  [MAP_OP.mremap, ALLOCATOR_MREMAP],
  [MAP_OP.mprotect, ALLOCATOR_MPROTECT],
]);

/**
 * An allocation is a call that gave the program memory: one of malloc's family, or a call that committed pages (then its size
 * is what it committed). Reserving address space and mapping files are not allocations.
 */
export class TotalsAggregator implements Consumer {
  readonly #locations = new LocationTable();
  readonly #sizes = new SizeCounts();
  readonly #countByAllocator = new Float64Array(ALLOCATOR_NAMES.length);
  readonly #bytesByAllocator = new Float64Array(ALLOCATOR_NAMES.length);

  onAlloc(stack: number, size: number, allocator: number, thread: number): void {
    this.#add(stack, size, allocator, thread);
  }

  onMap(map: MapRecord): void {
    const allocator = ALLOCATOR_OF_OP.get(map.op);
    const committed = committedBytes(map);
    if (allocator !== undefined && committed > 0) {
      this.#add(map.stack, committed, allocator, NO_THREAD);
    }
  }

  get allocations(): number {
    return this.#countByAllocator.reduce((sum, count) => sum + count, 0);
  }

  get bytes(): number {
    return this.#bytesByAllocator.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Allocators that were used, the most used first. */
  byAllocator(): { allocator: string; count: number; bytes: number }[] {
    const used = ALLOCATOR_NAMES.map((allocator, index) => ({
      allocator,
      count: this.#countByAllocator[index] as number,
      bytes: this.#bytesByAllocator[index] as number,
    })).filter((entry) => entry.count > 0);
    return used.sort((a, b) => b.count - a.count);
  }

  sizes(): [size: number, count: number][] {
    return this.#sizes.entries();
  }

  allocated(): Profile {
    const rows = this.#locations.rows(BYTES, COUNT);
    return { kind: 'allocated', rows, ...profileTotals(rows) };
  }

  #add(stack: number, size: number, allocator: number, thread: number): void {
    const at = this.#locations.locate(stack, locationKey(thread, allocator));
    const slots = this.#locations.slots;
    slots[at + BYTES] = (slots[at + BYTES] as number) + size;
    slots[at + COUNT] = (slots[at + COUNT] as number) + 1;
    this.#sizes.add(size);
    this.#countByAllocator[allocator] = (this.#countByAllocator[allocator] as number) + 1;
    this.#bytesByAllocator[allocator] = (this.#bytesByAllocator[allocator] as number) + size;
  }
}
