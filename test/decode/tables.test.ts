// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { Tables } from '../../ts/decode/tables.js';
import { FRAME_KIND } from '../../ts/format/constants.js';

it('0 and what was never defined read as none', () => {
  const tables = new Tables();
  for (const id of [0, 1, 1_000_000]) {
    expect(tables.string(id)).toBe('');
    expect(tables.function(id)).toBeNull();
    expect(tables.frame(id)).toBeNull();
    expect(tables.stackFrames(id)).toEqual([]);
    expect(tables.module(id)).toBeNull();
    expect(tables.symbols(id, 0)).toEqual([]);
  }
});

it('F-12: frames of a stack, leaf first', () => {
  const tables = new Tables();
  const [outer, middle, leaf] = ['outer', 'middle', 'leaf'].map((name) =>
    tables.addFrame(FRAME_KIND.label, tables.addString(name), 0, 0, 0),
  ) as [number, number, number];
  const root = tables.addNode(0, outer);
  const node = tables.addNode(tables.addNode(root, middle), leaf);
  expect(tables.stackFrames(tables.addStack(node, 0))).toEqual([leaf, middle, outer]);
  expect(tables.stackFrames(tables.addStack(root, 0))).toEqual([outer]);
});

it('identifiers whose definition was lost stay empty', () => {
  const tables = new Tables();
  tables.next.string = 100;
  tables.next.frame = 50;
  expect(tables.addString('late')).toBe(100);
  expect(tables.string(99)).toBe('');
  expect(tables.frame(10)).toBeNull();
});

describe('modules', () => {
  const module = { module: 1, path: 'a.so', buildId: '', base: 0, end: 10, bias: 0 };

  it('have a version for each time they were loaded', () => {
    const tables = new Tables();
    tables.setModule(module, true, 10);
    tables.setModule(module, false, 20);
    tables.setModule({ ...module, base: 100, end: 110 }, true, 30);
    expect(tables.modules.get(1)).toHaveLength(2);
    expect(tables.module(1, 15)).toMatchObject({ base: 0, loadedNs: 10, unloadedNs: 20 });
    expect(tables.module(1, 40)).toMatchObject({ base: 100, unloadedNs: null });
    expect(tables.module(1)?.base).toBe(100);
    expect(tables.module(1, 5)?.base).toBe(0);
  });

  it('may be unloaded though their load was lost', () => {
    const tables = new Tables();
    tables.setModule(module, false, 20);
    expect(tables.module(1)).toMatchObject({ loadedNs: 0, unloadedNs: 20 });
  });
});

it('symbols are sorted by depth, and later ones replace earlier', () => {
  const tables = new Tables();
  const symbol = (name: string, inlined: number) => ({
    function: name,
    file: '',
    line: 1,
    inlined,
  });
  for (const s of [symbol('c', 2), symbol('a', 0), symbol('b', 1), symbol('B', 1)]) {
    tables.addSymbol(3, 0x10, s);
  }
  expect(tables.symbols(3, 0x10).map((s) => s.function)).toEqual(['a', 'B', 'c']);
  expect(tables.symbols(3, 0x11)).toEqual([]);
});

it('threads gather what is said about them', () => {
  const tables = new Tables();
  tables.setThread(4, { name: 'early' });
  tables.setThread(4, { kind: 'worker', osTid: 9 });
  tables.setThread(4, { endNs: 7 });
  expect(tables.threads.get(4)).toMatchObject({
    name: 'early',
    kind: 'worker',
    osTid: 9,
    endNs: 7,
  });
});

it('numbers beyond 31 bits are kept as the largest that fits', () => {
  const tables = new Tables();
  const id = tables.addFunction([0, 0, 2 ** 40, 1, 1]);
  expect(tables.function(id)?.line).toBe(2 ** 31 - 1);
});
