// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { summaryReport } from '../../ts/report/summary.js';
import { recorded } from './recorded.js';

const report = (options = {}) => {
  const { peak, stacks } = recorded();
  return summaryReport(peak.peak(), stacks, options);
};

describe('summaryReport', () => {
  test('has every line that held memory at the peak; recursion counts once', () => {
    const texts = report().rows.map(
      (row) =>
        `${row.function} ${row.file}:${row.line} ${row.total_bytes} ${row.own_bytes} ${row.allocations}`,
    );
    expect(texts).toEqual([
      'main /app/main.js:3 4504 0 3',
      'node::Allocate() /usr/bin/node:0 4504 0 3',
      'alloc node:buffer:400 4001 4001 2',
      'load /app/load.js:14 4001 0 2',
      'parse /app/node_modules/parser/index.js:40 503 503 1',
      'uv_fs_work /usr/bin/node:0 89 89 1',
    ]);
  });

  test('own bytes of all rows are all bytes', () => {
    const { rows, total_bytes } = report();
    expect(rows.reduce((sum, row) => sum + row.own_bytes, 0)).toBe(total_bytes);
    expect(total_bytes).toBe(4593);
  });

  test('rows carry exactly the documented keys, and the package', () => {
    expect(report().rows[4]).toEqual({
      function: 'parse',
      file: '/app/node_modules/parser/index.js',
      line: 40,
      total_bytes: 503,
      own_bytes: 503,
      allocations: 1,
      package: 'parser@1.2.3',
      module: '',
    });
  });

  test('maxRows cuts and says how many there are', () => {
    const cut = report({ maxRows: 2 });
    expect(cut.rows).toHaveLength(2);
    expect(cut.row_count).toBe(6);
  });

  test.each([
    ['own_bytes', 'alloc'],
    ['allocations', 'main'],
    ['function', 'alloc'],
    ['total_bytes', 'main'],
  ])('sorted by %s, %s comes first', (sortBy, first) => {
    expect(report({ sortBy }).rows[0]?.function).toBe(first);
  });

  test('labels that only describe a stack are no rows', () => {
    const { capture, stacks, peak, feed } = recorded();
    const cut = capture.stack([capture.js('deep', '/app/deep.js', 1)], 1);
    feed.alloc(cut, 10_000);
    const names = summaryReport(peak.peak(), stacks).rows.map((row) => row.function);
    expect(names).toContain('deep');
    expect(names).not.toContain('(outer frames cut)');
  });
});
