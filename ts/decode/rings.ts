// SPDX-License-Identifier: MIT
// Recovery (docs/format.md F-15 to F-20): the events that a killed process left in its rings, after those in its capture.

import { FRAME_KIND, RING_KIND } from '../format/constants.js';
import { AddressIndex } from './address-index.js';
import type { BlockDecoder } from './block-decoder.js';
import type { IntervalMap } from './interval-map.js';
import type { RingCursor, RingsFile } from './rings-file.js';

export const LOST_STACK_LABEL = '(stack lost)';
const NS_PER_SECOND = 1e9;

/** What recovery added; the capture's counts include it. */
export interface RingsRecovered {
  /** Threads whose rings held something. */
  rings: number;
  allocations: number;
  frees: number;
  foreignFrees: number;
  maps: number;
  /** Definitions that only the writer could have understood (F-17). */
  skippedRecords: number;
  /** Events whose stack was defined in such a record; they carry the stack LOST_STACK_LABEL. */
  lostStacks: number;
  bytesDropped: number;
}

export async function recoverRings(
  file: RingsFile,
  decoder: BlockDecoder,
  mappings: IntervalMap,
): Promise<RingsRecovered> {
  const cursors = await file.cursors(decoder.long.ringTails);
  return new Recovery(decoder, mappings, file.header.ticksPerSecond).run(cursors);
}

class Recovery {
  readonly #decoder: BlockDecoder;
  readonly #mappings: IntervalMap;
  readonly #nsPerTick: number;
  readonly #ids = new AddressIndex();
  readonly #result: RingsRecovered = {
    rings: 0,
    allocations: 0,
    frees: 0,
    foreignFrees: 0,
    maps: 0,
    skippedRecords: 0,
    lostStacks: 0,
    bytesDropped: 0,
  };
  #lostStack = 0;

  constructor(decoder: BlockDecoder, mappings: IntervalMap, ticksPerSecond: number) {
    this.#decoder = decoder;
    this.#mappings = mappings;
    this.#nsPerTick = ticksPerSecond > 0 ? NS_PER_SECOND / ticksPerSecond : 0;
    const { live, tables } = decoder;
    for (let id = 1; id < tables.next.address; id++) {
      if (live.isLive(id)) this.#ids.set(decoder.address(id), id);
    }
  }

  run(cursors: readonly RingCursor[]): RingsRecovered {
    this.#result.rings = cursors.length;
    for (let cursor = earliest(cursors); cursor; cursor = earliest(cursors)) {
      this.#event(cursor);
      cursor.next();
    }
    for (const cursor of cursors) this.#result.bytesDropped += cursor.bytesDropped;
    return this.#result;
  }

  #event(cursor: RingCursor): void {
    this.#decoder.setTime(Math.round(cursor.stamp * this.#nsPerTick));
    switch (cursor.kind) {
      case RING_KIND.free:
        this.#free(cursor.address);
        break;
      case RING_KIND.alloc:
        this.#alloc(cursor);
        break;
      case RING_KIND.map:
        this.#map(cursor);
        break;
      default:
        this.#result.skippedRecords++;
    }
  }

  #free(address: number): void {
    const id = this.#ids.get(address);
    if (id !== undefined && this.#decoder.free(id)) {
      this.#result.frees++;
    } else {
      this.#result.foreignFrees++;
      this.#decoder.foreignFree();
    }
  }

  #alloc(cursor: RingCursor): void {
    const { address } = cursor;
    let id = this.#ids.get(address);
    if (id === undefined) {
      id = this.#decoder.newAddress(address);
      this.#ids.set(address, id);
    }
    this.#result.allocations++;
    this.#decoder.setThread(cursor.thread);
    const stack = this.#stack(cursor);
    this.#decoder.alloc(id, stack, cursor.word(2), cursor.detail & 7, cursor.thread);
  }

  #map(cursor: RingCursor): void {
    const call = {
      op: cursor.detail,
      address: cursor.word(2),
      length: cursor.word(3),
      prot: cursor.word(4),
      flags: cursor.word(5),
      stack: this.#stack(cursor),
    };
    this.#result.maps++;
    const { timeNs, long } = this.#decoder;
    long.map({ timeNs, ...call, deltas: this.#mappings.apply(call) });
  }

  #stack(cursor: RingCursor): number {
    const number = cursor.ringStack;
    if (number === 0) return 0;
    const stack = this.#decoder.long.ringStacks.get(cursor.thread)?.get(number);
    if (stack !== undefined) return stack;
    this.#result.lostStacks++;
    if (this.#lostStack === 0) this.#lostStack = this.#defineLostStack();
    return this.#lostStack;
  }

  #defineLostStack(): number {
    const { tables } = this.#decoder;
    const label = tables.addString(LOST_STACK_LABEL);
    const frame = tables.addFrame(FRAME_KIND.label, label, 0, 0, 0);
    return tables.addStack(tables.addNode(0, frame), 0);
  }
}

/** The ring whose next record comes first (F-16); null when all are empty. */
function earliest(cursors: readonly RingCursor[]): RingCursor | null {
  let first: RingCursor | null = null;
  for (const cursor of cursors) {
    if (cursor.done) continue;
    const tie = first !== null && cursor.stamp === first.stamp;
    if (first === null || cursor.stamp < first.stamp || (tie && cursor.kind < first.kind)) {
      first = cursor;
    }
  }
  return first;
}
