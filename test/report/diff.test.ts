// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { LeakAggregator } from '../../ts/aggregate/leaks.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { type DiffRow, type DiffSide, diffReport } from '../../ts/report/diff.js';
import { CaptureBuilder } from '../model/capture-builder.js';

interface Held {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly bytes: number;
  readonly blocks?: number;
}

/** What functions hold, each calling into Node.js; the program's own are called by main. */
function side(held: readonly Held[], cwd = '/app'): DiffSide {
  const capture = new CaptureBuilder();
  const native = capture.native('/usr/bin/node', 0x10, 'node::Allocate()');
  const leaks = new LeakAggregator();
  for (const { name, file, line, bytes, blocks = 1 } of held) {
    const main = capture.js('main', `${cwd}/main.js`, 1);
    const own = capture.js(name, file, line);
    const callers = file.includes('node_modules') ? [own] : [own, main];
    const stack = capture.stack([native, capture.js('alloc', 'node:buffer', 7), ...callers]);
    for (let i = 0; i < blocks; i++) leaks.onAlloc(stack, bytes / blocks, 0, 1);
  }
  return { profile: leaks.leaked(), stacks: new NamedStacks(capture.tables), cwd };
}

const brief = (row: DiffRow | undefined) =>
  row && [row.status, row.function, row.line_before, row.line_after, row.bytes_change];

describe('diffReport', () => {
  test('says what grew, shrank, is new, is gone and is the same, the largest change first', () => {
    const before = side([
      { name: 'grow', file: '/app/a.js', line: 3, bytes: 1000, blocks: 2 },
      { name: 'shrink', file: '/app/a.js', line: 9, bytes: 500 },
      { name: 'old', file: '/app/b.js', line: 1, bytes: 70 },
      { name: 'still', file: '/app/b.js', line: 5, bytes: 11 },
    ]);
    const after = side([
      { name: 'grow', file: '/app/a.js', line: 3, bytes: 1900, blocks: 5 },
      { name: 'shrink', file: '/app/a.js', line: 9, bytes: 100 },
      { name: 'fresh', file: '/app/b.js', line: 2, bytes: 60 },
      { name: 'still', file: '/app/b.js', line: 5, bytes: 11 },
    ]);
    const report = diffReport(before, after);
    expect(report.rows.map(brief)).toEqual([
      ['grew', 'grow', 3, 3, 900],
      ['shrank', 'shrink', 9, 9, -400],
      ['gone', 'old', 1, null, -70],
      ['new', 'fresh', null, 2, 60],
      ['same', 'still', 5, 5, 0],
    ]);
    expect(report).toMatchObject({
      bytes_before: 1581,
      bytes_after: 2071,
      bytes_change: 490,
      allocations_before: 5,
      allocations_after: 8,
    });
    expect(report.rows[0]).toMatchObject({
      file: '/app/a.js',
      via: 'node::Allocate()',
      bytes_before: 1000,
      bytes_after: 1900,
      allocations_before: 2,
      allocations_after: 5,
    });
    const sum = report.rows.reduce((total, row) => total + row.bytes_change, 0);
    expect(sum).toBe(report.bytes_change);
    expect(diffReport(before, after, { maxRows: 2 })).toMatchObject({
      rows: report.rows.slice(0, 2),
      row_count: 5,
    });
  });

  test('follows functions whose lines shifted, in order', () => {
    const before = side([
      { name: '(anonymous)', file: '/app/a.js', line: 10, bytes: 100 },
      { name: '(anonymous)', file: '/app/a.js', line: 20, bytes: 200 },
      { name: '(anonymous)', file: '/app/a.js', line: 30, bytes: 300 },
    ]);
    const after = side([
      { name: '(anonymous)', file: '/app/a.js', line: 35, bytes: 300 },
      { name: '(anonymous)', file: '/app/a.js', line: 20, bytes: 100 },
      { name: '(anonymous)', file: '/app/a.js', line: 25, bytes: 250 },
    ]);
    expect(diffReport(before, after).rows.map(brief)).toEqual([
      ['grew', '(anonymous)', 20, 25, 50],
      ['same', '(anonymous)', 30, 35, 0],
      ['same', '(anonymous)', 10, 20, 0],
    ]);
  });

  test('compares a function as a whole when it allocates on more lines than before', () => {
    const before = side([{ name: 'load', file: '/app/a.js', line: 10, bytes: 100 }]);
    const after = side([
      { name: 'load', file: '/app/a.js', line: 11, bytes: 90 },
      { name: 'load', file: '/app/a.js', line: 14, bytes: 40 },
    ]);
    expect(diffReport(before, after).rows.map(brief)).toEqual([['grew', 'load', 10, 11, 30]]);
  });

  test('knows the same code in another folder, package folder or file', () => {
    const before = side(
      [
        { name: 'own', file: '/build/1/src/a.js', line: 1, bytes: 10 },
        { name: 'dep', file: '/build/1/node_modules/lib/x.js', line: 2, bytes: 20 },
        { name: 'dep', file: '/build/1/node_modules/other/x.js', line: 2, bytes: 21 },
        { name: 'went', file: '/build/1/src/old/util.js', line: 3, bytes: 30 },
        { name: 'twice', file: '/build/1/src/p/util.js', line: 4, bytes: 40 },
        { name: 'twice', file: '/build/1/src/q/util.js', line: 4, bytes: 50 },
      ],
      '/build/1',
    );
    const after = side(
      [
        { name: 'own', file: '/build/22/src/a.js', line: 1, bytes: 10 },
        { name: 'dep', file: '/opt/shared/node_modules/lib/x.js', line: 2, bytes: 20 },
        { name: 'dep', file: '/opt/shared/node_modules/other/x.js', line: 2, bytes: 21 },
        { name: 'went', file: '/build/22/src/new/util.js', line: 3, bytes: 30 },
        { name: 'twice', file: '/build/22/src/r/util.js', line: 4, bytes: 40 },
      ],
      '/build/22',
    );
    const { rows } = diffReport(before, after);
    const status = (name: string) =>
      rows.filter((row) => row.function === name).map((row) => row.status);
    expect(status('own')).toEqual(['same']);
    expect(status('dep')).toEqual(['same', 'same']);
    expect(status('went')).toEqual(['same']);
    // Which of the two it came from cannot be told.
    expect(status('twice').sort()).toEqual(['gone', 'gone', 'new']);
  });

  test('has nothing to say of two empty captures', () => {
    expect(diffReport(side([]), side([]))).toMatchObject({ rows: [], bytes_change: 0 });
  });
});
