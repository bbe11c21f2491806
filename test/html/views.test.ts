// SPDX-License-Identifier: MIT
// What the page computes before it draws: other shapes of the tree, layout, search, links.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answeringNodes, ownBytes } from '../../ts/html/app/answering.js';
import { type AppFrame, appFrame } from '../../ts/html/app/app-frame.js';
import { NO_FILTER } from '../../ts/html/app/filters.js';
import { firstBeyond, layOut, nodeOfPath, pathId } from '../../ts/html/app/layout.js';
import { lastValue, plotData } from '../../ts/html/app/plot-data.js';
import { search } from '../../ts/html/app/search.js';
import {
  type Hidden,
  hiddenFrames,
  isLoading,
  shapeWithout,
  withoutEmpty,
} from '../../ts/html/app/shapes.js';
import { hashFromState, INITIAL_STATE, stateFromHash } from '../../ts/html/app/state.js';
import { step } from '../../ts/html/app/steps.js';
import { peakSlice, rangeFromText, rangeText, wholeRange } from '../../ts/html/app/time-range.js';
import { type Selection, type TreeSource, Trees } from '../../ts/html/app/trees.js';
import { bytesText, durationText, percentText } from '../../ts/html/app/units.js';
import { ROOT_FRAME } from '../../ts/model/frame.js';
import { inverted } from '../../ts/model/inverted.js';
import { type StackTree, StackTreeBuilder, withTotals } from '../../ts/model/stack-tree.js';
import { withoutFrames } from '../../ts/model/without-frames.js';

const frame = (name: string, change: object = {}): AppFrame =>
  appFrame({ ...ROOT_FRAME, kind: 'js', name, file: `/${name}.js`, line: 1, ...change });

// 1 main, 2 load, 3 node internal, 4 native, 5 parse, 6 collection
const FRAMES = [
  appFrame(ROOT_FRAME),
  frame('main'),
  frame('load'),
  frame('read', { file: 'node:fs' }),
  frame('malloc', { kind: 'native', file: '/bin/node', line: 0 }),
  frame('parse', { package: 'parser@1.0.0' }),
  frame('(GC)', { kind: 'gc', file: '', line: 0 }),
];

function treeOf(...stacks: [path: number[], bytes: number][]): StackTree {
  const builder = new StackTreeBuilder();
  for (const [path, bytes] of stacks) {
    builder.add(
      path.reduce((above, id) => builder.child(above, id), 0),
      bytes,
      1,
    );
  }
  return builder.finish();
}

const EXAMPLE = treeOf(
  [[1, 2, 3, 4], 100],
  [[1, 5, 4], 40],
  [[1, 5, 6, 4], 9],
  [[3, 4], 7],
  [[1, 2], 3],
);

function texts(tree: StackTree, frames: readonly AppFrame[] = FRAMES): string[] {
  const paths: string[] = [''];
  for (let node = 1; node < tree.size; node++) {
    paths[node] =
      `${paths[tree.parent[node] as number]}/${frames[tree.frame[node] as number]?.name}`;
  }
  return paths.map((path, node) => `${path} ${tree.selfBytes[node]}/${tree.totalBytes[node]}`);
}

describe('withoutFrames', () => {
  test('what hidden frames held goes to the nearest that stays', () => {
    const hidden = FRAMES.map((each) => each.category === 'node');
    expect(texts(withoutFrames(EXAMPLE, hidden, 6))).toEqual([
      ' 0/159',
      '/main 0/152',
      '/main/load 3/103',
      '/main/load/malloc 100/100',
      '/main/parse 0/49',
      '/main/parse/malloc 40/40',
      '/main/parse/(GC) 0/9',
      '/main/parse/(GC)/malloc 9/9',
      '/malloc 7/7',
    ]);
  });

  test('memory that only hidden frames held has a stand-in', () => {
    const hidden = FRAMES.map(() => true);
    expect(texts(withoutFrames(EXAMPLE, hidden, 5))).toEqual([' 0/159', '/parse 159/159']);
  });
});

describe('inverted', () => {
  test('leaves come first, callers below them', () => {
    expect(texts(inverted(EXAMPLE)).sort()).toEqual([
      ' 0/159',
      '/load 0/3',
      '/load/main 3/3',
      '/malloc 0/156',
      '/malloc/(GC) 0/9',
      '/malloc/(GC)/parse 0/9',
      '/malloc/(GC)/parse/main 9/9',
      '/malloc/parse 0/40',
      '/malloc/parse/main 40/40',
      '/malloc/read 7/107',
      '/malloc/read/load 0/100',
      '/malloc/read/load/main 100/100',
    ]);
  });

  test('branches too small to see stay closed, and no byte is lost', () => {
    const tree = treeOf([[1, 2, 4], 1e9], [[1, 5, 4], 3]);
    expect(texts(inverted(tree)).sort()).toEqual([
      ' 0/1000000003',
      '/malloc 0/1000000003',
      '/malloc/load 0/1000000000',
      '/malloc/load/main 1000000000/1000000000',
      '/malloc/parse 3/3',
    ]);
  });
});

