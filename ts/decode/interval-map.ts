// SPDX-License-Identifier: MIT
// Who owns which pages: docs/format.md F-21, as cpp/track/map_ledger.cc applies it. A capture's own map
// records carry their deltas: this is for recovery, and for telling which pages went.

import { MAP_OP, MEMORY_CLASS, UP_TO_HOLE } from '../format/constants.js';
import type { MapDelta, MapRecord } from '../format/records.js';

const PAGE_BYTES = 4096;
const CODE_ARENA_BYTES = 64 * 1024 * 1024;
const WRITE_AND_EXECUTE = 6;
const MAP_ANONYMOUS = 0x20;
const MAP_ANONYMOUS_DARWIN = 0x1000;

interface Interval {
  start: number;
  end: number;
  /** 0: nobody's, not counted. */
  stack: number;
  class: number;
  file: boolean;
}

type MapCall = Omit<MapRecord, 'deltas' | 'timeNs'>;

const pageUp = (length: number): number => Math.ceil(length / PAGE_BYTES) * PAGE_BYTES;

const classOf = (prot: number, length: number, file: boolean): number => {
  if (file) return MEMORY_CLASS.file;
  const codeArena = length >= CODE_ARENA_BYTES && (prot & WRITE_AND_EXECUTE) === WRITE_AND_EXECUTE;
  return prot === 0 || codeArena ? MEMORY_CLASS.reserved : MEMORY_CLASS.committed;
};

export class IntervalMap {
  /** Of the recorded process; not known before its metadata was read. */
  readonly #isDarwin: () => boolean;
  /** Sorted, no overlaps. */
  readonly #intervals: Interval[] = [];
  #deltas: { class: number; stack: number; bytes: number; ranges: number }[] = [];

  constructor(isDarwin: () => boolean = () => false) {
    this.#isDarwin = isDarwin;
  }

  /** Applies a call that succeeded; returns what it changed, per class and owner. */
  apply(call: MapCall): MapDelta[] {
    this.#deltas = [];
    this.#change(call);
    return this.#changes();
  }

