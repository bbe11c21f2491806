// SPDX-License-Identifier: MIT
// Committed pages by who mapped them and in which slice of time.

import { committedDeltas } from '../decode/committed.js';
import { IntervalMap } from '../decode/interval-map.js';
import { MEMORY_CLASS } from '../format/constants.js';
import type { MapDelta, MapRecord } from '../format/records.js';

/** What one call committed and is still there. */
interface Birth {
  readonly stack: number;
  slice: number;
  bytes: number;
  ranges: number;
}

type Visit = (stack: number, born: number, bytes: number, ranges: number) => void;

/**
 * A record says how much its call changed for each stack, not whose pages these were when a stack has mapped several times. So the
 * calls are done again on addresses, each as an owner of its own. Where that comes to something else than the record says, because
 * mappings are older than the recording, the record is right.
 */
export class MappedPages {
  readonly #map = new IntervalMap();
  /** By owner; nobody is 0. */
  readonly #births: Birth[] = [{ stack: 0, slice: 0, bytes: 0, ranges: 0 }];

  /** Calls back with what went. */
  change(map: MapRecord, slice: number, gone: Visit): void {
    const owner = map.stack === 0 ? 0 : this.#born(map.stack, slice);
    const owned = map.deltas.map((delta) =>
      delta.stack === map.stack ? { ...delta, stack: owner } : delta,
    );
    const changes = this.#map.replay({ ...map, stack: owner, deltas: owned });
    const differs = new Map(committedDeltas(map).map(({ stack, bytes }) => [stack, bytes]));
    for (const { stack: which, bytes, ranges } of committed(changes)) {
      const birth = this.#births[which] as Birth;
      birth.bytes += bytes;
      birth.ranges += ranges;
      if (bytes < 0) gone(birth.stack, birth.slice, -bytes, -ranges);
      differs.set(birth.stack, (differs.get(birth.stack) ?? 0) - bytes);
    }
    for (const [stack, bytes] of differs) {
      if (bytes > 0) {
        const birth = this.#births[this.#born(stack, slice)] as Birth;
        birth.bytes = bytes;
        birth.ranges = 1;
      } else if (bytes < 0) this.#lose(stack, -bytes, gone);
    }
  }

  /** What is committed now. */
  visit(call: Visit): void {
    for (const { stack, slice, bytes, ranges } of this.#births) {
      if (bytes !== 0 || ranges !== 0) call(stack, slice, bytes, ranges);
    }
  }

  mergeSlices(to: Int32Array): void {
    for (const birth of this.#births) birth.slice = to[birth.slice] ?? 0;
  }

  #born(stack: number, slice: number): number {
    return this.#births.push({ stack, slice, bytes: 0, ranges: 0 }) - 1;
  }

  /** The oldest first: it is the old ones that were not seen. */
  #lose(stack: number, bytes: number, gone: Visit): void {
    let rest = bytes;
    for (const birth of this.#births) {
      if (birth.stack !== stack || birth.bytes <= 0) continue;
      const part = Math.min(rest, birth.bytes);
      const ranges = part === birth.bytes ? birth.ranges : 0;
      birth.bytes -= part;
      birth.ranges -= ranges;
      rest -= part;
      gone(stack, birth.slice, part, ranges);
      if (rest === 0) return;
    }
  }
}

const committed = (deltas: readonly MapDelta[]): MapDelta[] =>
  deltas.filter((delta) => delta.class === MEMORY_CLASS.committed);
