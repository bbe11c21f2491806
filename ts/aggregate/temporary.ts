// SPDX-License-Identifier: MIT
// Blocks that were freed after at most `threshold` further allocations of the thread that made them.

import type { Consumer } from '../decode/consumer.js';
import type { Profile } from '../model/profile.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';

const BYTES = 0;
const COUNT = 1;

/**
 * One counter per thread and its value per address, so that a free on whatever thread costs a subtraction. Memory
 * grows with distinct addresses. Mappings have no address id and cannot be temporary.
 */
export class TemporaryAggregator implements Consumer {
  readonly #threshold: number;
  readonly #locations = new LocationTable();
  #allocations = new Float64Array(64);
  #bornAt = new Float64Array(4096);

  constructor(threshold: number) {
    if (!Number.isInteger(threshold) || threshold < 0) {
      throw new RangeError(`Expected a whole number of allocations, 0 or more, got ${threshold}`);
    }
    this.#threshold = threshold;
  }

  onAlloc(
    _stack: number,
    _size: number,
    _allocator: number,
    thread: number,
    addressId: number,
  ): void {
    if (thread >= this.#allocations.length) this.#allocations = enlarged(this.#allocations, thread);
    if (addressId >= this.#bornAt.length) this.#bornAt = enlarged(this.#bornAt, addressId);
    const born = (this.#allocations[thread] as number) + 1;
    this.#allocations[thread] = born;
    this.#bornAt[addressId] = born;
  }

  onFree(stack: number, size: number, allocator: number, thread: number, addressId: number): void {
    const since = (this.#allocations[thread] as number) - (this.#bornAt[addressId] as number);
    if (since > this.#threshold) return;
    const at = this.#locations.locate(stack, locationKey(thread, allocator));
    const slots = this.#locations.slots;
    slots[at + BYTES] = (slots[at + BYTES] as number) + size;
    slots[at + COUNT] = (slots[at + COUNT] as number) + 1;
  }

  temporary(): Profile {
    const rows = this.#locations.rows(BYTES, COUNT);
    return { kind: 'temporary', rows, ...profileTotals(rows) };
  }
}

function enlarged(from: Float64Array, index: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(Math.max(from.length * 2, index + 1));
  to.set(from);
  return to;
}