  #change(call: MapCall): void {
    const end = call.address + pageUp(call.length);
    switch (call.op) {
      case MAP_OP.mmap: {
        const anonymous = this.#isDarwin() ? MAP_ANONYMOUS_DARWIN : MAP_ANONYMOUS;
        const file = (call.flags & anonymous) === 0;
        this.#remove(call.address, end);
        const { address: start, stack, prot } = call;
        this.#add({ start, end, stack, class: classOf(prot, end - start, file), file });
        break;
      }
      case MAP_OP.munmap:
        this.#remove(call.address, end);
        break;
      case MAP_OP.mremap:
        this.#remap(call);
        break;
      case MAP_OP.mprotect:
        this.#protect(
          call.address,
          call.flags === UP_TO_HOLE ? this.#firstHole(call.address, end) : end,
          call.prot,
          call.stack,
        );
        break;
      default: // Advice changes what is resident, not what is committed.
    }
  }

  #changes(): MapDelta[] {
    return this.#deltas.filter((delta) => delta.bytes !== 0 || delta.ranges !== 0);
  }

  /**
   * Applies a call whose deltas the writer recorded. The writer also knew the mappings from before the start; where it
   * counted a whole mprotect that is news here, they are learned. Returns what changed here.
   */
  replay(map: MapRecord): MapDelta[] {
    const own = this.apply(map);
    if (map.op !== MAP_OP.mprotect) return own;
    const length = pageUp(map.length);
    const committed = (deltas: readonly MapDelta[]): number =>
      deltas
        .filter((d) => d.class === MEMORY_CLASS.committed && d.stack === map.stack)
        .reduce((sum, d) => sum + d.bytes, 0);
    if (committed(own) === length || committed(map.deltas) !== length) return own;
    const start = map.address;
    this.#remove(start, start + length);
    const owned = { stack: map.stack, class: MEMORY_CLASS.committed, file: false };
    this.#add({ start, end: start + length, ...owned });
    return this.#changes();
  }

  /** Index of the first interval that ends after `address`. */
  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#intervals[middle] as Interval).end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Makes `address` a boundary between intervals. */
  #split(address: number): void {
    const index = this.#firstEndingAfter(address);
    const interval = this.#intervals[index];
    if (!interval || interval.start >= address) return;
    this.#intervals.splice(index + 1, 0, { ...interval, start: address });
    interval.end = address;
    this.#addDelta(interval, 0, 1);
  }

  /** The end of the run of mappings that starts at `start`, at most `end`. */
  #firstHole(start: number, end: number): number {
    let reached = start;
    for (let i = this.#firstEndingAfter(start); i < this.#intervals.length; i++) {
      const interval = this.#intervals[i] as Interval;
      if (interval.start > reached || reached >= end) break;
      reached = interval.end;
    }
    return Math.min(reached, end);
  }

  #count(interval: Interval, sign: 1 | -1): void {
    this.#addDelta(interval, sign * (interval.end - interval.start), sign);
  }

  #addDelta(interval: Interval, bytes: number, ranges: number): void {
    if (interval.stack === 0) return;
    const known = this.#deltas.find(
      (delta) => delta.stack === interval.stack && delta.class === interval.class,
    );
    if (known) {
      known.bytes += bytes;
      known.ranges += ranges;
    } else {
      const { class: memoryClass, stack } = interval;
      this.#deltas.push({ class: memoryClass, stack, bytes, ranges });
    }
  }

  #remove(start: number, end: number): void {
    this.#split(start);
    this.#split(end);
    const from = this.#firstEndingAfter(start);
    let to = from;
    for (; (this.#intervals[to]?.start ?? end) < end; to++) {
      this.#count(this.#intervals[to] as Interval, -1);
    }
    this.#intervals.splice(from, to - from);
  }

  #add(interval: Interval): void {
    if (interval.end <= interval.start) return;
    this.#count(interval, 1);
    const index = this.#firstEndingAfter(interval.start);
    const before = this.#intervals[index - 1];
    const alike =
      before?.end === interval.start &&
      before.stack === interval.stack &&
      before.class === interval.class &&
      before.file === interval.file;
    if (alike) {
      before.end = interval.end;
      this.#addDelta(interval, 0, -1);
    } else {
      this.#intervals.splice(index, 0, interval);
    }
  }

  #protect(start: number, end: number, prot: number, stack: number): void {
    this.#split(start);
    this.#split(end);
    for (let i = this.#firstEndingAfter(start); i < this.#intervals.length; i++) {
      const interval = this.#intervals[i] as Interval;
      if (interval.start >= end) return;
      const after = classOf(prot, end - start, interval.file);
      if (after === interval.class) continue;
      this.#count(interval, -1);
      // Who makes pages usable takes the memory; who closes them keeps the reservation.
      if (after === MEMORY_CLASS.committed) interval.stack = stack;
      interval.class = after;
      this.#count(interval, 1);
    }
  }

  /** §5.2: mremap's new address and length stand in prot and flags. */
  #remap(call: MapCall): void {
    const { address: oldStart, prot: newStart } = call;
    const oldLength = pageUp(call.length);
    const newLength = pageUp(call.flags);
    this.#split(oldStart);
    const found = this.#intervals[this.#firstEndingAfter(oldStart)];
    const unknown = { stack: 0, class: MEMORY_CLASS.committed, file: false };
    const { stack, class: memoryClass, file } = found?.start === oldStart ? found : unknown;
    const kept = Math.min(oldLength, newLength);
    this.#remove(oldStart, oldStart + oldLength);
    this.#remove(newStart, newStart + newLength);
    this.#add({ start: newStart, end: newStart + kept, stack, class: memoryClass, file });
    const grown = { stack: call.stack, class: memoryClass, file };
    this.#add({ start: newStart + kept, end: newStart + newLength, ...grown });
  }
}
