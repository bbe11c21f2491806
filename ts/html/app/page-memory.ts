// SPDX-License-Identifier: MIT
// What nodes hold themselves, read from the page: see `packMemory`. Typed arrays: there may be a million places.

import type { PackedMemory } from '../memory.js';
import type { PageSlices } from '../page-data.js';
import { NumberReader } from '../tree-codec.js';
import { peakSlice } from './time-range.js';

/** By place. */
export interface Amounts {
  readonly bytes: Float64Array;
  readonly count: Float64Array;
}

export interface PageMemory {
  readonly node: Uint32Array;
  readonly group: Uint32Array;
  /** In a range of slices; where there are none, always the same. */
  between(from: number, to: number): Amounts;
}

export function unpackMemory(packed: PackedMemory, slices: PageSlices | undefined): PageMemory {
  const reader = new NumberReader(packed.data);
  const node = new Uint32Array(packed.places);
  const group = new Uint32Array(packed.places);
  let last = 0;
  const place = (index: number) => {
    last += reader.next();
    node[index] = last;
    group[index] = reader.next();
  };
  if (packed.kind === 'held') {
    const bytes = new Float64Array(packed.places);
    const count = new Float64Array(packed.places);
    for (let i = 0; i < packed.places; i++) {
      place(i);
      bytes[i] = reader.next();
      count[i] = reader.next();
    }
    return { node, group, between: () => ({ bytes, count }) };
  }
  const items = new Items(packed.items);
  for (let i = 0; i < packed.places; i++) {
    place(i);
    items.read(i, reader, packed.kind === 'leaked');
  }
  const between =
    packed.kind === 'leaked'
      ? (from: number, to: number) => items.leaked(packed.places, from, to)
      : (from: number, to: number) =>
          items.upTo(packed.places, peakSlice(slices?.peakBytes ?? [], from, to));
  return { node, group, between };
}

/** Changes or lives of all places. */
class Items {
  readonly #place: Uint32Array;
  readonly #slice: Uint16Array;
  readonly #length: Uint16Array;
  readonly #bytes: Float64Array;
  readonly #count: Float64Array;
  #size = 0;

  constructor(size: number) {
    this.#place = new Uint32Array(size);
    this.#slice = new Uint16Array(size);
    this.#length = new Uint16Array(size);
    this.#bytes = new Float64Array(size);
    this.#count = new Float64Array(size);
  }

  read(place: number, reader: NumberReader, hasLength: boolean): void {
    let slice = 0;
    for (let left = reader.next(); left > 0; left--) {
      const at = this.#size++;
      slice += reader.next();
      this.#place[at] = place;
      this.#slice[at] = slice;
      if (hasLength) this.#length[at] = reader.next();
      this.#bytes[at] = reader.nextSigned();
      this.#count[at] = reader.nextSigned();
    }
  }

  /** The changes of this slice and all before it. */
  upTo(places: number, slice: number): Amounts {
    return this.#sum(places, (at) => (this.#slice[at] as number) <= slice);
  }

  /** Born in the range and live at its end. */
  leaked(places: number, from: number, to: number): Amounts {
    return this.#sum(places, (at) => {
      const born = this.#slice[at] as number;
      const length = this.#length[at] as number;
      return born >= from && born < to && (length === 0 || born + length >= to);
    });
  }

  #sum(places: number, counts: (at: number) => boolean): Amounts {
    const sums = { bytes: new Float64Array(places), count: new Float64Array(places) };
    for (let at = 0; at < this.#size; at++) {
      if (!counts(at)) continue;
      const place = this.#place[at] as number;
      sums.bytes[place] = (sums.bytes[place] as number) + (this.#bytes[at] as number);
      sums.count[place] = (sums.count[place] as number) + (this.#count[at] as number);
    }
    return sums;
  }
}
