// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { csvText } from '../../ts/model/csv.js';
import { statsCsv } from '../../ts/text/stats-csv.js';
import { recorded } from '../report/recorded.js';

test('statistics as CSV: a number a line', () => {
  const { stats } = recorded({
    metadata: { command: ['node', 'a,b.js'], execArgv: ['--x', '-y'] },
  });
  const gc = [{ type: 'scavenge', count: 2, pause_ms: 3.5, longest_ms: 2 }];
  const lines = statsCsv({ ...stats, gc, warnings: ['cut, off'] }).split('\n');
  expect(lines[0]).toBe('statistic,name,value');
  expect(lines).toEqual(
    expect.arrayContaining([
      'kind,,allocated',
      'total_bytes_allocated,,5593',
      'allocation_size_histogram,0-125,1',
      'allocator_type_distribution,MALLOC,4',
      'top_allocations_by_size,alloc:node:buffer:400,5001',
      'top_allocations_by_count,uv_fs_work,1',
      'metadata,command_line,"node a,b.js"',
      "metadata,exec_argv,'--x -y",
      'metadata,exit_code,',
      'gc,scavenge count,2',
      'gc,scavenge longest_ms,2',
      'truncated,,false',
      'warnings,1,"cut, off"',
    ]),
  );
  // Every line has three fields, quoted commas apart.
  for (const line of lines.slice(0, -1)) {
    expect(line.replaceAll(/"[^"]*"/g, '').split(',')).toHaveLength(3);
  }
});

test('a spreadsheet runs no name as a formula; package names stay as they are', () => {
  const values = ['=1+1', '+1', '-1', '@SUM(A1)', '@scope/pkg@1.0.0', 'a"b', 'a\nb', '\u001b[31m'];
  const rows = [...values.map((value) => [value, -5] as const), [null, 0] as const];
  expect(csvText(['name', 'bytes'], rows).split('\n')).toEqual([
    'name,bytes',
    "'=1+1,-5",
    "'+1,-5",
    "'-1,-5",
    "'@SUM(A1),-5",
    '@scope/pkg@1.0.0,-5',
    '"a""b",-5',
    'a\ufffdb,-5',
    '\ufffd[31m,-5',
    ',0',
    '',
  ]);
});
