// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { LeakAggregator } from '../../ts/aggregate/leaks.js';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { MAP_OP, MEMORY_CLASS } from '../../ts/format/constants.js';
import { BlockFeed } from '../support/block-feed.js';

test('what was not freed leaked, by the stack that allocated it', () => {
  const leaks = new LeakAggregator();
  leaks.onAlloc(1, 1009, 0, 1);
  leaks.onAlloc(1, 1013, 0, 1);
  leaks.onAlloc(2, 2003, 1, 1);
  leaks.onFree(1, 1013, 0, 1);
  leaks.onFree(2, 2003, 1, 1);
  const leaked = leaks.leaked();
  expect(leaked).toMatchObject({ kind: 'leaked', totalBytes: 1009, totalCount: 1 });
  expect(Array.from(leaked.rows.stack)).toEqual([1]);
});

test('mappings that are still committed leaked too', () => {
  const leaks = new LeakAggregator();
  const record = { timeNs: 0, address: 0, length: 0, prot: 3, flags: 0, stack: 4 };
  const delta = { class: MEMORY_CLASS.committed, stack: 4, ranges: 1 };
  leaks.onMap({ ...record, op: MAP_OP.mmap, deltas: [{ ...delta, bytes: 16384 }] });
  leaks.onMap({
    ...record,
    op: MAP_OP.munmap,
    deltas: [
      { ...delta, bytes: -4096, ranges: 0 },
      { class: MEMORY_CLASS.reserved, stack: 4, bytes: 99, ranges: 1 },
    ],
  });
  expect(leaks.leaked()).toMatchObject({ totalBytes: 12288, totalCount: 1 });
});

test('agrees with the live view of the peak aggregator', () => {
  const leaks = new LeakAggregator();
  const peak = new PeakAggregator();
  const feed = new BlockFeed(leaks, peak);
  for (let i = 0; i < 500; i++) {
    const id = feed.alloc(i % 7, i, i % 3, i % 2);
    if (i % 2 === 0) feed.free(id);
  }
  expect(leaks.leaked()).toEqual(peak.live());
});
