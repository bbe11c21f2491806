// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import type { Profile } from '../../ts/model/profile.js';
import { tableReport } from '../../ts/report/table.js';
import { tableRows } from '../../ts/report/table-rows.js';
import { type Recorded, recorded } from './recorded.js';

function report(from: Recorded = recorded(), profile: Profile = from.peak.peak()) {
  const { stacks, timeline, stats, capture } = from;
  return tableReport({ profile, stacks, timeline, stats, threads: capture.tables.threads });
}

describe('tableRows', () => {
  test('lines outside Node.js answer for what they called; the rest is as recorded', () => {
    const rows = tableRows(report(), { splitThreads: false });
    expect(rows).toEqual([
      {
        function: 'load',
        file: '/app/load.js',
        line: 14,
        package: '',
        allocator: 'malloc',
        thread: null,
        bytes: 4001,
        allocations: 2,
        average_bytes: 2001,
        stacks: 1,
        module: '',
      },
      expect.objectContaining({
        function: 'parse',
        package: 'parser@1.2.3',
        allocator: 'calloc',
        bytes: 503,
        allocations: 1,
      }),
      expect.objectContaining({ function: 'uv_fs_work', module: '/usr/bin/node', bytes: 89 }),
    ]);
  });

  test('an allocator, and on demand a thread, has a row of its own', () => {
    const from = recorded();
    const { capture, feed } = from;
    const load = capture.js('load', '/app/load.js', 14);
    const stack = capture.stack([capture.native('/usr/bin/node', 0x30, 'other'), load]);
    feed.alloc(stack, 100, 0, 2);
    feed.alloc(stack, 10_000, 1, 2);
    const table = report(from);
    const of = (splitThreads: boolean) =>
      tableRows(table, { splitThreads })
        .filter((row) => row.function === 'load')
        .map((row) => [row.allocator, row.thread, row.bytes, row.stacks]);
    expect(of(false)).toEqual([
      ['calloc', null, 10_000, 1],
      ['malloc', null, 4101, 2],
    ]);
    expect(of(true)).toEqual([
      ['calloc', 'thread 2', 10_000, 1],
      ['malloc', 'thread 1', 4001, 1],
      ['malloc', 'thread 2', 100, 1],
    ]);
  });

  test('rows are the whole, whichever way they are split', () => {
    const table = report();
    for (const splitThreads of [false, true]) {
      const rows = tableRows(table, { splitThreads });
      expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(table.total_bytes);
      expect(rows.reduce((sum, { allocations }) => sum + allocations, 0)).toBe(
        table.total_allocations,
      );
    }
  });
});

test('the tree has the stack of every entry', () => {
  const { entries, tree, frames } = report();
  const path = (node: number): string[] =>
    node === 0
      ? []
      : [frames[tree.frame[node] as number]?.name as string, ...path(tree.parent[node] as number)];
  expect(entries.node.map(path)).toEqual([
    ['node::Allocate()', 'alloc', 'load', 'main'],
    ['node::Allocate()', 'parse', 'parse', 'main'],
    ['uv_fs_work'],
  ]);
});
