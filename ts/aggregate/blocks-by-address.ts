// SPDX-License-Identifier: MIT
// Live blocks, asked for by where they lie. As of one moment: valid until the next event.

import type { CaptureStart } from '../decode/consumer.js';

export class BlocksByAddress {
  readonly #capture: CaptureStart;
  #wasAsked = false;
  #sorted: { readonly addresses: Float64Array; readonly ids: ReadonlyMap<number, number> } | null =
    null;

  constructor(capture: CaptureStart) {
    this.#capture = capture;
  }

  /** Of all of them, as requested. */
  get bytes(): number {
    let sum = 0;
    for (const id of this.#all()) sum += this.#capture.blocks.size(id);
    return sum;
  }

  /** Ids of blocks among which are those that lie there. */
  near(begin: number, end: number): Iterable<number> {
    // Most ask once, which is not worth sorting.
    if (!this.#wasAsked) {
      this.#wasAsked = true;
      return this.#all();
    }
    this.#sorted ??= this.#sort();
    return idsNear(this.#sorted.addresses, this.#sorted.ids, begin, end);
  }

  *#all(): Generator<number> {
    const { blocks } = this.#capture;
    for (let id = 1; id < blocks.capacity; id++) if (blocks.isLive(id)) yield id;
  }

  #sort() {
    const ids = new Map<number, number>();
    for (const id of this.#all()) ids.set(this.#capture.address(id), id);
    return { addresses: Float64Array.from(ids.keys()).sort(), ids };
  }
}

function* idsNear(
  addresses: Float64Array,
  ids: ReadonlyMap<number, number>,
  begin: number,
  end: number,
): Generator<number> {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((addresses[middle] as number) < begin) low = middle + 1;
    else high = middle;
  }
  // The one before may reach into it.
  for (let i = Math.max(0, low - 1); i < addresses.length; i++) {
    const address = addresses[i] as number;
    if (address >= end) return;
    yield ids.get(address) as number;
  }
}
