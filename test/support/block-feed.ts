// SPDX-License-Identifier: MIT
// Blocks for consumers that are tested without a capture: what a decoder tells them, and in its order.

import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { LiveBlocks } from '../../ts/decode/live-blocks.js';
import { Tables } from '../../ts/decode/tables.js';

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
    this.blocks.reserve(id + 1);
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
    for (const consumer of this.#consumers) consumer.onMissedFree?.(id);
    this.free(id);
    this.alloc(stack, size);
  }
}
