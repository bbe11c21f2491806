// SPDX-License-Identifier: MIT
// The totals of a trailer (docs/format.md §6), for a capture that was cut off before its own.

import type { RecordConsumer } from '../decode/consumer.js';
import { MEMORY_CLASS } from '../format/constants.js';
import type { MapRecord, StallRecord } from '../format/records.js';

export class EventTotals implements RecordConsumer {
  allocatedBytes = 0;
  liveBytes = 0;
  liveBlocks = 0;
  peakBytes = 0;
  peakTimeNs = 0;
  peakEvent = 0;
  stalls = 0;
  stallNs = 0;
  foreignFrees = 0;
  /** Alloc, free and map records. */
  events = 0;
  #committed = 0;
  #timeNs = 0;
  #missed = false;

  onAlloc(_stack: number, size: number): void {
    this.allocatedBytes += size;
    this.liveBytes += size;
    this.liveBlocks++;
    this.#settle();
  }

  onFree(_stack: number, size: number): void {
    this.liveBytes -= size;
    this.liveBlocks--;
    // What ends here without a record of its own is part of the alloc that follows.
    if (!this.#missed) this.#settle();
    this.#missed = false;
  }

  onMissedFree(): void {
    this.#missed = true;
  }

  onUnknownFree(): void {
    this.#settle();
  }

  onForeignFree(): void {
    this.foreignFrees++;
  }

  onMap(map: MapRecord): void {
    for (const delta of map.deltas) {
      if (delta.class === MEMORY_CLASS.committed) this.#committed += delta.bytes;
    }
    this.#settle();
  }

  onStall(stall: StallRecord): void {
    this.stalls++;
    this.stallNs += stall.waitedNs;
  }

  onTime(timeNs: number): void {
    this.#timeNs = timeNs;
  }

  /** Ties go to the last moment. */
  #settle(): void {
    this.events++;
    const heap = this.liveBytes + this.#committed;
    if (heap < this.peakBytes) return;
    this.peakBytes = heap;
    this.peakTimeNs = this.#timeNs;
    this.peakEvent = this.events;
  }
}