describe('answering', () => {
  test('the innermost script answers, a collection for itself; native code has what it allocated', () => {
    const names = Array.from(
      answeringNodes(EXAMPLE, FRAMES),
      (node) => FRAMES[EXAMPLE.frame[node] as number]?.name,
    );
    const layout = layOut(EXAMPLE, FRAMES);
    const own = Array.from(EXAMPLE.frame, (_frame, node) => ownBytes(layout, node));
    const sums = new Map<string, number>();
    for (let node = 1; node < EXAMPLE.size; node++) {
      const name = FRAMES[EXAMPLE.frame[node] as number]?.name ?? '';
      sums.set(name, (sums.get(name) ?? 0) + (own[node] as number));
    }
    expect(names.slice(1)).not.toContain('malloc');
    expect(Object.fromEntries(sums)).toEqual({
      main: 0,
      load: 3,
      read: 107,
      malloc: 156,
      parse: 40,
      '(GC)': 9,
    });
  });
});

/** A page's data as `Trees` wants it; each stack held by the group that stands beside it. */
function source(tree: StackTree, groups: number[] = []): TreeSource {
  const node = Uint32Array.from({ length: tree.size }, (_none, id) => id);
  const group = Uint32Array.from({ length: tree.size }, (_none, id) => groups[id] ?? 0);
  const held = { bytes: tree.selfBytes, count: tree.selfCount };
  return {
    nodes: tree,
    frames: FRAMES,
    memory: { node, group, between: () => held },
    isDifference: false,
    groups: [
      [0, 0],
      [1, 0],
      [2, 1],
    ],
    threads: [
      ['main', 'main', 0],
      ['worker 1', 'worker', 0],
      ['worker 2', 'worker', 1],
    ],
    processes: ['node a.js (pid 1)', 'node b.js (pid 2)'],
    allocators: ['malloc', 'calloc'],
  };
}

const SHOWN: Selection = {
  ...NO_FILTER,
  inverted: false,
  hidden: { node: false, loading: false, modules: false },
};

describe('Trees', () => {
  test('sums say what each line holds, with recursion once', () => {
    const trees = new Trees(source(treeOf([[1, 1, 4], 10], [[1, 4], 5])));
    const sums = trees
      .sums(SHOWN)
      .map((sum) => `${sum.frame.name} ${sum.ownBytes}/${sum.totalBytes}/${sum.count}`);
    expect(sums).toEqual(['main 15/15/2', 'malloc 0/15/2']);
  });

  test('shapes are made once', () => {
    const trees = new Trees(source(EXAMPLE));
    const upside = { ...SHOWN, inverted: true };
    expect(trees.layout(upside)).toBe(trees.layout({ ...upside }));
    expect(trees.layout(upside)).not.toBe(trees.layout(SHOWN));
  });

  test('filters combine, and what holds nothing then is gone', () => {
    // By node: main/load/read/malloc 100, main/parse/malloc 40, main/parse/(GC)/malloc 9, read/malloc 7, main/load 3.
    const groups: number[] = [];
    for (const [node, bytes] of EXAMPLE.selfBytes.entries()) groups[node] = bytes > 30 ? 1 : 2;
    const trees = new Trees(source(EXAMPLE, groups));
    const held = (filter: Partial<Selection>) =>
      texts(trees.shown({ ...SHOWN, ...filter }).tree, trees.frames).filter(
        (text) => !text.includes(' 0/'),
      );
    expect(held({ thread: 'worker 1' })).toEqual([
      '/main/load/read/malloc 100/100',
      '/main/parse/malloc 40/40',
    ]);
    expect(held({ thread: 'all workers' })).toEqual(held({}));
    expect(held({ thread: 'main' })).toEqual([]);
    expect(held({ allocator: 'calloc', package: 'Your code' })).toEqual(['/main/load 3/3']);
    expect(held({ process: 'node a.js (pid 1)' })).toEqual(held({ thread: 'worker 1' }));
    expect(held({ process: 'node b.js (pid 2)', thread: 'main' })).toEqual([]);
    expect(held({ package: 'parser@1.0.0' })).toEqual(['/main/parse/malloc 40/40']);
    expect(held({ package: 'V8' })).toEqual(['/main/parse/(GC)/malloc 9/9']);
    expect(held({ package: 'Node.js', inverted: true })).toEqual(['/malloc/read 7/7']);
    const { node: _node, ...rest } = SHOWN.hidden;
    expect(held({ package: 'Node.js', hidden: { node: true, ...rest } })).toEqual(['/malloc 7/7']);
  });

  test('choices say what each of them holds, and add up to the whole', () => {
    const choices = new Trees(source(EXAMPLE)).choices({});
    expect(choices.thread.map(({ name, bytes }) => `${name} ${bytes}`)).toEqual([
      'all workers 0',
      'main 159',
      'worker 1 0',
      'worker 2 0',
    ]);
    expect(choices.package.map(({ name, bytes }) => `${name} ${bytes}`)).toEqual([
      'Your code 103',
      'parser@1.0.0 40',
      'V8 9',
      'Node.js 7',
    ]);
    expect(choices.allocator).toEqual([{ name: 'malloc', bytes: 159 }]);
    expect(choices.process).toEqual([{ name: 'node a.js (pid 1)', bytes: 159 }]);
  });
});

