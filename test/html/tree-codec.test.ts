// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldSmallFrames } from '../../ts/html/fold.js';
import { packFrames, unpackFrames } from '../../ts/html/page-data.js';
import { decodeNodes, encodeNodes, NumberReader, NumberWriter } from '../../ts/html/tree-codec.js';
import { type Frame, ROOT_FRAME } from '../../ts/model/frame.js';
import { type StackTree, StackTreeBuilder } from '../../ts/model/stack-tree.js';

const frame = (name: string): Frame => ({ ...ROOT_FRAME, kind: 'js', name, file: `/${name}.js` });
const FRAMES = [ROOT_FRAME, ...'abcdef'.split('').map(frame)];

const trees = fc
  .array(
    fc.tuple(
      fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 6 }),
      fc.oneof(fc.nat(5000), fc.maxSafeNat()),
    ),
    { maxLength: 60 },
  )
  .map((stacks) => {
    const builder = new StackTreeBuilder();
    for (const [path, bytes] of stacks) {
      const node = path.reduce((above, id) => builder.child(above, id), 0);
      if (node !== 0) builder.add(node, bytes / 1024 > 2 ** 40 ? 7 : bytes, 1);
    }
    return builder.finish();
  });

/** `path self count` of every node, whatever the order of nodes and the numbers of frames. */
function contents(tree: StackTree, frames: readonly Frame[]): string[] {
  const paths: string[] = [''];
  for (let node = 1; node < tree.size; node++) {
    const name = frames[tree.frame[node] as number]?.name;
    paths[node] = `${paths[tree.parent[node] as number]}/${name}`;
  }
  return paths
    .map((path, node) => `${path} ${tree.selfBytes[node]} ${tree.selfCount[node]}`)
    .sort();
}

describe('the embedded tree', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const { parent, frame } = tree;
        expect(decodeNodes(encodeNodes(tree), tree.size)).toEqual({ parent, frame });
      }),
    );
  });

  test('numbers come back as they were, those below 0 too', () => {
    const whole = fc.oneof(fc.nat(300), fc.nat(2 ** 31), fc.integer({ min: 0, max: 2 ** 51 }));
    fc.assert(
      fc.property(fc.array(whole), (numbers) => {
        const writer = new NumberWriter();
        for (const number of numbers) {
          writer.put(number);
          writer.putSigned(-number);
        }
        const reader = new NumberReader(writer.text());
        for (const number of numbers) {
          expect([reader.next(), reader.nextSigned() + 0]).toEqual([number, 0 - number]);
        }
      }),
    );
  });

  test('frames come back as they were', () => {
    const frames = [...FRAMES, { ...frame('x'), line: 3, column: 9, package: 'p@1.0.0' }];
    const { strings, rows } = packFrames(frames);
    expect(new Set(strings).size).toBe(strings.length);
    expect(unpackFrames(rows, strings)).toEqual(frames);
  });
});

describe('foldSmallFrames', () => {
  test('keeping everything changes nothing', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const fold = foldSmallFrames(tree, FRAMES, tree.size);
        expect(contents(fold.tree, fold.frames)).toEqual(contents(tree, FRAMES));
        expect(fold.folded).toEqual({ frames: 0, bytes: 0 });
      }),
    );
  });

  test('no byte is lost, and what was folded is counted', () => {
    fc.assert(
      fc.property(trees, fc.nat(30), (tree, keep) => {
        const fold = foldSmallFrames(tree, FRAMES, keep);
        expect(fold.tree.totalBytes[0]).toBe(tree.totalBytes[0]);
        expect(fold.tree.totalCount[0]).toBe(tree.totalCount[0]);
        expect(fold.folded.frames).toBe(Math.max(0, tree.size - Math.max(1, keep)));
        const inFolded = Array.from(fold.tree.selfBytes).filter(
          (_bytes, node) => fold.frames[fold.tree.frame[node] as number]?.name === '(folded)',
        );
        expect(inFolded.reduce((sum, bytes) => sum + bytes, 0)).toBe(fold.folded.bytes);
      }),
    );
  });

  test('the largest stay, the smallest go to their caller', () => {
    const builder = new StackTreeBuilder();
    const a = builder.child(0, 1);
    builder.add(builder.child(a, 2), 100, 1);
    builder.add(builder.child(a, 3), 5, 1);
    builder.add(builder.child(builder.child(a, 4), 5), 2, 1);
    builder.add(builder.child(0, 6), 1, 1);
    const fold = foldSmallFrames(builder.finish(), FRAMES, 3);
    expect(contents(fold.tree, fold.frames)).toEqual([
      ' 0 0',
      '/(folded) 1 1',
      '/a 0 0',
      '/a/(folded) 7 2',
      '/a/b 100 1',
    ]);
    expect(fold.folded).toEqual({ frames: 4, bytes: 8 });
    expect(fold.frames.map(({ name }) => name)).not.toContain('c');
  });
});
