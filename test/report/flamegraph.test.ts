// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
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
