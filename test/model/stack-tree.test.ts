// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { childLists, StackTreeBuilder } from '../../ts/model/stack-tree.js';

test('equal children are one, whatever the number of nodes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(5), { maxLength: 8 }), { maxLength: 400, size: 'max' }),
      (paths) => {
        const builder = new StackTreeBuilder();
        const expected = new Map<string, number>();
        for (const path of paths) {
          let node = 0;
          for (const frame of path) node = builder.child(node, frame + 1);
          builder.add(node, 3, 1);
          expected.set(path.join('/'), (expected.get(path.join('/')) ?? 0) + 3);
        }
        const tree = builder.finish();
        const prefixes = new Set(
          paths.flatMap((path) => path.map((_, i) => path.slice(0, i + 1).join('/'))),
        );
        expect(tree.size).toBe(prefixes.size + 1);
        expect(tree.totalBytes[0]).toBe(paths.length * 3);
        expect(tree.selfBytes.reduce((sum, bytes) => sum + bytes, 0)).toBe(paths.length * 3);
        expect(tree.selfBytes.filter((bytes) => bytes > 0)).toHaveLength(expected.size);
      },
    ),
  );
});

test('thousands of children of one node stay apart', () => {
  const builder = new StackTreeBuilder();
  const nodes = Array.from({ length: 5000 }, (_none, frame) => builder.child(0, frame));
  expect(new Set(nodes).size).toBe(5000);
  expect(nodes.map((_node, frame) => builder.child(0, frame))).toEqual(nodes);
});

test('child lists hold every node below its parent', () => {
  const parent = Uint32Array.of(0, 0, 1, 0, 1, 3);
  const { first, child } = childLists(parent);
  const childrenOf = (node: number) => Array.from(child.subarray(first[node], first[node + 1]));
  expect([0, 1, 2, 3, 4, 5].map(childrenOf)).toEqual([[1, 3], [2, 4], [], [5], [], []]);
});
