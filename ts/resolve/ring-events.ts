// SPDX-License-Identifier: MIT
// What rings still held, as ordinary records (docs/format.md §7): after them nothing depends on
// FILE.rings any more.

import type { CaptureStart } from '../decode/consumer.js';
import { LOST_STACK_LABEL } from '../decode/rings.js';
import type { MapRecord } from '../format/records.js';
import type { BlockBuilder } from './block-builder.js';
import { EventTotals } from './event-totals.js';

/** Writes the events that follow the first `eventsInBlocks`; counts them all. */
export class RingEvents extends EventTotals {
  readonly #builder: BlockBuilder;
  readonly #eventsInBlocks: number;
  #capture: CaptureStart | null = null;
  #endsMissed = false;

  constructor(builder: BlockBuilder, eventsInBlocks: number) {
    super();
    this.#builder = builder;
    this.#eventsInBlocks = eventsInBlocks;
  }

  onStart(capture: CaptureStart): void {
    this.#capture = capture;
  }

  override onTime(timeNs: number): void {
    super.onTime(timeNs);
    this.#builder.encoder.time(timeNs);
  }

  override onAlloc(stack: number, size: number, allocator = 0, thread = 0, addressId = 0): void {
    super.onAlloc(stack, size);
    if (!this.#isFromRing()) return;
    const { encoder } = this.#builder;
    this.#define(stack);
    encoder.thread(thread);
    if (addressId === encoder.state.nextAddress) {
      const address = this.#capture?.address(addressId) ?? 0;
      encoder.allocNew(allocator, stack, size, address);
    } else {
      encoder.allocKnown(allocator, stack, size, addressId);
    }
  }

  override onFree(stack: number, size: number, _allocator = 0, _thread = 0, addressId = 0): void {
    super.onFree(stack, size);
    // A block that ends because its address is given again has no record of its own (F-10).
    const isRecord = !this.#endsMissed;
    this.#endsMissed = false;
    if (isRecord && this.#isFromRing()) this.#builder.encoder.free(addressId);
  }

  override onMissedFree(): void {
    super.onMissedFree();
    this.#endsMissed = true;
  }

  override onForeignFree(): void {
    super.onForeignFree();
    if (this.#isFromRing()) this.#builder.encoder.foreignFree();
  }

  override onMap(map: MapRecord): void {
    super.onMap(map);
    if (!this.#isFromRing()) return;
    this.#define(map.stack);
    this.#builder.encoder.map(map);
  }

  #isFromRing(): boolean {
    if (this.events + this.foreignFrees <= this.#eventsInBlocks) return false;
    this.#builder.settle();
    return true;
  }

  /** Recovery defines one stack, for events whose own was lost. */
  #define(stack: number): void {
    const { encoder } = this.#builder;
    if (stack < encoder.state.nextStack) return;
    const frame = encoder.labelFrame(encoder.string(LOST_STACK_LABEL));
    const defined = encoder.stack(0, [frame], 0);
    if (defined !== stack) throw new Error(`recovery defined stack ${stack}, not ${defined}`);
  }
}
