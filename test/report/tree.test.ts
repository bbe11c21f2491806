// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { LeakAggregator } from '../../ts/aggregate/leaks.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { textWidth } from '../../ts/model/terminal-text.js';
import {
  type TreeNode,
  type TreeOptions,
  type TreeReport,
  treeReport,
} from '../../ts/report/tree.js';
import { treeCsv, treeRows } from '../../ts/report/tree-rows.js';
import { treeText } from '../../ts/text/tree-text.js';
import { TreeState } from '../../ts/tui/tree-state.js';
import { CaptureBuilder } from '../model/capture-builder.js';

/** main → load → node:buffer (700), main → parse → parse (200), main itself (50), a pool thread (50), 30 tiny stacks. */
function report(biggest = 4, options: TreeOptions = {}): TreeReport {
  const capture = new CaptureBuilder();
  const main = capture.js('main', '/app/main.js', 3);
  const load = capture.js('load', '/app/load.js', 14);
  const parse = capture.js('parse', '/app/node_modules/parser/index.js', 40);
  const alloc = capture.js('alloc', 'node:buffer', 400);
  const pool = capture.native('/usr/bin/node', 0x20, 'uv_fs_work');
  const leaks = new LeakAggregator();
  const add = (bytes: number, ...frames: number[]) =>
    leaks.onAlloc(capture.stack(frames), bytes, 0, 1);
  add(700, alloc, load, main);
  add(200, parse, parse, main);
  add(50, main);
  add(49, pool);
  for (let i = 0; i < 30; i++) add(1, capture.js(`tiny${i}`, '/app/tiny.js', i + 1), main);
  return treeReport(leaks.leaked(), new NamedStacks(capture.tables), { biggest, ...options });
}

describe('treeReport', () => {
  test('keeps the biggest stacks and says what it leaves out', () => {
    const { bytes, count, leftOut, full } = report();
    expect([bytes, count]).toEqual([1029, 34]);
    expect(leftOut).toEqual({ stacks: 30, bytes: 30, count: 30 });
    expect(full.tree.totalBytes[0]).toBe(999);
    expect(report(1000).leftOut).toEqual({ stacks: 0, bytes: 0, count: 0 });
  });

  test('as data is nested, largest first, every frame included', () => {
    const { tree, left_out, total_bytes } = report().toJSON();
    expect([total_bytes, left_out.bytes]).toEqual([1029, 30]);
    const brief = ({ function: name, bytes, own_bytes, children }: TreeNode): unknown => [
      `${name} ${bytes} ${own_bytes}`,
      ...children.map(brief),
    ];
    expect(brief(tree)).toEqual([
      'everything 999 0',
      ['main 950 50', ['load 700 0', ['alloc 700 700']], ['parse 200 0', ['parse 200 200']]],
      ['uv_fs_work 49 49'],
    ]);
  });

  test('inverted, allocating frames come first and callers below them', () => {
    const { tree } = report(4, { inverted: true }).toJSON();
    const brief = ({ function: name, bytes, children }: TreeNode): unknown => [
      `${name} ${bytes}`,
      ...children.map(brief),
    ];
    expect(brief(tree)).toEqual([
      'everything 999',
      ['alloc 700', ['load 700', ['main 700']]],
      ['parse 200', ['parse 200', ['main 200']]],
      ['main 50'],
      ['uv_fs_work 49'],
    ]);
    const lines = treeText(report(4, { inverted: true })).split('\n');
    expect(lines[0]).toBe('Memory never freed, allocating frames first: 1.029kB in 34 blocks');
    // What Node.js's own frames hold goes to their callers first.
    expect(lines[2]).toBe('700B  68.0%  ├ load at /app/load.js:14');
  });

  test('as rows has each path once, callers first, the largest first', () => {
    const rows = [...treeRows(report().full)];
    expect(rows.map(({ depth, function: name }) => `${' '.repeat(depth)}${name}`)).toEqual([
      'everything',
      ' main',
      '  load',
      '   alloc',
      '  parse',
      '   parse',
      ' uv_fs_work',
    ]);
    for (const { node, parent, depth } of rows) {
      expect(rows[node]?.node).toBe(node);
      expect(parent === null ? -1 : rows[parent]?.depth).toBe(depth - 1);
    }
    expect(rows.reduce((sum, row) => sum + row.own_bytes, 0)).toBe(999);
    expect([...treeCsv(report().full)].slice(0, 3)).toEqual([
      'node,parent,depth,function,file,line,package,bytes,own_bytes,allocations,own_allocations,module\n',
      '0,,0,everything,,0,,999,0,4,0,\n',
      '1,0,1,main,/app/main.js,3,,950,50,3,1,\n',
    ]);
  });
});