describe('shapes', () => {
  const hidden = (change: Partial<Hidden>) =>
    shapeWithout(
      EXAMPLE,
      hiddenFrames(FRAMES, { node: false, loading: false, modules: false, ...change }),
      6,
    );

  test('what hidden frames held goes to the nearest that stays', () => {
    const { parent, frame, place } = hidden({ node: true });
    const self = new Float64Array(parent.length);
    for (const [node, at] of place.entries()) {
      self[at] = (self[at] as number) + (EXAMPLE.selfBytes[node] as number);
    }
    expect(texts(withTotals(parent, frame, self, self)).filter((t) => !t.includes(' 0/'))).toEqual([
      '/main/load 3/103',
      '/main/load/malloc 100/100',
      '/main/parse/malloc 40/40',
      '/main/parse/(GC)/malloc 9/9',
      '/malloc 7/7',
    ]);
  });

  test('is the tree that leaving frames out by hand makes, whatever is hidden', () => {
    const path = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 7 });
    const stacks = fc.array(fc.tuple(path, fc.nat(1000)), { maxLength: 30 });
    const some = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(stacks, some, (all, which) => {
        const tree = treeOf(...all);
        const { parent, frame, place } = shapeWithout(tree, Uint8Array.from(which, Number), 6);
        const [self, count] = [new Float64Array(parent.length), new Float64Array(parent.length)];
        for (const [node, at] of place.entries()) {
          self[at] = (self[at] as number) + (tree.selfBytes[node] as number);
          count[at] = (count[at] as number) + (tree.selfCount[node] as number);
        }
        const sums = (shaped: StackTree) => texts(withoutEmpty(shaped)).sort();
        const expected = sums(withoutFrames(tree, which, 6));
        expect(sums(withTotals(parent, frame, self, count))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('native functions with debug information show their lines, others not their module', () => {
    const native = {
      kind: 'native',
      file: '/src/matcher.cc',
      module: '/app/matcher.node',
    } as const;
    expect(frame('Add', { ...native, line: 8 }).place).toBe('matcher.cc:8');
    expect(frame('malloc', { kind: 'native', file: '/bin/node', line: 0 }).place).toBe('');
  });

  test('modules are loaded by Node.js, by hooks and by native code', () => {
    const load = (change: object) => isLoading(frame('x', change));
    expect(load({ file: 'node:internal/modules/cjs/loader' })).toBe(true);
    expect(load({ file: 'node:internal/modules/esm/module_job' })).toBe(true);
    expect(load({ file: 'node:internal/vm/module' })).toBe(true);
    expect(load({ package: 'tsx@4.19.0' })).toBe(true);
    const native = { kind: 'native', file: '/bin/node' };
    expect(
      isLoading(frame('node::loader::ModuleWrap::Evaluate(v8::FunctionCallbackInfo)', native)),
    ).toBe(true);
    expect(isLoading(frame('node::fs::Read()', native))).toBe(false);
    expect(load({ file: 'node:fs' })).toBe(false);
    expect(load({ file: '/app/node:internal/modules/x' })).toBe(false);
    expect(load({ package: 'tsx-plugin@1.0.0' })).toBe(false);
  });

  test('node_modules are hidden wherever they are, native code included', () => {
    const file = '/app/node_modules/sharp/sharp.node';
    const frames = [
      FRAMES[0] as AppFrame,
      frame('a', { file }),
      frame('b', { kind: 'native', file }),
    ];
    const only = { node: false, loading: false, modules: true };
    expect(Array.from(hiddenFrames(frames, only))).toEqual([0, 1, 1]);
  });
});

describe('ranges of time', () => {
  const slices = { edgesMs: [0, 10, 20, 35, 40], exitEdge: 3, peakBytes: [5, 9, 9, 7], peakMs: [] };

  test('the whole ends where the program did', () => {
    expect(wholeRange(slices)).toEqual({ from: 0, to: 3 });
    expect(wholeRange({ ...slices, exitEdge: null })).toEqual({ from: 0, to: 4 });
    expect(rangeText({ from: 0, to: 3 }, slices)).toBe('');
  });

  test('a link says it in milliseconds, and gets the nearest edges', () => {
    expect(rangeText({ from: 1, to: 4 }, slices)).toBe('10-40');
    expect(rangeFromText('10-40', slices)).toEqual({ from: 1, to: 4 });
    expect(rangeFromText('14-26.9', slices)).toEqual({ from: 1, to: 2 });
    expect(rangeFromText('38-38', slices)).toEqual({ from: 3, to: 4 });
    expect(rangeFromText('99-2', slices)).toEqual({ from: 0, to: 4 });
    expect(rangeFromText('nonsense', slices)).toEqual(wholeRange(slices));
  });

  test('of equal peaks the last counts', () => {
    expect(peakSlice(slices.peakBytes, 0, 4)).toBe(2);
    expect(peakSlice(slices.peakBytes, 0, 2)).toBe(1);
    expect(peakSlice(slices.peakBytes, 3, 4)).toBe(3);
  });
});

describe('layOut', () => {
  test('children stand side by side below their parent, the largest first', () => {
    const layout = layOut(EXAMPLE, FRAMES);
    const rows = layout.rows.map((row) =>
      Array.from(
        row,
        (node) => `${FRAMES[EXAMPLE.frame[node] as number]?.name}@${layout.start[node]}`,
      ),
    );
    expect(rows).toEqual([
      ['everything@0'],
      ['main@0', 'read@152'],
      ['load@0', 'parse@103', 'malloc@152'],
      ['read@0', 'malloc@103', '(GC)@143'],
      ['malloc@0', 'malloc@143'],
    ]);
  });

  test('finds the box at a place by its right edge', () => {
    const layout = layOut(EXAMPLE, FRAMES);
    const ends = layout.ends[2] as Float64Array;
    expect([0, 102, 103, 151, 152, 158, 159].map((x) => firstBeyond(ends, x))).toEqual([
      0, 0, 1, 1, 2, 2, 3,
    ]);
  });

  test('finds it from any place before it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { maxLength: 60 }),
        fc.nat(300),
        fc.nat(60),
        (sizes, x, at) => {
          let end = 0;
          const ends = Float64Array.from(sizes, (size) => (end += size));
          const from = Math.min(at, ends.length);
          const found = ends.findIndex((each, i) => i >= from && each > x);
          expect(firstBeyond(ends, x, from)).toBe(found < 0 ? ends.length : found);
        },
      ),
    );
  });

  test('a path id finds its node again in another report of the same program', () => {
    const layout = layOut(EXAMPLE, FRAMES);
    const ids = Array.from({ length: EXAMPLE.size }, (_none, node) => pathId(layout, node));
    expect(new Set(ids).size).toBe(EXAMPLE.size);
    // Another run: other sizes, another order of discovery.
    const other = layOut(treeOf([[1, 5, 4], 999], [[1, 2, 3, 4], 1]), FRAMES);
    const native = nodeOfPath(layout, pathId(other, 3)) as number;
    const names = (tree: StackTree, node: number): string[] =>
      node === 0
        ? []
        : [
            ...names(tree, tree.parent[node] as number),
            FRAMES[tree.frame[node] as number]?.name ?? '',
          ];
    expect(names(EXAMPLE, native)).toEqual(['main', 'parse', 'malloc']);
    expect(nodeOfPath(layout, 'nothing')).toBeUndefined();
  });

  test('arrows lead to neighbours, children and callers', () => {
    const layout = layOut(EXAMPLE, FRAMES);
    const nameOf = (node: number | undefined) =>
      node === undefined ? undefined : FRAMES[EXAMPLE.frame[node] as number]?.name;
    const load = layout.rows[2]?.[0] as number;
    expect(nameOf(step(layout, load, 'outer'))).toBe('main');
    expect(nameOf(step(layout, load, 'inner'))).toBe('read');
    expect(nameOf(step(layout, load, 'after'))).toBe('parse');
    expect(nameOf(step(layout, load, 'before'))).toBeUndefined();
    expect(nameOf(step(layout, 0, 'outer'))).toBeUndefined();
  });
});

