// SPDX-License-Identifier: MIT
// Records in blocks that follow a capture's own.

import type { Tables } from '../decode/tables.js';
import { BLOCK_KIND } from '../format/constants.js';
import { type Prologue, RecordEncoder } from '../format/encode.js';
import { encodeBlock } from './compress.js';

const FULL_BYTES = 64 * 1024;

/** Blocks that go on where the tables end. */
export class BlockBuilder {
  readonly blocks: Uint8Array[] = [];
  readonly encoder: RecordEncoder;

  constructor(prologue: Prologue) {
    this.encoder = new RecordEncoder(prologue);
  }

  /** Ends the block when it is full; call it between records. */
  settle(): void {
    if (this.encoder.size >= FULL_BYTES) this.endBlock();
  }

  endBlock(): void {
    if (!this.encoder.isEmpty) {
      this.blocks.push(encodeBlock(BLOCK_KIND.records, this.encoder.take()));
    }
  }
}

/** What comes after the last record that was read. */
export function prologueAfter(tables: Tables, timeNs: number): Prologue {
  const { next } = tables;
  return {
    timeNs,
    thread: 0,
    nextAddress: next.address,
    nextString: next.string,
    nextFunction: next.function,
    nextFrame: next.frame,
    nextNode: next.node,
    nextStack: next.stack,
  };
}
