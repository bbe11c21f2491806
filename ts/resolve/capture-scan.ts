// SPDX-License-Identifier: MIT
// Reads a capture once for everything that its rewriting needs.

import { type CaptureEnd, readCapture } from '../decode/read-capture.js';
import { BLOCK_HEADER_BYTES } from '../format/constants.js';
import type { BlockBuilder } from './block-builder.js';
import { EventTotals } from './event-totals.js';
import { RingEvents } from './ring-events.js';

/** A part of the file. */
export interface BlockRange {
  readonly offset: number;
  /** With the header. */
  readonly bytes: number;
  /** A value of BLOCK_KIND, or DAMAGED. */
  readonly kind: number;
}

/** Bytes between blocks that are none. */
export const DAMAGED = 0;

export interface CaptureScan {
  readonly end: CaptureEnd;
  readonly totals: EventTotals;
  readonly ranges: readonly BlockRange[];
  /** The last range holds the trailer. */
  readonly endsWithTrailer: boolean;
}

class ScanConsumer extends EventTotals {
  readonly ranges: BlockRange[] = [];
  endsWithTrailer = false;
  readonly #onProgress: (bytes: number) => void;
  #end: number;

  constructor(firstBlock: number, onProgress: (bytes: number) => void) {
    super();
    this.#end = firstBlock;
    this.#onProgress = onProgress;
  }

  onBlock(offset: number, payloadBytes: number, kind: number): void {
    // Readers count the identifiers that a damaged block may have defined (F-7): it has to stay.
    const gap = offset - this.#end;
    if (gap > 0) this.ranges.push({ offset: this.#end, bytes: gap, kind: DAMAGED });
    const bytes = BLOCK_HEADER_BYTES + payloadBytes;
    this.ranges.push({ offset, bytes, kind });
    this.#end = offset + bytes;
    this.endsWithTrailer = false;
    this.#onProgress(this.#end);
  }

  onTrailer(): void {
    this.endsWithTrailer = true;
  }
}

/** The blocks of the capture, without its rings. */
export async function scanBlocks(
  path: string,
  firstBlock: number,
  onProgress: (bytes: number) => void,
): Promise<CaptureScan> {
  const consumer = new ScanConsumer(firstBlock, onProgress);
  const end = await readCapture(path, consumer, { recover: false });
  const { ranges, endsWithTrailer } = consumer;
  return { end, totals: consumer, ranges, endsWithTrailer };
}

/** Reads once more, and adds to the builder what comes after the blocks of the first scan. */
export async function scanRings(
  path: string,
  scan: CaptureScan,
  builder: BlockBuilder,
): Promise<CaptureScan> {
  const { events, foreignFrees } = scan.totals;
  const consumer = new RingEvents(builder, events + foreignFrees);
  const end = await readCapture(path, consumer);
  return { ...scan, end, totals: consumer };
}
