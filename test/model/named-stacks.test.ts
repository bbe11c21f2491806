// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { STACK_CUT, STACK_IN_GC, STACK_JS_UNKNOWN } from '../../ts/format/constants.js';
import { frameText } from '../../ts/model/frame.js';
import { frameTotals } from '../../ts/model/frame-totals.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import type { ProfileRows } from '../../ts/model/profile.js';
import type { StackTree } from '../../ts/model/stack-tree.js';
import { CaptureBuilder } from './capture-builder.js';

function rowsOf(...rows: [stack: number, bytes: number, count: number][]): ProfileRows {
  return {
    size: rows.length,
    stack: Uint32Array.from(rows, ([stack]) => stack),
    thread: new Uint32Array(rows.length),
    allocator: new Uint8Array(rows.length),
    bytes: Float64Array.from(rows, ([, bytes]) => bytes),
    count: Float64Array.from(rows, ([, , count]) => count),
  };
}

/** `path self/total` for each node, root first. */
function treeTexts(tree: StackTree, stacks: NamedStacks): string[] {
  const paths: string[] = [];
  for (let node = 0; node < tree.size; node++) {
    const { name, line } = stacks.frames.get(tree.frame[node] as number);
    const label = line > 0 ? `${name}:${line}` : name;
    const above = paths[tree.parent[node] as number];
    paths[node] = node === 0 ? '' : `${above}/${label}`;
  }
  return paths.map((path, node) => `${path} ${tree.selfBytes[node]}/${tree.totalBytes[node]}`);
}

describe('NamedStacks.tree', () => {
  test('stacks share their outer frames, and totals add up to the root', () => {
    const capture = new CaptureBuilder();
    const main = capture.js('main', '/a.js', 1);
    const one = capture.js('one', '/a.js', 10);
    const two = capture.js('two', '/a.js', 20);
    const stacks = new NamedStacks(capture.tables);
    const tree = stacks.tree(
      rowsOf([capture.stack([one, main]), 100, 1], [capture.stack([two, main]), 30, 2]),
    );
    expect(treeTexts(tree, stacks)).toEqual([
      ' 0/130',
      '/main:1 0/130',
      '/main:1/one:10 100/100',
      '/main:1/two:20 30/30',
    ]);
    expect(tree.totalCount[0]).toBe(3);
  });

  test('the same line in several tiers of code is one frame', () => {
    const capture = new CaptureBuilder();
    const cold = capture.stack([capture.js('hot', '/a.js', 5, 'interpreted')]);
    const warm = capture.stack([capture.js('hot', '/a.js', 5, 'baseline')]);
    const hot = capture.stack([capture.js('hot', '/a.js', 5, 'turbofan')]);
    const stacks = new NamedStacks(capture.tables);
    const tree = stacks.tree(rowsOf([cold, 1, 1], [warm, 2, 1], [hot, 4, 1]));
    expect(treeTexts(tree, stacks)).toEqual([' 0/7', '/hot:5 7/7']);
  });

  test('calls from two columns of a line are one frame without a column', () => {
    const capture = new CaptureBuilder();
    const left = capture.stack([capture.js('f', '/a.js', 5, 'interpreted', 3)]);
    const right = capture.stack([capture.js('f', '/a.js', 5, 'interpreted', 30)]);
    const stacks = new NamedStacks(capture.tables);
    expect(stacks.tree(rowsOf([left, 1, 1], [right, 1, 1])).size).toBe(2);
    expect(stacks.frames.get(1)).toMatchObject({ name: 'f', line: 5, column: 0 });
  });

  test('inlined native functions nest inside their caller', () => {
    const capture = new CaptureBuilder();
    const leaf = capture.native('/bin/node', 1, 'outer()', 'inner()');
    const stacks = new NamedStacks(capture.tables);
    const tree = stacks.tree(rowsOf([capture.stack([leaf, capture.js('f', '/a.js', 1)]), 8, 1]));
    expect(treeTexts(tree, stacks).at(-1)).toBe('/f:1/outer()/inner() (inlined) 8/8');
  });

  test('flags of a stack are visible: cut, JavaScript unknown, collecting', () => {
    const capture = new CaptureBuilder();
    const f = capture.js('f', '/a.js', 1);
    const stacks = new NamedStacks(capture.tables);
    const tree = stacks.tree(
      rowsOf(
        [capture.stack([f]), 1, 1],
        [capture.stack([f], STACK_CUT), 2, 1],
        [capture.stack([f], STACK_JS_UNKNOWN), 4, 1],
        [capture.stack([f], STACK_IN_GC), 8, 1],
      ),
    );
    expect(treeTexts(tree, stacks)).toEqual([
      ' 0/15',
      '/f:1 1/9',
      '/(outer frames cut) 0/2',
      '/(outer frames cut)/f:1 2/2',
      '/(JavaScript frames unknown) 0/4',
      '/(JavaScript frames unknown)/f:1 4/4',
      '/f:1/(GC) 8/8',
    ]);
  });

  test('a collection that is labelled already is not labelled twice', () => {
    const capture = new CaptureBuilder();
    const f = capture.js('f', '/a.js', 1);
    const stack = capture.stack(
      [capture.native('/bin/node', 1), capture.label('(GC)'), f],
      STACK_IN_GC,
    );
    const stacks = new NamedStacks(capture.tables);
    expect(treeTexts(stacks.tree(rowsOf([stack, 8, 1])), stacks).at(-1)).toBe(
      '/f:1/(GC)/node+0x1 8/8',
    );
  });

  test('memory without a stack has a place of its own', () => {
    const stacks = new NamedStacks(new CaptureBuilder().tables);
    const tree = stacks.tree(rowsOf([0, 64, 1], [12345, 1, 1]));
    expect(treeTexts(tree, stacks)).toEqual([' 0/65', '/(no stack) 65/65']);
  });

  test('a thousand frames deep', () => {
    const capture = new CaptureBuilder();
    const frames = Array.from({ length: 1024 }, (_none, line) =>
      capture.js('f', '/a.js', line + 1),
    );
    const stacks = new NamedStacks(capture.tables);
    const tree = stacks.tree(rowsOf([capture.stack(frames), 7, 1]));
    expect(tree.size).toBe(1025);
    expect(frameTotals(tree, stacks.frames.size).bytes[500]).toBe(7);
  });
});

