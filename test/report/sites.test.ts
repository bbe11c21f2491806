// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { topSites } from '../../ts/report/sites.js';
import { recorded } from './recorded.js';

describe('topSites', () => {
  test('names the program’s own line, and what it allocated through', () => {
    const { peak, stacks } = recorded();
    expect(topSites(peak.peak(), stacks, 5)).toEqual([
      {
        function: 'load',
        file: '/app/load.js',
        line: 14,
        package: '',
        location: 'load:/app/load.js:14',
        bytes: 4001,
        count: 2,
        share: 4001 / 4593,
        via: 'node::Allocate()',
      },
      expect.objectContaining({ location: 'main:/app/main.js:3', bytes: 503 }),
      expect.objectContaining({ location: 'uv_fs_work', bytes: 89, via: '' }),
    ]);
  });

  test('falls back to a dependency, then to Node.js itself', () => {
    const { capture, feed, peak, stacks } = recorded();
    const dependency = capture.js('dep', '/app/node_modules/dep/i.js', 1);
    const internal = capture.js('boot', 'node:internal/boot', 5);
    feed.alloc(capture.stack([internal, dependency]), 50_000);
    feed.alloc(capture.stack([internal]), 40_000);
    const places = topSites(peak.peak(), stacks, 2).map((site) => site.location);
    expect(places).toEqual(['dep:/app/node_modules/dep/i.js:1', 'boot:node:internal/boot:5']);
  });

  test('of native frames it names the innermost that is no allocator', () => {
    const { capture, feed, peak, stacks } = recorded();
    const line = capture.js('fill', '/app/fill.js', 1);
    const add = capture.native('/app/matcher.node', 0x10, 'Matcher::Add(int)');
    const make = capture.native('/app/matcher.node', 0x20, 'T std::make_unique<Node>()');
    feed.alloc(capture.stack([make, add, line]), 50_000);
    feed.alloc(capture.stack([make, capture.js('grow', '/app/grow.js', 1)]), 40_000);
    const vias = topSites(peak.peak(), stacks, 2).map(({ via }) => via);
    expect(vias).toEqual(['Matcher::Add(int)', 'T std::make_unique<Node>()']);
  });

  test('an empty profile has no sites', () => {
    const { stacks, peak } = recorded();
    const none = { ...peak.peak(), totalBytes: 0 };
    expect(topSites({ ...none, rows: { ...none.rows, size: 0 } }, stacks, 5)).toEqual([]);
  });
});
