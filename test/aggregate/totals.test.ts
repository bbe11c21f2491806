// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { SizeCounts } from '../../ts/aggregate/size-counts.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import { MAP_OP, MEMORY_CLASS } from '../../ts/format/constants.js';

describe('TotalsAggregator', () => {
  test('counts allocations, never frees', () => {
    const totals = new TotalsAggregator();
    totals.onAlloc(1, 1009, 0, 1);
    totals.onAlloc(1, 1009, 0, 2);
    totals.onAlloc(2, 31, 3, 1);
    expect(totals.allocations).toBe(3);
    expect(totals.bytes).toBe(2049);
    expect(totals.byAllocator()).toEqual([
      { allocator: 'malloc', count: 2, bytes: 2018 },
      { allocator: 'posix_memalign', count: 1, bytes: 31 },
    ]);
    expect(totals.sizes()).toEqual([
      [31, 1],
      [1009, 2],
    ]);
    expect(totals.allocated()).toMatchObject({
      kind: 'allocated',
      totalBytes: 2049,
      totalCount: 3,
    });
  });

  test.each([
    ['mmap', MAP_OP.mmap, 'mmap'],
    ['mprotect', MAP_OP.mprotect, 'mprotect'],
    ['mremap', MAP_OP.mremap, 'mremap'],
  ])('%s allocates what it commits', (_name, op, allocator) => {
    const totals = new TotalsAggregator();
    totals.onMap({
      timeNs: 0,
      op,
      address: 0,
      length: 65536,
      prot: 3,
      flags: 0,
      stack: 9,
      deltas: [
        { class: MEMORY_CLASS.committed, stack: 9, bytes: 16384, ranges: 1 },
        { class: MEMORY_CLASS.reserved, stack: 9, bytes: -16384, ranges: 0 },
      ],
    });
    expect(totals.byAllocator()).toEqual([{ allocator, count: 1, bytes: 16384 }]);
    expect(Array.from(totals.allocated().rows.stack)).toEqual([9]);
  });

  test('reserving, mapping files and unmapping allocate nothing', () => {
    const totals = new TotalsAggregator();
    const record = { timeNs: 0, address: 0, length: 0, prot: 0, flags: 0, stack: 1 };
    const delta = { stack: 1, bytes: 4096, ranges: 1 };
    const reserved = [{ ...delta, class: MEMORY_CLASS.reserved }];
    const file = [{ ...delta, class: MEMORY_CLASS.file }];
    const given = [{ ...delta, class: MEMORY_CLASS.committed, bytes: -4096 }];
    totals.onMap({ ...record, op: MAP_OP.mmap, deltas: reserved });
    totals.onMap({ ...record, op: MAP_OP.mmap, deltas: file });
    totals.onMap({ ...record, op: MAP_OP.munmap, deltas: given });
    totals.onMap({ ...record, op: MAP_OP.madvise, deltas: [] });
    expect(totals.allocations).toBe(0);
  });
});

describe('SizeCounts', () => {
  test('is exact for small, large and huge sizes', () => {
    const counts = new SizeCounts();
    const expected = new Map<number, number>();
    const add = (size: number) => {
      counts.add(size);
      expected.set(size, (expected.get(size) ?? 0) + 1);
    };
    for (const size of [0, 1, 65535, 65536, 65537, 2 ** 32, 2 ** 32 + 65536, 2 ** 52]) add(size);
    // Multiples of a page, enough of them to make the table grow.
    for (let i = 0; i < 5000; i++) add(65536 + (i % 3000) * 4096);
    expect(counts.entries()).toEqual([...expected].sort(([a], [b]) => a - b));
  });
});
