// SPDX-License-Identifier: MIT
// The heap at its highest moment, by location, in one pass and without keeping events.

import type { CaptureStart, RecordConsumer } from '../decode/consumer.js';
import { LiveBlocks } from '../decode/live-blocks.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import type { Profile, ProfileKind } from '../model/profile.js';
import { BlockList } from './block-list.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';
import { type Mapping, MappingPeaks } from './mapping-peaks.js';
import { committedDeltas, MAPPING_KEY } from './mappings.js';

const BYTES = 0;
const COUNT = 1;

/**
 * Adding up by location at each event would cost more than decoding it. Instead a block is told from the rest by when it came: moments
 * worth a profile (each peak, and the program's exit) are numbered, and each block knows how many there were when it was allocated.
 * What was live at one of them is then: what came before it and is live, and what came before it and was freed since. The latter are
 * kept until the next such moment; they cannot be more than were live at once.
 */
export class PeakAggregator implements RecordConsumer {
  #blocks = new LiveBlocks();
  /** How many moments there were. Doubles, here and below: there may be a peak at each event. */
  #moments = 0;
  /** By address id: how many there were when the block was allocated. */
  #births = new Float64Array(4096);
  #peakMoment = 0;
  readonly #freedSincePeak = new BlockList();
  /** 0: the program has not exited. */
  #exitMoment = 0;
  readonly #freedSinceExit = new BlockList();
  #mappedAtExit: readonly Mapping[] = [];
  readonly #mappings = new MappingPeaks();
  #heap = 0;
  #peak = 0;
  #peakTimeNs = 0;
  #peakEvent = 0;
  #nowNs = 0;
  #events = 0;
  #exitTimeNs: number | null = null;

  onStart({ blocks }: CaptureStart): void {
    this.#blocks = blocks;
  }

  onTime(timeNs: number): void {
    this.#nowNs = timeNs;
  }

  onAlloc(_stack: number, size: number, _allocator: number, _thread: number, id: number): void {
    if (id >= this.#births.length) this.#grow(id);
    this.#births[id] = this.#moments;
    this.#heap += size;
    this.#settle();
  }

  onFree(stack: number, size: number, allocator: number, thread: number, id: number): void {
    const birth = this.#births[id] as number;
    if (birth < this.#peakMoment) {
      this.#freedSincePeak.push(stack, size, locationKey(thread, allocator));
    }
    if (birth < this.#exitMoment) {
      this.#freedSinceExit.push(stack, size, locationKey(thread, allocator));
    }
    this.#heap -= size;
    // A peak is a highest moment; only a free of nothing can end at one.
    this.#settle();
  }

  onMap(map: MapRecord): void {
    for (const delta of committedDeltas(map)) {
      this.#mappings.change(delta.stack, delta.bytes, delta.ranges, this.#peakMoment);
      this.#heap += delta.bytes;
    }
    this.#settle();
  }

  onMark(mark: MarkRecord): void {
    if (mark.name !== EXIT_MARK) return;
    this.#exitMoment = ++this.#moments;
    this.#freedSinceExit.clear();
    this.#mappedAtExit = this.#mappings.now();
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
    const mapped = this.#mappings.atPeak(this.#peakMoment);
    return this.#profile('peak', this.#peakMoment, this.#freedSincePeak, mapped);
  }

  /** What is live now. */
  live(): Profile {
    return this.#profile('leaked', Number.POSITIVE_INFINITY, null, this.#mappings.now());
  }

  /** What leaked: is live when the program exits, before Node.js frees it; else after the last event. */
  leaked(): Profile {
    if (this.#exitMoment === 0) return this.live();
    return this.#profile('leaked', this.#exitMoment, this.#freedSinceExit, this.#mappedAtExit);
  }

  /** When the program exited, as Node.js sees it; null when it did not. */
  get exitTimeNs(): number | null {
    return this.#exitTimeNs;
  }

  /** What was live at a moment: `freed` are the blocks that came before it and went since. */
  #profile(
    kind: ProfileKind,
    moment: number,
    freed: BlockList | null,
    mapped: readonly Mapping[],
  ): Profile {
    const locations = new LocationTable();
    const blocks = this.#blocks;
    const ids = Math.min(this.#births.length, blocks.capacity);
    for (let id = 1; id < ids; id++) {
      if (!blocks.isLive(id) || (this.#births[id] as number) >= moment) continue;
      const key = locationKey(blocks.thread(id), blocks.allocator(id));
      add(locations, blocks.stack(id), key, blocks.size(id), 1);
    }
    freed?.visit((stack, size, key) => add(locations, stack, key, size, 1));
    for (const { stack, bytes, ranges } of mapped) {
      add(locations, stack, MAPPING_KEY, bytes, ranges);
    }
    const rows = locations.rows(BYTES, COUNT);
    return { kind, rows, ...profileTotals(rows) };
  }

  /** Ties go to the last moment, as the glossary says. */
  #settle(): void {
    this.#events++;
    if (this.#heap < this.#peak) return;
    this.#peak = this.#heap;
    this.#peakMoment = ++this.#moments;
    this.#peakTimeNs = this.#nowNs;
    this.#peakEvent = this.#events;
    this.#freedSincePeak.clear();
  }

  #grow(id: number): void {
    const births = new Float64Array(Math.max(this.#births.length * 2, id + 1));
    births.set(this.#births);
    this.#births = births;
  }
}

function add(
  locations: LocationTable,
  stack: number,
  key: number,
  bytes: number,
  count: number,
): void {
  const at = locations.locate(stack, key);
  const { slots } = locations;
  slots[at + BYTES] = (slots[at + BYTES] as number) + bytes;
  slots[at + COUNT] = (slots[at + COUNT] as number) + count;
}
