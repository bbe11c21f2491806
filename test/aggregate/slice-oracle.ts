// SPDX-License-Identifier: MIT
// Keeps every event and every page, and answers by going through all of them: what slices must agree with.

import type { Consumer } from '../../ts/decode/consumer.js';
import { EXIT_MARK, MAP_OP, MEMORY_CLASS } from '../../ts/format/constants.js';
import type { MapRecord, MarkRecord } from '../../ts/format/records.js';
import { ALLOCATOR_MMAP } from '../../ts/model/profile.js';

const PAGE = 4096;

interface Held {
  readonly place: string;
  readonly bytes: number;
  readonly bornAt: number;
  diedAt: number;
}

/** `stack:thread:allocator` → bytes, blocks (of mappings: none). */
export type Sums = Map<string, [bytes: number, blocks: number]>;

/** Events are numbered; an edge of a slice is the number of the first event after it. */
export class SliceOracle implements Consumer {
  readonly #held: Held[] = [];
  readonly #blocks = new Map<number, Held>();
  readonly #pages = new Map<number, { stack: number; committed: boolean; held?: Held }>();
  readonly #times: number[] = [];
  readonly #exits: number[] = [];
  #nowNs = 0;

  onTime(timeNs: number): void {
    this.#nowNs = timeNs;
  }

  onAlloc(stack: number, size: number, allocator: number, thread: number, id: number): void {
    this.#blocks.set(id, this.#born(`${stack}:${thread}:${allocator}`, size));
    this.#event();
  }

  onFree(_stack: number, _size: number, _allocator: number, _thread: number, id: number): void {
    const held = this.#blocks.get(id);
    if (held === undefined) throw new Error(`${id} is not live`);
    held.diedAt = this.#times.length;
    this.#event();
  }

  /** Anonymous mmap, munmap and mprotect, page by page. */
  onMap(map: MapRecord): void {
    const pages = Math.ceil(map.length / PAGE);
    for (let i = 0; i < pages; i++) {
      const at = map.address + i * PAGE;
      const page = this.#pages.get(at);
      const end = () => {
        if (page?.held) page.held.diedAt = this.#times.length;
      };
      if (map.op === MAP_OP.munmap) {
        end();
        this.#pages.delete(at);
      } else if (map.op === MAP_OP.mmap) {
        end();
        this.#commit(at, map.stack, map.prot !== 0);
      } else if (page !== undefined && page.committed !== (map.prot !== 0)) {
        end();
        this.#commit(at, map.stack, map.prot !== 0);
      }
    }
    this.#event();
  }

  onMark({ name }: MarkRecord): void {
    if (name === EXIT_MARK) this.#exits.push(this.#times.length);
  }

  get exits(): readonly number[] {
    return this.#exits;
  }

  get events(): number {
    return this.#times.length;
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  /** The number of the first event at or after this time. */
  firstAt(timeNs: number): number {
    const found = this.#times.findIndex((time) => time >= timeNs);
    return found < 0 ? this.#times.length : found;
  }

  /** Allocated from event `from` on and before event `to`, and live then. */
  leaked(from: number, to: number): Sums {
    return sums(this.#held.filter((h) => h.bornAt >= from && h.bornAt < to && h.diedAt >= to));
  }

  /** What was live at the highest moment before event `to`, the state before event `from` included; of equal ones at the last. */
  peak(from: number, to: number): { bytes: number; live: Sums } {
    let best = { bytes: -1, at: from };
    for (let at = from; at <= to; at++) {
      let bytes = 0;
      for (const held of this.#held) if (held.bornAt < at && held.diedAt >= at) bytes += held.bytes;
      if (bytes >= best.bytes) best = { bytes, at };
    }
    const { at, bytes } = best;
    return { bytes, live: sums(this.#held.filter((h) => h.bornAt < at && h.diedAt >= at)) };
  }

  #commit(at: number, stack: number, committed: boolean): void {
    const place = `${stack}:0:${ALLOCATOR_MMAP}`;
    this.#pages.set(at, {
      stack,
      committed,
      ...(committed && { held: this.#born(place, PAGE) }),
    });
  }

  #born(place: string, bytes: number): Held {
    const held = { place, bytes, bornAt: this.#times.length, diedAt: Number.POSITIVE_INFINITY };
    this.#held.push(held);
    return held;
  }

  #event(): void {
    this.#times.push(this.#nowNs);
  }
}

function sums(held: readonly Held[]): Sums {
  const totals: Sums = new Map();
  for (const { place, bytes } of held) {
    const [sum, count] = totals.get(place) ?? [0, 0];
    const isPage = place.endsWith(`:${ALLOCATOR_MMAP}`);
    totals.set(place, [sum + bytes, count + (isPage ? 0 : 1)]);
  }
  return totals;
}

/** A map record as the writer makes it, deltas left to the reader. */
export function mapCall(
  op: 'mmap' | 'munmap' | 'mprotect',
  page: number,
  pages: number,
  prot: number,
  stack: number,
): Omit<MapRecord, 'deltas'> {
  const range = { address: 0x10000 + page * PAGE, length: pages * PAGE };
  return { timeNs: 0, op: MAP_OP[op], ...range, prot, flags: op === 'mmap' ? 0x22 : 0, stack };
}

export const COMMITTED = MEMORY_CLASS.committed;
