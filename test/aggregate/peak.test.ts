// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { EXIT_MARK, MAP_OP, MEMORY_CLASS } from '../../ts/format/constants.js';
import type { MapRecord } from '../../ts/format/records.js';
import { ALLOCATOR_MMAP, type Profile } from '../../ts/model/profile.js';
import { BlockFeed } from '../support/block-feed.js';

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
    const feed = new BlockFeed(peak);
    feed.time(10);
    const first = feed.alloc(1, 1009);
    feed.time(20);
    feed.alloc(2, 2003);
    feed.time(30);
    feed.free(first);
    feed.alloc(3, 500);
    expect(peak.peakBytes).toBe(3012);
    expect(peak.peakTimeNs).toBe(20);
    expect(peak.peakEvent).toBe(2);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 1009/1', '2:1:0 2003/1']);
    expect(rowTexts(peak.live())).toEqual(['2:1:0 2003/1', '3:1:0 500/1']);
  });

  test('what came after the peak and went again is not in it', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    const first = feed.alloc(1, 100);
    feed.alloc(2, 50);
    feed.free(first);
    feed.free(feed.alloc(3, 40));
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 100/1', '2:1:0 50/1']);
  });

  test('of equal peaks the last counts', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    feed.free(feed.alloc(1, 100));
    feed.time(7);
    feed.alloc(2, 100);
    expect(peak.peakTimeNs).toBe(7);
    expect(peak.peakEvent).toBe(3);
    expect(rowTexts(peak.peak())).toEqual(['2:1:0 100/1']);
  });

  test('a block of no bytes at the peak belongs to it', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    feed.alloc(1, 10);
    const nothing = feed.alloc(2, 0);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 10/1', '2:1:0 0/1']);
    feed.free(nothing);
    expect(peak.peakEvent).toBe(3);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 10/1']);
  });

  test('threads and allocators of one stack are separate rows', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    feed.alloc(1, 11, 0, 1);
    const second = feed.alloc(1, 13, 0, 2);
    feed.alloc(1, 17, 6, 2);
    feed.free(second);
    feed.alloc(1, 13, 0, 2);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 11/1', '1:2:0 13/1', '1:2:6 17/1']);
  });

  test('committed mappings are heap, reserved and file-backed ones are not', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    feed.alloc(1, 100);
    feed.map(
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
    const feed = new BlockFeed(peak);
    feed.map(map([committed(1, 4096)]));
    feed.map(map([committed(2, 4096), committed(1, -4096)]));
    expect(peak.peakBytes).toBe(4096);
    expect(peak.peakEvent).toBe(2);
    expect(rowTexts(peak.peak())).toEqual([`2:0:${ALLOCATOR_MMAP} 4096/1`]);
  });

  test('a partial unmap leaves the rest', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    feed.map(map([committed(1, 12288)]));
    feed.map(map([committed(1, -4096, 1)], MAP_OP.munmap));
    expect(rowTexts(peak.live())).toEqual([`1:0:${ALLOCATOR_MMAP} 8192/2`]);
    expect(peak.heapBytes).toBe(8192);
  });

  test('sizes beyond 32 bits add up', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    const first = feed.alloc(1, 2 ** 40 + 1);
    feed.alloc(1, 2 ** 40 + 2);
    feed.free(first);
    expect(peak.peakBytes).toBe(2 ** 41 + 3);
    expect(peak.peak().totalBytes).toBe(2 ** 41 + 3);
    expect(peak.live().totalBytes).toBe(2 ** 40 + 2);
  });

  test('records count as the writer counts them', () => {
    const peak = new PeakAggregator();
    const feed = new BlockFeed(peak);
    feed.unknownFree();
    feed.replace(feed.alloc(1, 10), 1, 20);
    expect(peak.peakEvent).toBe(3);
    expect(rowTexts(peak.peak())).toEqual(['1:1:0 20/1']);
  });

  test('equals a copy of everything at each peak, and at the last exit', () => {
    const event = fc.record({
      free: fc.integer({ min: 0, max: 9 }),
      isFree: fc.boolean(),
      isMap: fc.boolean(),
      isExit: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      stack: fc.integer({ min: 1, max: 6 }),
      size: fc.integer({ min: 0, max: 50 }),
      thread: fc.integer({ min: 1, max: 3 }),
      allocator: fc.integer({ min: 0, max: 7 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200, size: 'max' }), (events) => {
        const peak = new PeakAggregator();
        const feed = new BlockFeed(peak);
        const naive = new NaivePeak();
        let atExit: string[] | null = null;
        for (const { isFree, isMap, isExit, free, ...block } of events) {
          if (isExit) {
            feed.mark({ timeNs: 0, thread: 1, name: EXIT_MARK });
            atExit = naive.rowsNow();
          } else if (isFree && isMap) {
            const unmapped = naive.unmap(block.stack, block.size);
            if (unmapped > 0) feed.map(map([committed(block.stack, -unmapped, 0)]));
          } else if (isFree) {
            const freed = naive.free(free);
            if (freed !== undefined) feed.free(freed);
          } else if (isMap && block.size > 0) {
            naive.map(block.stack, block.size);
            feed.map(map([committed(block.stack, block.size, 0)]));
          } else {
            const { stack, size, allocator, thread } = block;
            naive.alloc(block, feed.alloc(stack, size, allocator, thread));
          }
        }
        expect(peak.peakBytes).toBe(naive.peakBytes);
        expect(peak.peakEvent).toBe(naive.peakEvent);
        expect(rowTexts(peak.peak())).toEqual(naive.rows);
        expect(rowTexts(peak.live())).toEqual(naive.rowsNow());
        expect(rowTexts(peak.leaked())).toEqual(atExit ?? naive.rowsNow());
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
  readonly #live: (Block & { id: number })[] = [];
  readonly #mapped = new Map<number, number>();
  #events = 0;

  alloc(block: Block, id: number): void {
    this.#live.push({ ...block, id });
    this.#look();
  }

  /** Id of the block that was freed. */
  free(index: number): number | undefined {
    const [freed] = this.#live.splice(index, 1);
    if (freed) this.#look();
    return freed?.id;
  }

  map(stack: number, bytes: number): void {
    this.#mapped.set(stack, (this.#mapped.get(stack) ?? 0) + bytes);
    this.#look();
  }

  /** At most `bytes`. */
  unmap(stack: number, bytes: number): number {
    const mapped = this.#mapped.get(stack) ?? 0;
    const unmapped = Math.min(mapped, bytes);
    this.#mapped.set(stack, mapped - unmapped);
    if (unmapped > 0) this.#look();
    return unmapped;
  }

  rowsNow(): string[] {
    const sums = new Map<string, { bytes: number; count: number }>();
    for (const { stack, thread, allocator, size } of this.#live) {
      const key = `${stack}:${thread}:${allocator}`;
      const sum = sums.get(key) ?? { bytes: 0, count: 0 };
      sums.set(key, { bytes: sum.bytes + size, count: sum.count + 1 });
    }
    for (const [stack, bytes] of this.#mapped) {
      if (bytes > 0) sums.set(`${stack}:0:${ALLOCATOR_MMAP}`, { bytes, count: 0 });
    }
    return [...sums].map(([key, sum]) => `${key} ${sum.bytes}/${sum.count}`).sort();
  }

  #look(): void {
    this.#events++;
    const blocks = this.#live.reduce((sum, block) => sum + block.size, 0);
    const bytes = [...this.#mapped.values()].reduce((sum, mapped) => sum + mapped, blocks);
    if (bytes < this.peakBytes) return;
    this.peakBytes = bytes;
    this.peakEvent = this.#events;
    this.rows = this.rowsNow();
  }
}
