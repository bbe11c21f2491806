// SPDX-License-Identifier: MIT
// Blocks for consumers that are tested without a capture: what a decoder tells them, and in its order.

import { committedBytes } from '../../ts/decode/committed.js';
import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { LiveBlocks } from '../../ts/decode/live-blocks.js';
import { Tables } from '../../ts/decode/tables.js';
import { EXIT_MARK } from '../../ts/format/constants.js';
import type { MapRecord, MarkRecord } from '../../ts/format/records.js';

const HEADER = {
  versionMajor: 1,
  versionMinor: 0,
  captureId: 1n,
  pid: 1,
  startUnixNs: 0n,
  finalized: true,
  headerBytes: 64,
};

export class BlockFeed {
  readonly blocks = new LiveBlocks();
  readonly #consumers: readonly RecordConsumer[];
  /** Addresses whose block is gone: the latest is used again first, as by malloc. */
  readonly #freed: number[] = [];
  #ids = 1;

  constructor(...consumers: RecordConsumer[]) {
    this.#consumers = consumers;
    const capture = { header: HEADER, tables: new Tables(), blocks: this.blocks, address: () => 0 };
    for (const consumer of consumers) consumer.onStart?.(capture);
  }

  /** Returns the id of the block's address. */
  alloc(stack: number, size: number, allocator = 0, thread = 1): number {
    const id = this.#freed.pop() ?? this.#ids++;
    this.blocks.put(id, stack, size, allocator, thread);
    for (const consumer of this.#consumers) consumer.onAlloc?.(stack, size, allocator, thread, id);
    return id;
  }

  free(id: number): void {
    const { blocks } = this;
    const [stack, size] = [blocks.stack(id), blocks.size(id)];
    const [allocator, thread] = [blocks.allocator(id), blocks.thread(id)];
    blocks.remove(id);
    this.#freed.push(id);
    for (const consumer of this.#consumers) consumer.onFree?.(stack, size, allocator, thread, id);
  }

  /** An alloc at the address of a live block. */
  replace(id: number, stack: number, size: number): void {
    const { blocks } = this;
    for (const consumer of this.#consumers) {
      consumer.onMissedFree?.(id);
      const [allocator, thread] = [blocks.allocator(id), blocks.thread(id)];
      consumer.onFree?.(blocks.stack(id), blocks.size(id), allocator, thread, id);
    }
    blocks.put(id, stack, size, 0, 1);
    for (const consumer of this.#consumers) consumer.onAlloc?.(stack, size, 0, 1, id);
  }

  unknownFree(id = 0): void {
    this.blocks.countUnknownFree();
    for (const consumer of this.#consumers) consumer.onUnknownFree?.(id);
  }

  time(timeNs: number): void {
    this.blocks.setTime(timeNs);
    for (const consumer of this.#consumers) consumer.onTime?.(timeNs);
  }

  map(map: MapRecord): void {
    for (const consumer of this.#consumers) consumer.onMap?.(map);
    this.blocks.changeMapped(committedBytes(map));
  }

  mark(mark: MarkRecord): void {
    for (const consumer of this.#consumers) consumer.onMark?.(mark);
    if (mark.name === EXIT_MARK) this.blocks.markExit();
  }
}
