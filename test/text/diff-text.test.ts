// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { textWidth } from '../../ts/model/terminal-text.js';
import type { DiffReport, DiffRow } from '../../ts/report/diff.js';
import { diffCsv, diffText } from '../../ts/text/diff-text.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
const ESCAPES = /[\u0000-\u0009\u000b-\u001f]/;

const row = (change: Partial<DiffRow>): DiffRow => {
  const { bytes_before = 0, bytes_after = 0 } = change;
  return {
    status: 'grew',
    function: 'grow',
    file: '/app/a.js',
    line_before: 3,
    line_after: 3,
    package: '',
    via: '',
    bytes_before,
    bytes_after,
    bytes_change: bytes_after - bytes_before,
    allocations_before: 1,
    allocations_after: 2,
    ...change,
  };
};

function report(rows: readonly DiffRow[], rowCount = rows.length): DiffReport {
  const sum = (field: 'bytes_before' | 'bytes_after' | 'bytes_change') =>
    rows.reduce((total, each) => total + each[field], 0);
  return {
    kind: 'peak',
    bytes_before: sum('bytes_before'),
    bytes_after: sum('bytes_after'),
    bytes_change: sum('bytes_change'),
    allocations_before: rows.length,
    allocations_after: rows.length * 2,
    rows,
    row_count: rowCount,
    same_count: rows.filter((each) => each.status === 'same').length,
  };
}

const sample = report([
  row({ bytes_before: 20_000_000, bytes_after: 30_000_000, line_after: 5 }),
  row({
    status: 'gone',
    function: 'old',
    bytes_before: 1_500_000,
    line_after: null,
  }),
  row({ status: 'new', function: 'fresh', bytes_after: 60_000, line_before: null, line_after: 9 }),
  row({
    status: 'same',
    function: 'still',
    file: '/usr/bin/node',
    line_before: 0,
    line_after: 0,
    bytes_before: 11,
    bytes_after: 11,
  }),
]);

describe('diffText', () => {
  test('is a table under the totals', () => {
    expect(diffText(sample)).toBe(
      [
        'Heap at the peak: 21.500MB before, 30.060MB after, +8.560MB (+39.8%)',
        '',
        '   Change    Before     After       %  Location',
        '+10.000MB  20.000MB  30.000MB  +50.0%  grow at /app/a.js:3→5',
        ' -1.500MB   1.500MB        0B    gone  old at /app/a.js:3',
        '+60.000kB        0B  60.000kB     new  fresh at /app/a.js:9',
        '',
        '1 place holds the same as before.',
        '',
      ].join('\n'),
    );
  });

  test.each([80, 120, 200])('fits %d columns', (width) => {
    const long = row({ function: 'f'.repeat(150), file: `/${'d'.repeat(150)}/a.js` });
    const lines = diffText(report([long, ...sample.rows]), { width }).split('\n');
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
    expect(lines[3]).toMatch(/a\.js:3$/);
  });

  test('colours growth red and the rest blue, only when asked', () => {
    expect(diffText(sample)).not.toMatch(ESCAPES);
    const lines = diffText(sample, { colour: true }).split('\n');
    expect(lines[3]).toContain('\u001b[31m+10.000MB');
    expect(lines[4]).toContain('\u001b[34m -1.500MB');
  });

  test('says what was cut, and when there is nothing', () => {
    expect(diffText(report(sample.rows, 6))).toContain(
      '\n\n2 more have changed; --max-rows shows them.\n',
    );
    expect(diffText(report(sample.rows.slice(3)))).toMatch(
      /\n\n1 place holds the same as before.\n$/,
    );
    expect(diffText(report([]))).toContain('No memory in either capture.');
  });

  test('hostile names are inert, in CSV too', () => {
    const evil = report([row({ function: '\u001b[2Jgone\n,"x"', bytes_after: 1 })]);
    expect(diffText(evil)).not.toMatch(ESCAPES);
    expect(diffCsv(evil).split('\n')[1]).toBe(
      'grew,"\ufffd[2Jgone\ufffd,""x""",/app/a.js,3,3,,,0,1,1,1,2',
    );
  });
});

test('diffCsv has a line for each row and nothing where there is no line', () => {
  const lines = diffCsv(sample).trimEnd().split('\n');
  expect(lines).toHaveLength(5);
  expect(lines[0]).toMatch(/^status,function,file,line_before,line_after,/);
  expect(lines[2]).toBe('gone,old,/app/a.js,3,,,,1500000,0,-1500000,1,2');
});