describe('search', () => {
  const layout = layOut(EXAMPLE, FRAMES);
  const find = (text: string, regex = false) => search(layout, FRAMES, { text, regex });

  test('adds up what lies under matches, matches inside matches once', () => {
    expect(find('malloc')).toMatchObject({ bytes: 156, count: 4 });
    expect(find('malloc').nodes).toHaveLength(4);
    expect(find('main').bytes).toBe(152);
    expect(find('.js').bytes).toBe(152);
  });

  test('looks at functions, files and packages, whatever their case', () => {
    expect(find('NODE:FS').bytes).toBe(107);
    expect(find('parser@1').bytes).toBe(49);
  });

  test('regular expressions only when asked for', () => {
    expect(find('^(load|parse) ', true).bytes).toBe(152);
    expect(find('^(load|parse) ').nodes).toEqual([]);
    expect(() => find('(', true)).toThrow(SyntaxError);
    expect(find('(').bytes).toBeGreaterThan(0);
  });

  test('lists the largest first', () => {
    const totals = find('malloc').nodes.map((node) => EXAMPLE.totalBytes[node]);
    expect(totals).toEqual([100, 40, 9, 7]);
  });
});

describe('the address bar', () => {
  test('a fragment says the whole state', () => {
    const text = fc.string({ unit: 'grapheme' });
    const state = fc.record({
      view: fc.constantFrom('graph' as const, 'table' as const),
      thread: text,
      process: text,
      allocator: text,
      package: text,
      range: text,
      hideLoading: fc.boolean(),
      hideModules: fc.boolean(),
      zoom: text,
      inverted: fc.boolean(),
      showNode: fc.boolean(),
      query: text,
      regex: fc.boolean(),
    });
    fc.assert(
      fc.property(state, (each) => {
        expect(stateFromHash(`#${hashFromState(each)}`)).toEqual(each);
      }),
    );
  });

  test('an empty fragment is the initial state, and the other way round', () => {
    expect(stateFromHash('')).toEqual(INITIAL_STATE);
    expect(hashFromState(INITIAL_STATE)).toBe('');
    expect(hashFromState({ ...INITIAL_STATE, inverted: true, zoom: 'a-b' })).toBe(
      '/zoom=a-b&inverted',
    );
  });
});

