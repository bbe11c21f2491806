// SPDX-License-Identifier: MIT
// Blocks of columns (docs/format.md §3.2): what is taken apart comes together again, byte for byte.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kindAt, payloadBytesAt } from '../../ts/decode/block-frame.js';
import { ColumnReader } from '../../ts/decode/columns.js';
import { Kernel } from '../../ts/decode/kernel.js';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_KIND,
  FILE_HEADER_BYTES,
  FIRST_LONG_TAG,
  LONG_TAG,
} from '../../ts/format/constants.js';
import { addEvents, SampleCapture } from '../support/sample-capture.js';
import { block, long, payload, varint } from './capture-bytes.js';

const kernel = new Kernel();

/** The payloads of columns, and whether they were well-formed to the end. */
function joined(columns: Uint8Array): { payloads: Uint8Array[]; isWhole: boolean } {
  const reading = new ColumnReader(kernel).payloads(columns);
  const payloads: Uint8Array[] = [];
  for (;;) {
    const { done, value } = reading.next();
    if (done) return { payloads, isWhole: value };
    payloads.push(value.slice());
  }
}

function splitBlocks(payloads: readonly Uint8Array[], unwanted = 0): Uint8Array | null {
  return kernel.split(Buffer.concat(payloads.map((bytes) => block(bytes))), unwanted);
}

function expectSame(payloads: readonly Uint8Array[]): void {
  const columns = splitBlocks(payloads);
  expect(columns).not.toBeNull();
  const { payloads: again, isWhole } = joined(columns as Uint8Array);
  expect(isWhole).toBe(true);
  expect(again.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
    payloads.map((bytes) => Buffer.from(bytes).toString('hex')),
  );
}

/** Of blocks of records in a capture. */
function payloadsOf(bytes: Uint8Array): Uint8Array[] {
  const result: Uint8Array[] = [];
  for (let at = FILE_HEADER_BYTES; at + BLOCK_HEADER_BYTES <= bytes.length; ) {
    const end = at + BLOCK_HEADER_BYTES + payloadBytesAt(bytes, at);
    if (payloadBytesAt(bytes, at) === 0) break;
    if (kindAt(bytes, at) === BLOCK_KIND.records) {
      result.push(bytes.subarray(at + BLOCK_HEADER_BYTES, end));
    }
    at = end;
  }
  return result;
}

function manyEvents(): Uint8Array[] {
  const capture = new SampleCapture();
  const frames = ['a', 'b'].map((name, i) =>
    capture.frame(1, capture.function(name, '/app/index.js', i + 1, 1), i + 10, 5),
  );
  for (const frame of frames) capture.stack(frames[0] ?? 0, frame);
  addEvents(capture, { events: 20_000, perBlock: 1000, stacks: frames.length });
  return payloadsOf(capture.bytes());
}

const GOLDEN = new URL('../golden/', import.meta.url);
/** That hold a malformed record. */
const MALFORMED = ['malformed-record', 'later-version'];
const goldens = readdirSync(GOLDEN)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => file.slice(0, -'.bin'.length))
  .filter((name) => payloadsOf(readFileSync(new URL(`${name}.bin`, GOLDEN))).length > 0);

describe('columns', () => {
  it.each(goldens.filter((name) => !MALFORMED.includes(name)))('golden %s comes back', (name) => {
    expectSame(payloadsOf(readFileSync(new URL(`${name}.bin`, GOLDEN))));
  });

  it('many events come back', () => {
    expectSame(manyEvents());
  });

  it('varints of every length come back, of each field', () => {
    const numbers = Array.from({ length: 10 }, (_, i) => varint((1n << BigInt(7 * i)) - 1n));
    numbers.push(varint(2n ** 64n - 1n), [0x80, 0x80, 0]);
    for (const number of numbers) {
      const tags = [0x80, 0x84, 0x88, 0x8c].flatMap((tag) => [0, 1, 2, 3].map((m) => tag | m));
      const allocs = tags.map((tag) => [
        tag,
        ...((tag & 8) === 0 ? number : []),
        ...((tag & 4) === 0 ? number : []),
        ...number,
      ]);
      const others = [
        [0x40, ...number],
        [0x50, ...number],
        [0x61],
        [1, ...number],
        [2, ...number],
        [3],
      ];
      const stack = [4, 0x90, 0x01, ...number, ...Array(9).fill(number).flat()];
      expectSame([payload([...allocs, ...others, stack].flat())]);
    }
  });

  it('stacks of any number of frames come back', () => {
    for (let count = 0; count < 40; count++) {
      const frames = Array.from({ length: count }, (_, i) => varint(i % 3 === 0 ? 300 + i : i));
      expectSame([payload([4, ...varint(count << 4), 1, ...frames.flat(), 3, 4, 0, 1])]);
    }
  });

  it('leaves records out that are not wanted', () => {
    const kept = [...long(LONG_TAG.string, [65]), 3];
    const unwanted = 1 << (LONG_TAG.ring_stack - FIRST_LONG_TAG);
    const columns = splitBlocks(
      [payload([...long(LONG_TAG.ring_stack, [1, 2, 3, 4]), ...kept])],
      unwanted,
    );
    expect(joined(columns as Uint8Array).payloads).toEqual([payload(kept)]);
  });

  it.each<[string, number[]]>([
    ['a reserved tag', [0x05]],
    ['tag 0', [0x00]],
    ['an alloc without its address', [0x8c]],
    ['a long record that is longer than the block', [0x20, 5, 1]],
    ['a stack without its frames', [4, 0x20, 1, 1]],
  ])('takes nothing apart with %s', (_, records) => {
    expect(splitBlocks([payload([3, ...records])])).toBeNull();
    // Not the record of the next block either.
    expect(splitBlocks([payload([3, ...records]), payload([3])])).toBeNull();
  });

  it('F-26: with any byte wrong it ends, and yields whole payloads alone', () => {
    const columns = splitBlocks(manyEvents().slice(0, 2)) as Uint8Array;
    for (let at = 0; at < columns.length; at += at < 100 ? 1 : 37) {
      for (const change of [0x01, 0x80, 0xff]) {
        const wrong = columns.slice();
        wrong[at] = (wrong[at] as number) ^ change;
        const bytes = joined(wrong).payloads.reduce((sum, { length }) => sum + length, 0);
        expect(bytes).toBeLessThanOrEqual(wrong.length);
      }
    }
    for (let length = 0; length < 60; length++) {
      expect(joined(columns.subarray(0, length)).isWhole).toBe(false);
    }
  });
});
