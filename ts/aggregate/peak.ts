// SPDX-License-Identifier: MIT
// The heap at its highest moment, by location, in one pass and without keeping events.

import type { CaptureStart, RecordConsumer } from '../decode/consumer.js';
import { LiveBlocks } from '../decode/live-blocks.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import type { Profile, ProfileKind } from '../model/profile.js';
import { BlockList } from './block-list.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';
import { MappingPeaks } from './mapping-peaks.js';
import { committedDeltas, MAPPING_KEY } from './mappings.js';

const BYTES = 0;
const COUNT = 1;

/**
 * Adding up by location at each event would cost more than decoding it. Instead a block is told from the rest by when it came: peaks
 * are numbered, and each block knows how many there were when it was allocated. What was live at the latest peak is then: what
 * came before it and is live, and what came before it and was freed since. The latter are kept until the next peak; they cannot
 * be more than were live at once.
 */
export class PeakAggregator implements RecordConsumer {
  #blocks = new LiveBlocks();
  /** By address id: number of peaks when the block was allocated. Doubles, since there may be a peak at each event. */
  #births = new Float64Array(4096);
  readonly #freedSince = new BlockList();
  readonly #mappings = new MappingPeaks();
  #heap = 0;
  #peak = 0;
  #peaks = 0;
  #peakTimeNs = 0;
  #peakEvent = 0;
  #nowNs = 0;
  #events = 0;
  #atExit: Profile | null = null;
  #exitTimeNs: number | null = null;

  onStart({ blocks }: CaptureStart): void {
    this.#blocks = blocks;
  }

  onTime(timeNs: number): void {
    this.#nowNs = timeNs;
  }

  onAlloc(_stack: number, size: number, _allocator: number, _thread: number, id: number): void {
    if (id >= this.#births.length) this.#grow(id);
    this.#births[id] = this.#peaks;
    this.#heap += size;
    this.#settle();
  }

  onFree(stack: number, size: number, allocator: number, thread: number, id: number): void {
    if ((this.#births[id] as number) < this.#peaks) {
      this.#freedSince.push(stack, size, locationKey(thread, allocator));
    }
    this.#heap -= size;
    // A peak is a highest moment; only a free of nothing can end at one.
    this.#settle();
  }

  onMap(map: MapRecord): void {
    for (const delta of committedDeltas(map)) {
      this.#mappings.change(delta.stack, delta.bytes, delta.ranges, this.#peaks);
      this.#heap += delta.bytes;
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
    const locations = new LocationTable();
    this.#addLive(locations, this.#peaks);
    this.#freedSince.visit((stack, size, key) => add(locations, stack, key, size, 1));
    this.#mappings.atPeak(this.#peaks, (stack, bytes, ranges) =>
      add(locations, stack, MAPPING_KEY, bytes, ranges),
    );
    return profileOf('peak', locations);
  }

  /** What is live now. */
  live(): Profile {
    const locations = new LocationTable();
    this.#addLive(locations, Number.POSITIVE_INFINITY);
    this.#mappings.now((stack, bytes, ranges) => add(locations, stack, MAPPING_KEY, bytes, ranges));
    return profileOf('leaked', locations);
  }

  /** What leaked: is live when the program exits, before Node.js frees it; else after the last event. */
  leaked(): Profile {
    return this.#atExit ?? this.live();
  }

  /** When the program exited, as Node.js sees it; null when it did not. */
  get exitTimeNs(): number | null {
    return this.#exitTimeNs;
  }

  /** Live blocks from before this peak. */
  #addLive(locations: LocationTable, peak: number): void {
    const blocks = this.#blocks;
    const ids = Math.min(this.#births.length, blocks.capacity);
    for (let id = 1; id < ids; id++) {
      if (!blocks.isLive(id) || (this.#births[id] as number) >= peak) continue;
      const key = locationKey(blocks.thread(id), blocks.allocator(id));
      add(locations, blocks.stack(id), key, blocks.size(id), 1);
    }
  }

  /** Ties go to the last moment, as the glossary says. */
  #settle(): void {
    this.#events++;
    if (this.#heap < this.#peak) return;
    this.#peak = this.#heap;
    this.#peaks++;
    this.#peakTimeNs = this.#nowNs;
    this.#peakEvent = this.#events;
    this.#freedSince.clear();
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

function profileOf(kind: ProfileKind, locations: LocationTable): Profile {
  const rows = locations.rows(BYTES, COUNT);
  return { kind, rows, ...profileTotals(rows) };
}
