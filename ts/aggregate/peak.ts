// SPDX-License-Identifier: MIT
// The heap at its highest moment, by location, in one pass and without keeping events.

import type { RecordConsumer } from '../decode/consumer.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import type { Profile } from '../model/profile.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';
import { committedDeltas, MAPPING_KEY } from './mappings.js';

// What a location knows: its live bytes and blocks now, those at the peak numbered SAVED_FOR, and that number.
const BYTES = 0;
const COUNT = 1;
const PEAK_BYTES = 2;
const PEAK_COUNT = 3;
const SAVED_FOR = 4;

const NEVER = -1;

/**
 * Copying every location at each new peak would cost events × locations. Instead peaks are numbered, and a location saves its
 * numbers when it first changes after a peak; one that has not changed since then still holds the peak's numbers.
 */
export class PeakAggregator implements RecordConsumer {
  readonly #locations = new LocationTable([0, 0, 0, 0, NEVER]);
  #heap = 0;
  #peak = 0;
  #peakNumber = 0;
  #peakTimeNs = 0;
  #peakEvent = 0;
  #nowNs = 0;
  #events = 0;
  #atExit: Profile | null = null;
  #exitTimeNs: number | null = null;

  onTime(timeNs: number): void {
    this.#nowNs = timeNs;
  }

  onAlloc(stack: number, size: number, allocator: number, thread: number): void {
    this.#change(stack, locationKey(thread, allocator), size, 1);
    this.#settle();
  }

  onFree(stack: number, size: number, allocator: number, thread: number): void {
    this.#change(stack, locationKey(thread, allocator), -size, -1);
    // A peak is a highest moment; only a free of nothing can end at one.
    this.#settle();
  }

  onMap(map: MapRecord): void {
    for (const delta of committedDeltas(map)) {
      this.#change(delta.stack, MAPPING_KEY, delta.bytes, delta.ranges);
    }
    this.#settle();
  }

  onMark(mark: MarkRecord): void {
    if (mark.name !== EXIT_MARK) return;
    this.#atExit = this.live();
    this.#exitTimeNs = mark.timeNs;
  }

  /** The free that ends the earlier block follows, but the log holds no record of it. */
  onMissedFree(): void {
    this.#events--;
  }

  /** A record all the same. */
  onUnknownFree(): void {
    this.#events++;
  }

  /** Highest heap, in bytes. */
  get peakBytes(): number {
    return this.#peak;
  }

  get peakTimeNs(): number {
    return this.#peakTimeNs;
  }

  /** How many alloc, free and map records came up to the peak, the one that made it included. */
  get peakEvent(): number {
    return this.#peakEvent;
  }

  get heapBytes(): number {
    return this.#heap;
  }

  peak(): Profile {
    const slots = this.#locations.slots;
    this.#locations.forEach((at) => {
      if (slots[at + SAVED_FOR] === this.#peakNumber) return;
      slots[at + SAVED_FOR] = this.#peakNumber;
      slots[at + PEAK_BYTES] = slots[at + BYTES] as number;
      slots[at + PEAK_COUNT] = slots[at + COUNT] as number;
    });
    const rows = this.#locations.rows(PEAK_BYTES, PEAK_COUNT);
    return { kind: 'peak', rows, ...profileTotals(rows) };
  }

  /** What is live now. */
  live(): Profile {
    const rows = this.#locations.rows(BYTES, COUNT);
    return { kind: 'leaked', rows, ...profileTotals(rows) };
  }

  /** What leaked: is live when the program exits, before Node.js frees it; else after the last event. */
  leaked(): Profile {
    return this.#atExit ?? this.live();
  }

  /** When the program exited, as Node.js sees it; null when it did not. */
  get exitTimeNs(): number | null {
    return this.#exitTimeNs;
  }

  #change(stack: number, key: number, bytes: number, count: number): void {
    const at = this.#locations.locate(stack, key);
    const slots = this.#locations.slots;
    const peakNumber = this.#peakNumber;
    const liveBytes = slots[at + BYTES] as number;
    const liveCount = slots[at + COUNT] as number;
    if (slots[at + SAVED_FOR] !== peakNumber) {
      slots[at + SAVED_FOR] = peakNumber;
      slots[at + PEAK_BYTES] = liveBytes;
      slots[at + PEAK_COUNT] = liveCount;
    }
    slots[at + BYTES] = liveBytes + bytes;
    slots[at + COUNT] = liveCount + count;
    this.#heap += bytes;
  }

  /** Ties go to the last moment, as the glossary says. */
  #settle(): void {
    this.#events++;
    if (this.#heap < this.#peak) return;
    this.#peak = this.#heap;
    this.#peakNumber++;
    this.#peakTimeNs = this.#nowNs;
    this.#peakEvent = this.#events;
  }
}
