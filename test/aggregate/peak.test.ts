// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { MAP_OP, MEMORY_CLASS } from '../../ts/format/constants.js';
import type { MapRecord } from '../../ts/format/records.js';
import { ALLOCATOR_MMAP, type Profile } from '../../ts/model/profile.js';

/** `stack:thread:allocator bytes/count`, sorted: small enough to read in a failure. */
function rowTexts({ rows }: Profile): string[] {
  return Array.from({ length: rows.size }, (_none, row) => {
    const place = `${rows.stack[row]}:${rows.thread[row]}:${rows.allocator[row]}`;
    return `${place} ${rows.bytes[row]}/${rows.count[row]}`;
  }).sort();
}

function map(deltas: MapRecord['deltas'], op: number = MAP_OP.mmap): MapRecord {
  return { timeNs: 0, op, address: 4096, length: 4096, prot: 3, flags: 0, stack: 1, deltas };
}

const committed = (stack: number, bytes: number, ranges = Math.sign(bytes)) => ({
  class: MEMORY_CLASS.committed,
  stack,
  bytes,
  ranges,
});

describe('PeakAggregator', () => {
  test('a capture without events has an empty peak', () => {
    const peak = new PeakAggregator();
    expect(peak.peak()).toMatchObject({ kind: 'peak', totalBytes: 0, totalCount: 0 });
    expect(peak.peakBytes).toBe(0);
  });

  test('the peak holds what was live then, not what came later', () => {
    const peak = new PeakAggregator();
    peak.onTime(10);
    peak.onAlloc(1, 1009, 0, 1);
    peak.onTime(20);
    peak.onAlloc(2, 2003, 0, 1);
    peak.onTime(30);
    peak.onFree(1, 1009, 0, 1);
    peak.onAlloc(3, 500, 0, 1);
    expect(peak.peakBytes).toBe(3012);
    expect(peak.peakTimeNs).toBe(20);
    expect(peak.peakEvent).toBe(2);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 1009/1', '2:1:0 2003/1']);
    expect(rowTexts(peak.live())).toEqual(['2:1:0 2003/1', '3:1:0 500/1']);
  });

  test('of equal peaks the last counts', () => {
    const peak = new PeakAggregator();
    peak.onAlloc(1, 100, 0, 1);
    peak.onFree(1, 100, 0, 1);
    peak.onTime(7);
    peak.onAlloc(2, 100, 0, 1);
    expect(peak.peakTimeNs).toBe(7);
    expect(peak.peakEvent).toBe(3);
    expect(rowTexts(peak.peak())).toEqual(['2:1:0 100/1']);
  });

  test('a block of no bytes at the peak belongs to it', () => {
    const peak = new PeakAggregator();
    peak.onAlloc(1, 10, 0, 1);
    peak.onAlloc(2, 0, 0, 1);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 10/1', '2:1:0 0/1']);
  });

  test('threads and allocators of one stack are separate rows', () => {
    const peak = new PeakAggregator();
    peak.onAlloc(1, 11, 0, 1);
    peak.onAlloc(1, 13, 0, 2);
    peak.onAlloc(1, 17, 6, 2);
    peak.onFree(1, 13, 0, 2);
    peak.onAlloc(1, 13, 0, 2);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 11/1', '1:2:0 13/1', '1:2:6 17/1']);
  });

  test('committed mappings are heap, reserved and file-backed ones are not', () => {
    const peak = new PeakAggregator();
    peak.onAlloc(1, 100, 0, 1);
    peak.onMap(
      map([
        committed(2, 8192),
        { class: MEMORY_CLASS.reserved, stack: 2, bytes: 1e9, ranges: 1 },
        { class: MEMORY_CLASS.file, stack: 2, bytes: 4096, ranges: 1 },
      ]),
    );
    expect(peak.peakBytes).toBe(8292);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 100/1', `2:0:${ALLOCATOR_MMAP} 8192/1`]);
  });

  test('a map record is one event: what it moves between stacks is no peak', () => {
    const peak = new PeakAggregator();
    peak.onMap(map([committed(1, 4096)]));
    peak.onMap(map([committed(2, 4096), committed(1, -4096)]));
    expect(peak.peakBytes).toBe(4096);
    expect(peak.peakEvent).toBe(2);
    expect(rowTexts(peak.peak())).toEqual([`2:0:${ALLOCATOR_MMAP} 4096/1`]);
  });

  test('a partial unmap leaves the rest', () => {
    const peak = new PeakAggregator();
    peak.onMap(map([committed(1, 12288)]));
    peak.onMap(map([committed(1, -4096, 1)], MAP_OP.munmap));
    expect(rowTexts(peak.live())).toEqual([`1:0:${ALLOCATOR_MMAP} 8192/2`]);
    expect(peak.heapBytes).toBe(8192);
  });

  test('sizes beyond 32 bits add up', () => {
    const peak = new PeakAggregator();
    peak.onAlloc(1, 2 ** 40 + 1, 0, 1);
    peak.onAlloc(1, 2 ** 40 + 2, 0, 1);
    expect(peak.peakBytes).toBe(2 ** 41 + 3);
  });

  test('records count as the writer counts them', () => {
    const peak = new PeakAggregator();
    peak.onUnknownFree();
    peak.onAlloc(1, 10, 0, 1);
    peak.onMissedFree();
    peak.onFree(1, 10, 0, 1);
    peak.onAlloc(1, 20, 0, 1);
    expect(peak.peakEvent).toBe(3);
  });

  test('equals a copy of everything at each peak', () => {
    const event = fc.record({
      free: fc.integer({ min: 0, max: 9 }),
      isFree: fc.boolean(),
      stack: fc.integer({ min: 1, max: 6 }),
      size: fc.integer({ min: 0, max: 50 }),
      thread: fc.integer({ min: 1, max: 3 }),
      allocator: fc.integer({ min: 0, max: 7 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const peak = new PeakAggregator();
        const naive = new NaivePeak();
        for (const { isFree, free, ...block } of events) {
          if (isFree) {
            const freed = naive.free(free);
            if (freed) peak.onFree(freed.stack, freed.size, freed.allocator, freed.thread);
          } else {
            naive.alloc(block);
            peak.onAlloc(block.stack, block.size, block.allocator, block.thread);
          }
        }
        expect(peak.peakBytes).toBe(naive.peakBytes);
        expect(peak.peakEvent).toBe(naive.peakEvent);
        expect(rowTexts(peak.peak())).toEqual(naive.rows);
      }),
    );
  });
});

interface Block {
  stack: number;
  size: number;
  thread: number;
  allocator: number;
}

/** Says what a peak is, at a cost nobody would pay. */
class NaivePeak {
  peakBytes = 0;
  peakEvent = 0;
  rows: string[] = [];
  readonly #live: Block[] = [];
  #events = 0;

  alloc(block: Block): void {
    this.#live.push(block);
    this.#look();
  }

  free(index: number): Block | undefined {
    const [freed] = this.#live.splice(index, 1);
    if (freed) this.#look();
    return freed;
  }

  #look(): void {
    this.#events++;
    const bytes = this.#live.reduce((sum, block) => sum + block.size, 0);
    if (bytes < this.peakBytes) return;
    this.peakBytes = bytes;
    this.peakEvent = this.#events;
    const sums = new Map<string, { bytes: number; count: number }>();
    for (const { stack, thread, allocator, size } of this.#live) {
      const key = `${stack}:${thread}:${allocator}`;
      const sum = sums.get(key) ?? { bytes: 0, count: 0 };
      sums.set(key, { bytes: sum.bytes + size, count: sum.count + 1 });
    }
    this.rows = [...sums].map(([key, sum]) => `${key} ${sum.bytes}/${sum.count}`).sort();
  }
}
