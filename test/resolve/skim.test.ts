// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { RecordEncoder } from '../../ts/format/encode.js';
import { firstRecord, lastRecord } from '../../ts/resolve/skim.js';

const TRAILER = 0x2f;
const START = { timeNs: 1e15, thread: 200, nextString: 1, nextFunction: 1, nextFrame: 1 };
const encoder = () => new RecordEncoder({ ...START, nextAddress: 1e9, nextNode: 1, nextStack: 1 });

it('finds the trailer behind records of every length', () => {
  const e = encoder();
  const prologue = e.take();
  expect(firstRecord(prologue)).toBe(prologue.length);
  expect(lastRecord(prologue, TRAILER)).toBe(-1);
  e.allocNew(1, 300, 2 ** 40, 0x7fff_1234_5678);
  e.allocNew(1, 3, 0, 5);
  e.allocKnown(7, 0, 1, 1e9);
  e.free(40);
  e.free(1e9);
  e.stack(0, [1, 2 ** 20, 3], 8);
  e.foreignFree();
  e.time(1e15 + 1e9);
  e.thread(100_000);
  e.string('/'.repeat(300));
  e.metadata({});
  const before = e.size;
  e.trailer({ text: 'x'.repeat(20_000) });
  const payload = e.take();
  expect(lastRecord(payload, TRAILER)).toBe(before);
  expect(lastRecord(payload, 0x2e)).toBe(-1);
  // Bytes that do not end with a whole record.
  for (const length of [payload.length - 1, before + 1, before + 3, 3]) {
    expect(lastRecord(payload.subarray(0, length), TRAILER)).toBe(-1);
  }
});

it('knows the short forms that only the writer uses', () => {
  const bytes = (...records: number[]) =>
    Uint8Array.from([0, 0, 1, 1, 1, 1, 1, 1, ...records, TRAILER, 2, 0x7b, 0x7d]);
  const at = (...records: number[]) => lastRecord(bytes(...records), TRAILER) - 8;
  expect(at(0x80, 5, 6, 7)).toBe(4); // alloc: stack, size, address
  expect(at(0x88, 6, 7)).toBe(3); // same stack
  expect(at(0x84, 5, 7)).toBe(3); // same size
  expect(at(0x8e, 0x2f)).toBe(2); // both, recently freed
  expect(at(0x60)).toBe(1); // free of one of the latest allocs
  expect(at(0x50, 0x02)).toBe(2); // free of a recent alloc
  expect(at(0x04, 0x00, 0x01)).toBe(3); // stack without new nodes
  expect(at(0x04, 0xa3, 0x01, 0x01, ...Array<number>(10).fill(5))).toBe(14); // ten nodes
  expect(at(0x41, 0x81, 0x02)).toBe(3); // free
  expect(at(0x03)).toBe(1);
  expect(at(0x3f, 0)).toBe(2); // of a later version
  for (const reserved of [0x00, 0x05, 0x1f]) expect(at(reserved)).toBe(-9);
});
