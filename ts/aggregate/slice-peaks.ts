// SPDX-License-Identifier: MIT
// The heap at its highest moment in each slice of time, by location: memory grows with locations and their changes.

import { committedDeltas } from '../decode/committed.js';
import type { Consumer } from '../decode/consumer.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import { mergedChanges, type Slices, type SnapshotChanges, winners } from '../model/time-slices.js';
import { grownTo } from './grown.js';
import { type Locations, LocationTable, locationKey, SLOTS } from './location-table.js';
import { MAPPING_KEY } from './mappings.js';
import { SliceClock, type Sliced } from './slice-clock.js';

const LIVE_BYTES = 0;
const LIVE_COUNT = 1;
const PEAK_BYTES = 2;
const PEAK_COUNT = 3;
const STATE = 4;

/** Its live numbers are no longer those of the slice's peak. */
const MOVED = 1;
/** Its numbers at the slice's peak may differ from those at the peak before. */
const CHANGED = 2;

/** More, and the slices become longer. */
const MAX_CHANGES = 2_000_000;

export interface PeakSlices {
  readonly kind: 'peak';
  readonly slices: Slices;
  /** Of each slice: the highest heap, and when. */
  readonly peaks: readonly number[];
  readonly peakTimesNs: readonly number[];
  readonly locations: Locations;
  readonly changes: SnapshotChanges;
}

/**
 * Each location has its live numbers and those at the highest moment of the slice so far. At a new highest moment only locations that
 * moved since the last one are brought up to date: each event is paid for once, and nothing is copied.
 */
export class SlicePeaks implements Consumer, Sliced {
  readonly #clock = new SliceClock(this);
  readonly #locations = new LocationTable();
  #moved: number[] = [];
  #changed: number[] = [];
  /** By location, as of the latest closed slice. */
  #told = new Float64Array(2048);
  #heap = 0;
  #peak = 0;
  #peakTimeNs = 0;
  #peaks: number[] = [];
  #peakTimesNs: number[] = [];
  #changes: SnapshotChanges = { slice: [], place: [], bytes: [], count: [] };
  readonly #maxChanges: number;

  #finished: PeakSlices | undefined;

  constructor(maxChanges = MAX_CHANGES) {
    this.#maxChanges = maxChanges;
  }

  onTime(timeNs: number): void {
    this.#clock.advance(timeNs);
  }

  onAlloc(stack: number, size: number, allocator: number, thread: number): void {
    this.#change(stack, locationKey(thread, allocator), size, 1);
    this.#settle();
  }

  onFree(stack: number, size: number, allocator: number, thread: number): void {
    this.#change(stack, locationKey(thread, allocator), -size, -1);
    this.#settle();
  }

  onMap(map: MapRecord): void {
    for (const { stack, bytes, ranges } of committedDeltas(map)) {
      this.#change(stack, MAPPING_KEY, bytes, ranges);
    }
    this.#settle();
  }

  onMark({ name }: MarkRecord): void {
    if (name === EXIT_MARK) this.#clock.exit();
  }

  /** After the last event. */
  finish(): PeakSlices {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  #finish(): PeakSlices {
    const slices = this.#clock.finish();
    return {
      kind: 'peak',
      slices,
      peaks: this.#peaks,
      peakTimesNs: this.#peakTimesNs,
      locations: this.#locations.columns(),
      changes: this.#changes,
    };
  }

  closeSlice(slice: number, atNs: number): boolean {
    const { slots } = this.#locations;
    const changes = this.#changes;
    if (this.#told.length < this.#locations.size * 2 + 2) {
      this.#told = grownTo(this.#told, this.#locations.size * 2 + 1);
    }
    const told = this.#told;
    for (const at of this.#changed) {
      slots[at + STATE] = (slots[at + STATE] as number) & ~CHANGED;
      const place = at / SLOTS - 1;
      const bytes = (slots[at + PEAK_BYTES] as number) - (told[place * 2] as number);
      const count = (slots[at + PEAK_COUNT] as number) - (told[place * 2 + 1] as number);
      if (bytes === 0 && count === 0) continue;
      told[place * 2] = slots[at + PEAK_BYTES] as number;
      told[place * 2 + 1] = slots[at + PEAK_COUNT] as number;
      changes.slice.push(slice);
      changes.place.push(place);
      changes.bytes.push(bytes);
      changes.count.push(count);
    }
    this.#changed = [];
    this.#peaks.push(this.#peak);
    this.#peakTimesNs.push(this.#peakTimeNs);
    // The next slice begins with what is live now.
    this.#take(atNs);
    return changes.slice.length > this.#maxChanges;
  }

  mergeSlices(to: Int32Array): void {
    const winner = winners(this.#peaks, to);
    this.#changes = mergedChanges(this.#changes, winner);
    this.#peaks = winner.map((slice) => this.#peaks[slice] as number);
    this.#peakTimesNs = winner.map((slice) => this.#peakTimesNs[slice] as number);
  }

  #change(stack: number, key: number, bytes: number, count: number): void {
    const at = this.#locations.locate(stack, key);
    const { slots } = this.#locations;
    slots[at + LIVE_BYTES] = (slots[at + LIVE_BYTES] as number) + bytes;
    slots[at + LIVE_COUNT] = (slots[at + LIVE_COUNT] as number) + count;
    this.#heap += bytes;
    const state = slots[at + STATE] as number;
    if ((state & MOVED) !== 0) return;
    slots[at + STATE] = state | MOVED;
    this.#moved.push(at);
  }

  /** Of equal moments the last is the peak. */
  #settle(): void {
    if (this.#heap >= this.#peak) this.#take(this.#clock.nowNs);
  }

  #take(timeNs: number): void {
    const { slots } = this.#locations;
    for (const at of this.#moved) {
      const state = slots[at + STATE] as number;
      slots[at + PEAK_BYTES] = slots[at + LIVE_BYTES] as number;
      slots[at + PEAK_COUNT] = slots[at + LIVE_COUNT] as number;
      if ((state & CHANGED) === 0) this.#changed.push(at);
      slots[at + STATE] = CHANGED;
    }
    this.#moved.length = 0;
    this.#peak = this.#heap;
    this.#peakTimeNs = timeNs;
  }
}