describe('treeText', () => {
  test("indents where stacks part, without Node.js's own frames", () => {
    expect(treeText(report())).toBe(
      [
        'Memory never freed: 1.029kB in 34 blocks',
        '',
        '950B  92.3%  ├ main at /app/main.js:3',
        '700B  68.0%  │ ├ load at /app/load.js:14',
        '200B  19.4%  │ └ parse at /app/node_modules/parser/index.js:40',
        '200B  19.4%  │   parse at /app/node_modules/parser/index.js:40',
        ' 49B   4.8%  └ uv_fs_work at /usr/bin/node',
        '',
        '30B in 30 smaller stacks; --biggest-allocs shows more.',
        '',
      ].join('\n'),
    );
  });

  test.each([80, 120, 200])('fits %d columns', (width) => {
    const lines = treeText(report(100), { width }).split('\n');
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
  });
});

describe('TreeState', () => {
  const shown = (state: TreeState) =>
    state.rows.map(({ node, depth }) => `${' '.repeat(depth)}${state.frame(node).name}`);

  test('starts with the biggest branch open', () => {
    const state = new TreeState(report());
    expect(shown(state)).toEqual(['everything', ' main', '  load', '  parse', ' uv_fs_work']);
    expect(state.selected).toBe(0);
  });

  test('opens, closes and keeps the selection', () => {
    const state = new TreeState(report());
    state.move(3);
    state.enter();
    expect(shown(state)).toEqual([
      'everything',
      ' main',
      '  load',
      '  parse',
      '   parse',
      ' uv_fs_work',
    ]);
    state.enter();
    expect(state.selected).toBe(4);
    state.leave();
    expect(state.selected).toBe(3);
    state.leave();
    state.leave();
    expect(state.frame(state.node).name).toBe('main');
    state.toggle();
    expect(shown(state)).toEqual(['everything', ' main', ' uv_fs_work']);
    state.openBiggest();
    expect(shown(state)).toEqual(['everything', ' main', '  load', '  parse', ' uv_fs_work']);
    state.move(99);
    expect(state.frame(state.node).name).toBe('uv_fs_work');
    state.enter();
    expect(state.rows).toHaveLength(5);
  });

  test('finds forwards and backwards, around the ends, and opens the way', () => {
    const state = new TreeState(report(100));
    const name = () => state.frame(state.node).name;
    expect(state.find('TINY29', 1)).toBe(true);
    expect(name()).toBe('tiny29');
    expect(state.find('parser/', 1)).toBe(true);
    expect([name(), state.rows[state.selected]?.depth]).toEqual(['parse', 2]);
    expect(state.find('parser/', 1)).toBe(true);
    expect(state.rows[state.selected]?.depth).toBe(3);
    expect(state.find('parser/', -1)).toBe(true);
    expect(state.rows[state.selected]?.depth).toBe(2);
    expect(state.find('nothing like it', 1)).toBe(false);
    expect(name()).toBe('parse');
    expect(state.find('node:buffer', 1)).toBe(false);
    state.toggleNodeInternals();
    expect(state.find('node:buffer', 1)).toBe(true);
    expect(name()).toBe('alloc');
  });
});
