// SPDX-License-Identifier: MIT
// A report over time, and brute force beside it: the same events to both.

import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { SliceLeaks } from '../../ts/aggregate/slice-leaks.js';
import { SlicePeaks } from '../../ts/aggregate/slice-peaks.js';
import { TimelineAggregator } from '../../ts/aggregate/timeline.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import { EXIT_MARK } from '../../ts/format/constants.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { flamegraphReport } from '../../ts/report/flamegraph.js';
import type { FlamegraphReport } from '../../ts/report/flamegraph-report.js';
import { statsReport } from '../../ts/report/stats.js';
import { timelineReport } from '../../ts/report/timeline.js';
import { SliceOracle } from '../aggregate/slice-oracle.js';
import { CaptureBuilder } from '../model/capture-builder.js';
import { BlockFeed } from '../support/block-feed.js';
import { randomSource } from './sample-report.js';

export interface TemporalSample {
  readonly peak: FlamegraphReport;
  readonly leaked: FlamegraphReport;
  readonly oracle: SliceOracle;
}

/** Three seconds in which memory comes and goes; the exit, and a little after it. */
export function temporalSample(stacks = 40, steps = 300): TemporalSample {
  const builder = new CaptureBuilder();
  const random = randomSource(11);
  const main = builder.js('main', '/app/main.js', 3);
  const ids = Array.from({ length: stacks }, (_none, i) =>
    builder.stack([
      builder.js(`leaf${i}`, `/app/part${i % 7}.js`, i + 1),
      builder.js(`step${i % 5}`, '/app/steps.js', i % 5),
      main,
    ]),
  );
  const [peak, totals, timeline] = [
    new PeakAggregator(),
    new TotalsAggregator(),
    new TimelineAggregator(),
  ];
  const [slicePeaks, sliceLeaks, oracle] = [new SlicePeaks(), new SliceLeaks(), new SliceOracle()];
  const consumers = [peak, totals, slicePeaks, sliceLeaks, oracle];
  const feed = new BlockFeed(...consumers);
  const live: number[] = [];
  for (let step = 0; step < steps; step++) {
    const timeNs = Math.round((step / steps) * 3e9);
    feed.time(timeNs);
    // Waves: the highest moment of a range is seldom at its end.
    const wave = Math.sin(step / 20) > 0;
    for (let i = 0; i < 4; i++) {
      if (wave || live.length === 0) {
        live.push(
          feed.alloc(ids[random(stacks)] as number, 1000 + random(90_000), 0, 1 + random(2)),
        );
      } else feed.free(live.splice(random(live.length), 1)[0] as number);
    }
    const zero = { liveBytes: 0, liveBlocks: 0, committed: 0, reserved: 0, file: 0 };
    timeline.onSample({ timeNs, rss: 9e6, heap: peak.heapBytes, ...zero });
  }
  const exit = { timeNs: 3e9, thread: 1, name: EXIT_MARK };
  feed.time(3e9);
  feed.mark(exit);
  feed.time(3.01e9);
  for (const id of live) feed.free(id);
  feed.time(3.02e9);
  const named = new NamedStacks(builder.tables);
  const point = { timeNs: peak.peakTimeNs, bytes: peak.peakBytes };
  const overTime = timelineReport({ timeline, peak: point, threads: builder.tables.threads });
  const end = builder.end({});
  const stats = statsReport({ end, stacks: named, peak, totals, timeline: overTime });
  const rest = { stacks: named, stats, timeline: overTime };
  return {
    peak: flamegraphReport({ profile: peak.peak(), slices: slicePeaks.finish(), ...rest }),
    leaked: flamegraphReport({ profile: peak.leaked(), slices: sliceLeaks.finish(), ...rest }),
    oracle,
  };
}
