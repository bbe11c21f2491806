// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { textWidth } from '../../ts/model/terminal-text.js';
import { summaryReport } from '../../ts/report/summary.js';
import { statsText } from '../../ts/text/stats-text.js';
import { summaryText } from '../../ts/text/summary-text.js';
import { recorded } from '../report/recorded.js';

// biome-ignore lint/complexity/useRegexLiterals: a literal may not hold the character itself
const ESCAPES = new RegExp('\u001b', 'u');

const summary = (options = {}, maxRows?: number) => {
  const { peak, stacks } = recorded();
  const report = summaryReport(peak.peak(), stacks, maxRows === undefined ? {} : { maxRows });
  return summaryText(report, options);
};

describe('statsText', () => {
  test('says everything, in plain text', () => {
    expect(statsText(recorded().stats)).toBe(
      [
        'Total allocations:      5',
        'Total memory allocated: 5.593kB',
        'Peak memory usage:      4.593kB at 1.500 s',
        'Live at the end:        4.090kB in 3 blocks',
        'Peak resident set size: 9.000kB',
        '',
        'Histogram of allocation size:',
        '  <=    125B: 1 ▇▇▇▇▇▇▇▇▇▇▇▇▇',
        '  <=    178B: 0',
        '  <=    254B: 0',
        '  <=    362B: 0',
        '  <=    515B: 1 ▇▇▇▇▇▇▇▇▇▇▇▇▇',
        '  <=    733B: 0',
        '  <= 1.043kB: 2 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇',
        '  <= 1.483kB: 0',
        '  <= 2.109kB: 0',
        '  <= 3.001kB: 1 ▇▇▇▇▇▇▇▇▇▇▇▇▇',
        '',
        'Allocator type distribution:',
        '  MALLOC: 4  5.090kB',
        '  CALLOC: 1  503B',
        '',
        'Allocations by thread:',
        '  5.504kB in 4  thread 1',
        '      89B in 1  thread 2',
        '',
        'Top 3 largest allocating locations (by size):',
        '  - alloc:node:buffer:400 -> 5.001kB',
        '  - parse:/app/node_modules/parser/index.js:40 -> 503B',
        '  - uv_fs_work -> 89B',
        '',
        'Top 3 largest allocating locations (by number of allocations):',
        '  - alloc:node:buffer:400 -> 3',
        '  - parse:/app/node_modules/parser/index.js:40 -> 1',
        '  - uv_fs_work -> 1',
        '',
        'Top 3 largest allocating packages (by size):',
        '  - (program) -> 5.001kB',
        '  - parser@1.2.3 -> 503B',
        '  - (Node.js and native code) -> 89B',
        '',
        'Top 3 largest allocating packages (by number of allocations):',
        '  - (program) -> 3',
        '  - (Node.js and native code) -> 1',
        '  - parser@1.2.3 -> 1',
        '',
      ].join('\n'),
    );
  });

  test('warnings come first', () => {
    const [first] = statsText(recorded({ trailer: null }).stats).split('\n');
    expect(first).toBe(
      'warning: The capture was cut off: every number covers the first 2.000 s only.',
    );
  });

  test('colours only when asked', () => {
    expect(statsText(recorded().stats)).not.toMatch(ESCAPES);
    expect(statsText(recorded().stats, { colour: true })).toMatch(ESCAPES);
  });

  test('fits the terminal', () => {
    const lines = statsText(recorded().stats, { width: 44 }).split('\n');
    const locations = lines.filter((line) => line.includes(' -> '));
    expect(Math.max(...locations.map(textWidth))).toBeLessThanOrEqual(44);
  });

  test('hostile names are inert', () => {
    const { stats } = recorded({ trailer: { error: '\u001b]0;owned\u0007' } });
    const evil = [{ location: '\u001b[2Jgone\r\n:1', size: 1 }];
    const text = statsText({ ...stats, top_allocations_by_size: evil });
    expect(text).not.toMatch(ESCAPES);
    expect(text).toContain('\ufffd[2Jgone');
  });

  test('lists several processes, told apart by their ids however narrow it is', () => {
    const { stats } = recorded();
    const one = {
      pid: 4242,
      command_line: '',
      start_time: '',
      duration_ms: 1,
      peak_memory: 2_000_000,
      peak_time_ms: 1500,
      peak_rss: 0,
      leaked_bytes: 0,
      end: 'exit',
    };
    const processes = [42, 43].map((pid) => ({
      ...one,
      name: `node /srv/shop/src/worker.js --with-many-options (pid ${pid})`,
    }));
    const text = statsText({ ...stats, processes }, { width: 60 });
    expect(text).toContain('of 2 processes, each at its own peak');
    const lines = text.split('\n').filter((line) => line.includes('(pid '));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe('  2.000MB at 1.500 s  …orker.js --with-many-options (pid 42)');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
  });
});

describe('summaryText', () => {
  test('is a table', () => {
    expect(summary()).toBe(
      [
        'Location                                       <Total>  Total %      Own   Own %  Allocations',
        'main at /app/main.js:3                         4.504kB   98.06%       0B   0.00%            3',
        'node::Allocate() at /usr/bin/node              4.504kB   98.06%       0B   0.00%            3',
        'alloc at node:buffer:400                       4.001kB   87.11%  4.001kB  87.11%            2',
        'load at /app/load.js:14                        4.001kB   87.11%       0B   0.00%            2',
        'parse at /app/node_modules/parser/index.js:40     503B   10.95%     503B  10.95%            1',
        'uv_fs_work at /usr/bin/node                        89B    1.94%      89B   1.94%            1',
        '',
      ].join('\n'),
    );
  });

  test('marks the column that it is sorted by', () => {
    expect(summary({ sortBy: 'own_bytes' }).split('\n')[0]).toContain('<Own>');
    expect(summary({ sortBy: 'function' }).split('\n')[0]).toContain('<Location>');
  });

  test('fits the terminal', () => {
    for (const width of [70, 80, 120]) {
      const widths = summary({ width }).split('\n').map(textWidth);
      expect(Math.max(...widths)).toBeLessThanOrEqual(width);
    }
  });

  test('says what was cut', () => {
    expect(summary({}, 2).split('\n').slice(3)).toEqual([
      '',
      '4 more rows; --max-rows shows them.',
      '',
    ]);
    expect(summary({}, 6)).not.toContain('more rows');
  });

  test('large shares are coloured when colours are asked for', () => {
    const text = summary({ colour: true });
    expect(text).toContain('\u001b[31m 98.06%\u001b[39m');
    expect(text).toContain('\u001b[32m 10.95%\u001b[39m');
    expect(summary()).not.toMatch(ESCAPES);
  });
});
