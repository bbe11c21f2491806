// SPDX-License-Identifier: MIT
// A table of any length, with names, threads and packages in a pattern that can be counted.

import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { type TableReport, tableReport } from '../../ts/report/table.js';
import { CaptureBuilder } from '../model/capture-builder.js';
import { BlockFeed } from '../support/block-feed.js';
import { sampleReport } from './sample-report.js';

export interface SampleTableOptions {
  /** Each has a line of its own and two stacks. */
  readonly lines?: number;
  readonly hostileName?: string;
}

/**
 * Line i holds 1000 + i bytes, two thirds of them on thread 1; every tenth is of package left-pad,
 * every other by calloc.
 */
export function sampleTable({ lines = 40, hostileName }: SampleTableOptions = {}): TableReport {
  const builder = new CaptureBuilder();
  const peak = new PeakAggregator();
  const feed = new BlockFeed(peak);
  const pad = '/srv/node_modules/left-pad/index.js';
  builder.package(pad, 'left-pad', '1.3.0');
  builder.tables.setThread(1, { kind: 'main' });
  builder.tables.setThread(2, { kind: 'worker', name: hostileName ?? 'resize' });
  const main = builder.js('main', '/srv/main.js', 1);
  const other = builder.js('other', '/srv/main.js', 2);
  for (let i = 0; i < lines; i++) {
    const name = hostileName !== undefined && i === lines - 1 ? hostileName : `work${i}`;
    const line = builder.js(name, i % 10 === 0 ? pad : '/srv/work.js', i + 1);
    const bytes = 1000 + i;
    const first = Math.floor((bytes * 2) / 3);
    feed.alloc(builder.stack([line, main]), first, i % 2, 1);
    feed.alloc(builder.stack([line, other, main]), bytes - first, i % 2, 2);
  }
  const { timeline, stats } = sampleReport(hostileName === undefined ? {} : { hostileName });
  const { threads } = builder.tables;
  const stacks = new NamedStacks(builder.tables);
  return tableReport({ profile: peak.peak(), stacks, threads, timeline, stats });
}