describe('plotData', () => {
  test('merges samples, V8 samples and the peak by time', () => {
    const none: number[] = [];
    const data = plotData({
      process: {
        time_ms: [1000, 2000],
        heap: [5, 6],
        rss: [9, 9],
        committed: none,
        reserved: none,
        file: none,
      },
      js_heap: { time_ms: [1500], used: [3], total: [4], external: [2] },
      peak: { time_ms: 1700, bytes: 8 },
      rss_peak: { time_ms: 0, bytes: 0 },
      reserved_peak: 0,
      gcs: { time_ms: none, pause_ms: none, type: [] },
      gc_totals: [],
      marks: [],
      mark_count: 0,
    });
    expect(data).toEqual({
      times: [1, 1.5, 1.7, 2],
      heap: [5, null, 8, 6],
      rss: [9, null, null, 9],
      jsUsed: [null, 3, null, null],
      jsTotal: [null, 4, null, null],
      external: [null, 2, null, null],
    });
    expect(lastValue(data.jsUsed, 3)).toBe(3);
    expect(lastValue(data.jsUsed, 0)).toBeNull();
  });
});

describe('units', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [12_345, '12.3 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [73_514_000, '73.5 MB'],
    [2.5e12, '2.50 TB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  test.each([
    [0.25, '0.25 ms'],
    [1, '1.00 ms'],
    [999, '999 ms'],
    [1500, '1.50 s'],
    [119_000, '119 s'],
    [125_400, '2 min 5 s'],
    [7_260_000, '2 h 1 min'],
  ])('%d ms are %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  test.each([
    [1, 3, '33.3 %'],
    [1, 40, '2.50 %'],
    [1, 1e6, '< 0.01 %'],
    [9996, 10_000, '100 %'],
    [0, 10, '0.00 %'],
    [0, 0, '0 %'],
  ])('%d of %d is %s', (part, whole, text) => {
    expect(percentText(part, whole)).toBe(text);
  });
});