describe('frameTotals', () => {
  test('recursion counts once, however it comes back', () => {
    const capture = new CaptureBuilder();
    const f = capture.js('f', '/a.js', 1);
    const g = capture.js('g', '/a.js', 2);
    const stacks = new NamedStacks(capture.tables);
    const tree = stacks.tree(
      rowsOf(
        [capture.stack([f]), 1, 1],
        [capture.stack([f, f]), 2, 1],
        [capture.stack([f, g, f]), 4, 1],
        [capture.stack([g, f, g]), 8, 1],
        [capture.stack([g]), 16, 1],
      ),
    );
    const totals = frameTotals(tree, stacks.frames.size);
    const totalOf = (name: string) => {
      const id = stacks.frames.all().findIndex((frame) => frame.name === name);
      return [totals.bytes[id], totals.count[id]];
    };
    expect(totalOf('f')).toEqual([15, 4]);
    expect(totalOf('g')).toEqual([28, 3]);
  });
});

describe('NamedStacks.site', () => {
  const capture = new CaptureBuilder();
  const native = capture.native('/bin/node', 1, 'operator new');
  const builtin = capture.builtin('ArrayPush');
  const app = capture.js('app', '/a.js', 1);
  const internal = capture.js('alloc', 'node:buffer', 9);
  const gc = capture.label('(GC)');
  const stacks = new NamedStacks(capture.tables);
  const siteOf = (frames: number[], flags = 0) =>
    frameText(stacks.frames.get(stacks.site(capture.stack(frames, flags))));

  test('the innermost JavaScript frame answers for native code below it', () => {
    expect(siteOf([native, builtin, app])).toBe('app (/a.js:1)');
    expect(siteOf([native, internal, app])).toBe('alloc (node:buffer:9)');
  });

  test('without JavaScript the innermost native frame does that is more than a means to allocate', () => {
    const load = 'std::vector<int, std::allocator<int> > load<int>(char const*)';
    const push = 'void std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int&&)';
    const caller = capture.native('/bin/node', 2, load, push);
    const main = capture.native('/bin/node', 3, 'main');
    expect(siteOf([native, caller, main])).toBe(`${load} (/bin/node)`);
    expect(siteOf([native, main])).toBe('main (/bin/node)');
    expect(siteOf([native])).toBe('operator new (/bin/node)');
  });

  test('collections answer for themselves', () => {
    expect(siteOf([native, gc, app])).toBe('(GC)');
    expect(siteOf([native, app], STACK_IN_GC)).toBe('(GC)');
  });

  test('so does memory without a stack', () => {
    expect(siteOf([])).toBe('(no stack)');
  });

  test('ownSite looks outwards for code of one kind', () => {
    const isApp = (frame: { file: string }) => frame.file === '/a.js';
    const own = (frames: number[]) =>
      stacks.frames.get(stacks.ownSite(capture.stack(frames), isApp)).name;
    expect(own([native, internal, app])).toBe('app');
    expect(own([native, internal])).toBe('alloc');
    expect(own([native, gc, app])).toBe('(GC)');
  });
});
