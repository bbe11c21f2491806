// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { STACK_IN_GC } from '../../ts/format/constants.js';
import { flamegraphReport } from '../../ts/report/flamegraph.js';
import { recorded } from './recorded.js';

test('the flame graph report is plain data and holds the whole peak', () => {
  const { stacks, peak, stats, timeline } = recorded();
  const report = flamegraphReport({ profile: peak.peak(), stacks, stats, timeline });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(report.kind).toBe('peak');
  const paths: string[] = [];
  for (const [node, parent] of report.tree.parent.entries()) {
    const name = report.frames[report.tree.frame[node] ?? -1]?.name;
    paths[node] = node === 0 ? '' : `${paths[parent]}/${name}`;
  }
  const self = paths.map((path, node) => `${path} ${report.tree.self_bytes[node]}`);
  expect(self).toEqual([
    ' 0',
    '/main 0',
    '/main/load 0',
    '/main/load/alloc 0',
    '/main/load/alloc/node::Allocate() 4001',
    '/main/parse 0',
    '/main/parse/parse 0',
    '/main/parse/parse/node::Allocate() 503',
    '/uv_fs_work 89',
  ]);
});

test('its title is the command unless another is given', () => {
  const { stacks, peak, stats, timeline } = recorded({ metadata: { command: ['node', 'x.js'] } });
  const input = { profile: peak.peak(), stacks, stats, timeline };
  expect(flamegraphReport(input).title).toBe('node x.js');
  expect(flamegraphReport({ ...input, title: 'nightly' }).title).toBe('nightly');
});

test('threads apart: each stands below a frame of its own', () => {
  const { stacks, peak, feed, stats, timeline, capture } = recorded();
  const main = capture.js('main', '/app/main.js', 3);
  feed.alloc(capture.stack([main]), 10_000, 0, 2);
  feed.alloc(capture.stack([main], STACK_IN_GC), 7, 0, 2);
  feed.alloc(capture.stack([]), 5, 0, 2);
  const input = { profile: peak.peak(), stacks, stats, timeline };
  const { frames, tree } = flamegraphReport({ ...input, threadName: (id) => `thread ${id}` });
  const paths: string[] = [];
  for (const [node, parent] of tree.parent.entries()) {
    const name = frames[tree.frame[node] ?? -1]?.name;
    paths[node] = node === 0 ? '' : `${paths[parent]}/${name}`;
  }
  const held = paths.map((path, node) => `${path} ${tree.self_bytes[node]}`);
  expect(held.filter((text) => !text.endsWith(' 0')).sort()).toEqual([
    '/thread 1/main/load/alloc/node::Allocate() 4001',
    '/thread 2/(no stack) 5',
    '/thread 2/main 10000',
    '/thread 2/main/(GC) 7',
    '/thread 2/uv_fs_work 89',
  ]);
});

test('frames have the text of their lines, where there is one', () => {
  const { stacks, peak, stats, timeline } = recorded();
  const report = flamegraphReport({
    profile: peak.peak(),
    stacks,
    stats,
    timeline,
    sourceLines: (frames) => frames.map(({ name }) => (name === 'load' ? 'return 1;' : undefined)),
  });
  const named = report.frames.filter(({ source }) => source !== undefined);
  expect(named.map(({ name, source }) => [name, source])).toEqual([['load', 'return 1;']]);
});
