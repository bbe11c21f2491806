// SPDX-License-Identifier: MIT
// The heap at its highest moment, by location, in one pass and without keeping events: blocks know it by themselves (decode/wasm/blocks.ts).

import { committedDeltas } from '../decode/committed.js';
import type { CaptureStart, RecordConsumer } from '../decode/consumer.js';
import type { LiveBlocks, VisitBlock } from '../decode/live-blocks.js';
import { EXIT_MARK } from '../format/constants.js';
import type { MapRecord, MarkRecord } from '../format/records.js';
import type { Profile, ProfileKind } from '../model/profile.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';
import { type Mapping, MappingPeaks } from './mapping-peaks.js';
import { MAPPING_KEY } from './mappings.js';

const BYTES = 0;
const COUNT = 1;

export class PeakAggregator implements RecordConsumer {
  /** null: nothing was read. */
  #blocks: LiveBlocks | null = null;
  readonly #mappings = new MappingPeaks();
  #mappedAtExit: readonly Mapping[] = [];
  #exitTimeNs: number | null = null;

  onStart({ blocks }: CaptureStart): void {
    this.#blocks = blocks;
  }

  onMap(map: MapRecord): void {
    const peak = this.#blocks?.peakMoment ?? 0;
    for (const { stack, bytes, ranges } of committedDeltas(map)) {
      this.#mappings.change(stack, bytes, ranges, peak);
    }
  }

  onMark(mark: MarkRecord): void {
    if (mark.name !== EXIT_MARK) return;
    this.#mappedAtExit = this.#mappings.now();
    this.#exitTimeNs = mark.timeNs;
  }

  /** Highest heap, in bytes. */
  get peakBytes(): number {
    return this.#blocks?.peak.bytes ?? 0;
  }

  get peakTimeNs(): number {
    return this.#blocks?.peak.timeNs ?? 0;
  }

  /** How many alloc, free and map records came up to the peak, the one that made it included. */
  get peakEvent(): number {
    return this.#blocks?.peak.event ?? 0;
  }

  get heapBytes(): number {
    return this.#blocks?.heap ?? 0;
  }

  peak(): Profile {
    const mapped = this.#mappings.atPeak(this.#blocks?.peakMoment ?? 0);
    return profile('peak', mapped, (visit) => this.#blocks?.visitPeak(visit));
  }

  /** What is live now. */
  live(): Profile {
    return profile('leaked', this.#mappings.now(), (visit) => this.#blocks?.visitLive(visit));
  }

  /** What leaked: is live when the program exits, before Node.js frees it; else after the last event. */
  leaked(): Profile {
    if (this.#exitTimeNs === null) return this.live();
    return profile('leaked', this.#mappedAtExit, (visit) => this.#blocks?.visitExit(visit));
  }

  /** When the program exited, as Node.js sees it; null when it did not. */
  get exitTimeNs(): number | null {
    return this.#exitTimeNs;
  }
}

function profile(
  kind: ProfileKind,
  mapped: readonly Mapping[],
  visitBlocks: (visit: VisitBlock) => void,
): Profile {
  const locations = new LocationTable();
  visitBlocks((stack, size, allocator, thread) =>
    add(locations, stack, locationKey(thread, allocator), size, 1),
  );
  for (const { stack, bytes, ranges } of mapped) add(locations, stack, MAPPING_KEY, bytes, ranges);
  const rows = locations.rows(BYTES, COUNT);
  return { kind, rows, ...profileTotals(rows) };
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
