// SPDX-License-Identifier: MIT
// What was allocated in one slice of time and freed in a later one, or never. From that follows, for every two edges, what was
// allocated between them and is live at the second. Memory grows with locations, slices and live blocks, not with events.

import type { CaptureStart, Consumer } from '../decode/consumer.js';
import type { LiveBlocks } from '../decode/live-blocks.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import { type Lives, mergedLives, NEVER, type Slices } from '../model/time-slices.js';
import { type Locations, LocationTable, locationKey } from './location-table.js';
import { MappedPages } from './mapped-pages.js';
import { MAPPING_KEY } from './mappings.js';
import { SliceClock, type Sliced } from './slice-clock.js';

/** More, and the slices become longer. */
const MAX_LIVES = 2_000_000;
/** More than a SliceClock makes. */
const SLICE_UNIT = 2048;

export interface LeakSlices {
  readonly kind: 'leaked';
  readonly slices: Slices;
  readonly locations: Locations;
  readonly lives: Lives;
}

export class SliceLeaks implements Consumer, Sliced {
  readonly #clock = new SliceClock(this);
  readonly #locations = new LocationTable();
  readonly #maxLives: number;
  readonly #pages = new MappedPages();
  #blocks: LiveBlocks | null = null;
  /** By address id: the slice in which the block was allocated. */
  #born = new Uint16Array(4096);
  #lives: Lives = { place: [], born: [], died: [], bytes: [], count: [] };
  /** Of the open slice: where in `#lives` those of a location that were born in one slice are. */
  #died = new Map<number, number>();

  #finished: LeakSlices | undefined;

  constructor(maxLives = MAX_LIVES) {
    this.#maxLives = maxLives;
  }

  onStart({ blocks }: CaptureStart): void {
    this.#blocks = blocks;
  }

  onTime(timeNs: number): void {
    this.#clock.advance(timeNs);
  }

  onAlloc(_stack: number, _size: number, _allocator: number, _thread: number, id: number): void {
    if (id >= this.#born.length) {
      const born = new Uint16Array(Math.max(this.#born.length * 2, id + 1));
      born.set(this.#born);
      this.#born = born;
    }
    this.#born[id] = this.#clock.current;
  }

  onFree(stack: number, size: number, allocator: number, thread: number, id: number): void {
    const born = this.#born[id] as number;
    if (born !== this.#clock.current)
      this.#die(stack, locationKey(thread, allocator), born, size, 1);
  }

  onMap(map: MapRecord): void {
    this.#pages.change(map, this.#clock.current, (stack, born, bytes, ranges) => {
      if (born !== this.#clock.current) this.#die(stack, MAPPING_KEY, born, bytes, ranges);
    });
  }

  onMark({ name }: MarkRecord): void {
    if (name === EXIT_MARK) this.#clock.exit();
  }

  /** After the last event. */
  finish(): LeakSlices {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  #finish(): LeakSlices {
    const slices = this.#clock.finish();
    const blocks = this.#blocks;
    const ids = Math.min(this.#born.length, blocks?.capacity ?? 0);
    for (let id = 1; blocks && id < ids; id++) {
      if (!blocks.isLive(id)) continue;
      const key = locationKey(blocks.thread(id), blocks.allocator(id));
      this.#add(blocks.stack(id), key, this.#born[id] as number, NEVER, blocks.size(id), 1);
    }
    this.#pages.visit((stack, born, bytes, ranges) =>
      this.#add(stack, MAPPING_KEY, born, NEVER, bytes, ranges),
    );
    return { kind: 'leaked', slices, locations: this.#locations.columns(), lives: this.#lives };
  }

  closeSlice(): boolean {
    this.#died = new Map();
    return this.#lives.place.length > this.#maxLives;
  }

  mergeSlices(to: Int32Array): void {
    this.#lives = mergedLives(this.#lives, to);
    for (let id = 0; id < this.#born.length; id++)
      this.#born[id] = to[this.#born[id] as number] ?? 0;
    this.#pages.mergeSlices(to);
  }

  #die(stack: number, key: number, born: number, bytes: number, count: number): void {
    this.#add(stack, key, born, this.#clock.current, bytes, count);
  }

  #add(stack: number, key: number, born: number, died: number, bytes: number, count: number): void {
    const place = this.#locations.index(stack, key);
    const lives = this.#lives;
    const at = this.#died.get(place * SLICE_UNIT + born);
    if (at === undefined) {
      this.#died.set(place * SLICE_UNIT + born, lives.place.push(place) - 1);
      lives.born.push(born);
      lives.died.push(died);
      lives.bytes.push(bytes);
      lives.count.push(count);
    } else {
      lives.bytes[at] = (lives.bytes[at] as number) + bytes;
      lives.count[at] = (lives.count[at] as number) + count;
    }
  }
}
