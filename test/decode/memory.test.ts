// SPDX-License-Identifier: MIT
// What a reader keeps grows with stacks and live blocks, not with events.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import { block, fileHeader, payload } from './capture-bytes.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const PAIRS = 5000;
/** Defines stack 1, then allocates and frees a block of it at address 1, again and again. */
const STACK = [0x04, 0x00, 0x01];
const ALLOC_NEW = [0x80, 121, 24, 0x10];
const ALLOC_AGAIN = [0x8e, 0x00];
const FREE_LATEST = [0x60];

const pairs = (count: number): number[] =>
  Array.from({ length: count }, () => [...ALLOC_AGAIN, ...FREE_LATEST]).flat();
const first = block(payload([...STACK, ...ALLOC_NEW, ...FREE_LATEST, ...pairs(PAIRS - 1)]));
/** The same in a later block, which allocates at an address that is known by then. */
const known = [0x81, 121, 24, 0x01];
const later = block(payload([...known, ...FREE_LATEST, ...pairs(PAIRS - 1)], [2, 1, 1, 1, 1, 2]));

/** Bytes that the process holds at most while it reads this many blocks, garbage not counted. */
async function heldWhile(blocks: number): Promise<number> {
  let most = 0;
  async function* chunks() {
    yield fileHeader();
    yield first;
    for (let i = 1; i < blocks; i++) {
      yield later;
      if (i % (blocks / 10) !== 0) continue;
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      most = Math.max(most, heapUsed + arrayBuffers);
    }
  }
  const peak = new PeakAggregator();
  const { counts, bytesDropped } = await readCapture(chunks(), peak, { chunkBytes: 1 << 16 });
  expect(bytesDropped).toBe(0);
  expect(counts).toMatchObject({ allocations: blocks * PAIRS, frees: blocks * PAIRS });
  expect(peak.peakBytes).toBe(24);
  return most;
}

it('ten times the events take no more memory', async () => {
  await heldWhile(100); // compiles everything
  const few = await heldWhile(100);
  const many = await heldWhile(1000);
  // There are 9 million events more: half a byte for each would be too much.
  expect(many - few).toBeLessThan(4e6);
});
