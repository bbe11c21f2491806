// SPDX-License-Identifier: MIT
// A small capture whose every number can be added up by hand.

import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { TimelineAggregator } from '../../ts/aggregate/timeline.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { statsReport } from '../../ts/report/stats.js';
import type { StatsReport } from '../../ts/report/stats-report.js';
import { type TimelineReport, timelineReport } from '../../ts/report/timeline.js';
import { CaptureBuilder } from '../model/capture-builder.js';
import { BlockFeed } from '../support/block-feed.js';

export interface Recorded {
  readonly capture: CaptureBuilder;
  readonly stacks: NamedStacks;
  readonly peak: PeakAggregator;
  /** For more blocks. */
  readonly feed: BlockFeed;
  readonly totals: TotalsAggregator;
  readonly timelines: TimelineAggregator;
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
}

/**
 * main → load → Buffer.alloc → native holds 4001 bytes at the peak (2 blocks), main → parse → parse → native 503 (1 block),
 * a pool thread 89 (1 block); 1000 bytes of load were freed before.
 */
export function recorded(end: Parameters<CaptureBuilder['end']>[0] = {}): Recorded {
  const capture = new CaptureBuilder();
  const main = capture.js('main', '/app/main.js', 3);
  const load = capture.js('load', '/app/load.js', 14);
  const parse = capture.js('parse', '/app/node_modules/parser/index.js', 40);
  capture.package('/app/node_modules/parser/index.js', 'parser', '1.2.3');
  const alloc = capture.js('alloc', 'node:buffer', 400);
  const native = capture.native('/usr/bin/node', 0x10, 'node::Allocate()');
  const pool = capture.native('/usr/bin/node', 0x20, 'uv_fs_work');
  const loading = capture.stack([native, alloc, load, main]);
  const parsing = capture.stack([native, parse, parse, main]);
  const pooled = capture.stack([pool]);

  const peak = new PeakAggregator();
  const totals = new TotalsAggregator();
  const timeline = new TimelineAggregator();
  const feed = new BlockFeed(peak, totals);
  feed.free(feed.alloc(loading, 1000));
  feed.alloc(loading, 3001);
  const parsed = feed.alloc(parsing, 503, 1);
  feed.alloc(pooled, 89, 0, 2);
  feed.time(1_500_000_000);
  feed.alloc(loading, 1000);
  feed.time(1_600_000_000);
  feed.free(parsed);
  const rest = { liveBytes: 0, liveBlocks: 0, committed: 0, reserved: 7000, file: 0 };
  timeline.onSample({ timeNs: 1e9, rss: 9000, heap: 3593, ...rest });
  timeline.onSample({ timeNs: 2e9, rss: 8000, heap: 4090, ...rest });

  const stacks = new NamedStacks(capture.tables);
  const point = { timeNs: peak.peakTimeNs, bytes: peak.peakBytes };
  const report = timelineReport({ timeline, peak: point, threads: capture.tables.threads });
  const stats = statsReport({ end: capture.end(end), stacks, peak, totals, timeline: report });
  return { capture, stacks, peak, feed, totals, timelines: timeline, timeline: report, stats };
}
