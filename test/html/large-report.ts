// SPDX-License-Identifier: MIT
// A report of as many nodes as are wanted, shaped like a real one: long chains that branch, a few large, most of them tiny.

import type { Frame } from '../../ts/model/frame.js';
import { ROOT_FRAME } from '../../ts/model/frame.js';
import type { FlamegraphReport } from '../../ts/report/flamegraph-report.js';
import { randomSource, sampleReport } from './sample-report.js';

const DISTINCT_FRAMES = 30_000;
const DEEPEST = 90;

export function largeReport(nodes: number): FlamegraphReport {
  const random = randomSource(5);
  const frames = Array.from({ length: DISTINCT_FRAMES }, (_none, id) => frameOf(id));
  const parent = [0];
  const frame = [0];
  const depth = [0];
  while (parent.length < nodes) {
    // The square prefers early nodes: some subtrees grow huge, most stay small.
    let above = Math.floor(parent.length * (random(1_000_000) / 1_000_000) ** 2);
    for (let left = 1 + random(12); left > 0 && parent.length < nodes; left--) {
      const level = (depth[above] as number) + 1;
      if (level > DEEPEST) break;
      parent.push(above);
      frame.push(1 + random(DISTINCT_FRAMES - 1));
      depth.push(level);
      above = parent.length - 1;
    }
  }
  const isInner = new Uint8Array(parent.length);
  for (const above of parent) isInner[above] = 1;
  const held = (node: number) => (isInner[node] === 1 ? 0 : 16 + random(1 << random(18)));
  const bytes = parent.map((_above, node) => held(node));
  const node = [...parent.keys()].filter((each) => isInner[each] === 0);
  return {
    ...sampleReport(),
    frames,
    tree: { parent, frame, self_bytes: bytes, self_count: bytes.map((size) => (size > 0 ? 1 : 0)) },
    entries: {
      node,
      thread: node.map(() => 1),
      allocator: node.map(() => 0),
      bytes: node.map((each) => bytes[each] as number),
      count: node.map(() => 1),
    },
  };
}

function frameOf(id: number): Frame {
  if (id === 0) return ROOT_FRAME;
  const rest = { line: 1 + (id % 4000), column: 0, package: '', module: '' };
  if (id % 11 === 0) {
    return { ...rest, kind: 'js', name: `internal${id}`, file: `node:internal/part${id % 40}` };
  }
  if (id % 7 === 0) {
    return {
      ...rest,
      kind: 'native',
      name: `v8::internal::Function${id}(int)`,
      file: '/usr/bin/node',
      module: '/usr/bin/node',
    };
  }
  const name = `package${id % 300}`;
  const file = `/srv/app/node_modules/${name}/lib/file${id % 900}.js`;
  return { ...rest, kind: 'js', name: `function${id}`, file, package: `${name}@1.${id % 9}.0` };
}
