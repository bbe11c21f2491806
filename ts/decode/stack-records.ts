// SPDX-License-Identifier: MIT
// Stack records (docs/format.md §4.5): the tree of frames grows by them. Throws FormatError for a malformed one.

import { PREDICTED_FRAMES, STACK_FLAG_BITS } from '../format/constants.js';
import type { ByteCursor } from './byte-cursor.js';
import type { RecordConsumer } from './consumer.js';
import type { Tables } from './tables.js';

const FLAGS = 2 ** STACK_FLAG_BITS;

export class StackRecords {
  readonly #tables: Tables;
  readonly #consumer: RecordConsumer;
  readonly #predicted = new Int32Array(PREDICTED_FRAMES);
  #frames: number[] = [];
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

  decode(c: ByteCursor): void {
    const tables = this.#tables;
    const head = c.varint();
    const count = Math.floor(head / FLAGS);
    const distance = c.varint();
    const parent = tables.next.node - distance;
    if (distance < 1 || parent < 0) throw c.malformed(`parent node ${parent}`);
    if (count > c.remaining) throw c.malformed(`${count} nodes`);
    this.#readFrames(c, parent, count);
    let node = parent;
    for (const frame of this.#frames) {
      node = tables.addNode(node, frame);
      this.#consumer.onDefinition?.({ type: 'node', id: node });
    }
    const id = tables.addStack(node, head % FLAGS);
    this.#consumer.onDefinition?.({ type: 'stack', id });
  }

  /** All of them before any takes effect: the record may be malformed. */
  #readFrames(c: ByteCursor, parent: number, count: number): void {
    const predicted = this.#predicted;
    this.#frames = [];
    let above = this.#tables.nodeFrames.get(parent);
    if (parent !== 0 && above === 0) this.#unpredictable = true;
    for (let i = 0; i < count; i++) {
      const cell = above % PREDICTED_FRAMES;
      const code = c.below(this.#tables.next.frame, 'frame');
      above = code !== 0 ? code : this.#unpredictable ? 0 : (predicted[cell] as number);
      predicted[cell] = above;
      this.#frames.push(above);
    }
  }
}
