// SPDX-License-Identifier: MIT
// Stack records (docs/format.md §4.5): the tree of frames grows by them, on real programs once for each dozen events.

import { PREDICTED_FRAMES, STACK_FLAG_BITS } from '../format/constants.js';
import type { RecordConsumer } from './consumer.js';
import type { Tables } from './tables.js';
import { idTail, varintEnd } from './varint.js';

const FLAG_MASK = 2 ** STACK_FLAG_BITS - 1;
const CELL_MASK = PREDICTED_FRAMES - 1;

export class StackRecords {
  readonly #tables: Tables;
  readonly #consumer: RecordConsumer;
  readonly #predicted = new Int32Array(PREDICTED_FRAMES);
  #frames = new Int32Array(1024);
  /** Some definition was lost that the block's predictions build on. */
  #unpredictable = false;

  constructor(tables: Tables, consumer: RecordConsumer) {
    this.#tables = tables;
    this.#consumer = consumer;
  }

  beginBlock(): void {
    this.#predicted.fill(0);
    this.#unpredictable = false;
  }

  /** The fields at `p`; returns the position behind them, or -1. May read beyond `end` by no more than an identifier. */
  decode(bytes: Uint8Array, p: number, end: number): number {
    const tables = this.#tables;
    const nextNode = tables.next.node;
    let head = bytes[p++] as number;
    if (head >= 0x80) {
      head = idTail(bytes, p, head);
      p = varintEnd;
    }
    let distance = bytes[p++] as number;
    if (distance >= 0x80) {
      distance = idTail(bytes, p, distance);
      p = varintEnd;
    }
    const count = head >> STACK_FLAG_BITS;
    // A frame takes at least a byte, so that a length that is not true reserves nothing.
    if (count < 0 || count > end - p || distance < 1 || distance > nextNode) return -1;
    const parent = nextNode - distance;
    const position = this.#readFrames(bytes, p, end, parent, count);
    if (position < 0 || position > end) return -1;
    const node = tables.addNodes(parent, this.#frames, count);
    const id = tables.addStack(node, head & FLAG_MASK);
    if (this.#consumer.onDefinition !== undefined) this.#tell(nextNode, count, id);
    return position;
  }

  /** All of them before any takes effect: the record may be malformed. */
  #readFrames(bytes: Uint8Array, p: number, end: number, parent: number, count: number): number {
    const predicted = this.#predicted;
    const nextFrame = this.#tables.next.frame;
    if (count > this.#frames.length) this.#frames = new Int32Array(count * 2);
    const frames = this.#frames;
    let above = this.#tables.nodeFrames.get(parent);
    if (parent !== 0 && above === 0) this.#unpredictable = true;
    for (let i = 0; i < count; i++) {
      if (p >= end) return -1;
      let frame = bytes[p++] as number;
      if (frame >= 0x80) {
        frame = idTail(bytes, p, frame);
        p = varintEnd;
      }
      if (frame < 0 || frame >= nextFrame) return -1;
      const cell = above & CELL_MASK;
      if (frame === 0 && !this.#unpredictable) frame = predicted[cell] as number;
      predicted[cell] = frame;
      frames[i] = frame;
      above = frame;
    }
    return p;
  }

  #tell(firstNode: number, count: number, stack: number): void {
    for (let i = 0; i < count; i++) {
      this.#consumer.onDefinition?.({ type: 'node', id: firstNode + i });
    }
    this.#consumer.onDefinition?.({ type: 'stack', id: stack });
  }
}
