// SPDX-License-Identifier: MIT
// A report that looks like one of a real program: a web server with dependencies, native code and collections.

import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { TimelineAggregator } from '../../ts/aggregate/timeline.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import { NamedStacks } from '../../ts/model/named-stacks.js';
import { flamegraphReport } from '../../ts/report/flamegraph.js';
import type { FlamegraphReport } from '../../ts/report/flamegraph-report.js';
import { statsReport } from '../../ts/report/stats.js';
import { timelineReport } from '../../ts/report/timeline.js';
import { CaptureBuilder } from '../model/capture-builder.js';
import { BlockFeed } from '../support/block-feed.js';

/** Deterministic: pictures and expectations must not change from run to run. */
export function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * below);
  };
}

const NODE = '/usr/local/bin/node';
const APP = '/srv/shop/src';
const MODULES = '/srv/shop/node_modules';

const FUNCTIONS: [name: string, file: string][] = [
  ['handleRequest', `${APP}/server.js`],
  ['renderPage', `${APP}/render.js`],
  ['loadCatalogue', `${APP}/catalogue.js`],
  ['', `${APP}/catalogue.js`],
  ['resizeImages', `${APP}/images.js`],
  ['next', `${MODULES}/express/lib/router/index.js`],
  ['Layer.handle_request', `${MODULES}/express/lib/router/layer.js`],
  ['parse', `${MODULES}/body-parser/lib/read.js`],
  ['Parser.parseStatement', `${MODULES}/acorn/dist/acorn.mjs`],
  ['compile', `${MODULES}/handlebars/dist/cjs/handlebars.js`],
  ['emit', 'node:events'],
  ['processTicksAndRejections', 'node:internal/process/task_queues'],
  ['Readable.read', 'node:internal/streams/readable'],
];

const LEAVES: [name: string, offset: number][] = [
  ['node::ArrayBufferAllocator::Allocate(unsigned long)', 0xa1b2c0],
  ['v8::internal::MemoryAllocator::AllocateUninitializedPageAt(unsigned long)', 0xc3d4e0],
  ['operator new(unsigned long)', 0x99aa10],
  ['', 0x123456],
];

export interface SampleOptions {
  readonly stacks?: number;
  readonly depth?: number;
  /** A name that tries to break out of wherever it is put. */
  readonly hostileName?: string;
  readonly truncated?: boolean;
}

export function sampleReport(options: SampleOptions = {}): FlamegraphReport {
  const builder = new CaptureBuilder();
  const random = randomSource(7);
  builder.package(`${MODULES}/express/lib/router/index.js`, 'express', '4.19.2');
  builder.package(`${MODULES}/acorn/dist/acorn.mjs`, 'acorn', '8.12.1');
  const stackIds = makeStacks(builder, random, options);
  const peak = new PeakAggregator();
  const totals = new TotalsAggregator();
  const timeline = new TimelineAggregator();
  const feed = new BlockFeed(peak, totals);
  let rss = 48e6;
  for (let step = 0; step < 400; step++) {
    const timeNs = step * 12_000_000;
    feed.time(timeNs);
    for (let i = 0; i < 60; i++) {
      const stack = stackIds[random(random(stackIds.length) + 1)] as number;
      const size = 2 ** (3 + random(14)) + random(97);
      const id = feed.alloc(stack, size, random(3));
      if (random(100) < (step > 260 ? 56 : 35)) feed.free(id);
    }
    rss = Math.max(rss, peak.heapBytes * 0.8 + 46e6) + random(90000);
    const heap = Math.max(0, peak.heapBytes);
    const zero = { liveBytes: 0, liveBlocks: 0, committed: 0, reserved: 6e8, file: 0 };
    timeline.onSample({ timeNs, rss, heap, ...zero });
    if (step % 8 === 0) sampleJs(timeline, timeNs, heap, random);
    if (step === 120) timeline.onMark({ timeNs, thread: 1, name: 'warm-up done' });
    if (step === 250) timeline.onMark({ timeNs, thread: 1, name: options.hostileName ?? 'import' });
  }
  const end = builder.end({
    metadata: {
      command: ['node', 'src/server.js', '--port', '8080', '--catalogue', 'data/catalogue.json'],
      cwd: '/srv/shop',
      pid: 4242,
      node: 'v22.11.0',
      v8: '12.4.254.21-node.21',
      libc: 'glibc 2.36',
      arch: 'x64',
      platform: 'linux',
      execArgv: ['--max-old-space-size=512'],
      memtape: '0.1.0',
      cgroupLimit: 536870912,
    },
    trailer: options.truncated ? null : { end: 'exit', durationNs: 4.8e9, exit: { code: 0 } },
    bytesDropped: options.truncated ? 812 : 0,
  });
  Object.assign(end.counts, { allocations: 1e6, missedFrees: 1 }); // a note
  const stacks = new NamedStacks(builder.tables);
  const peakPoint = { timeNs: peak.peakTimeNs, bytes: peak.peakBytes };
  const overTime = timelineReport({ timeline, peak: peakPoint, threads: builder.tables.threads });
  const stats = statsReport({ end, stacks, peak, totals, timeline: overTime });
  return flamegraphReport({ profile: peak.peak(), stacks, stats, timeline: overTime });
}

function sampleJs(
  timeline: TimelineAggregator,
  timeNs: number,
  heap: number,
  random: (below: number) => number,
): void {
  const heapTotal = 6e6 + heap * 0.42;
  timeline.onJsSample({
    timeNs,
    thread: 1,
    heapTotal,
    heapUsed: heapTotal * (0.6 + random(30) / 100),
    external: 2e6,
    malloced: 1e6,
    heapLimit: 5e8,
    spaces: [],
  });
  const gcType = timeNs % 480_000_000 === 0 ? 4 : 1;
  timeline.onGc({ timeNs: timeNs + 1e6, thread: 1, gcType, phase: 0 });
  timeline.onGc({ timeNs: timeNs + 1e6 * (2 + random(6)), thread: 1, gcType, phase: 1 });
}

function makeStacks(
  builder: CaptureBuilder,
  random: (below: number) => number,
  options: SampleOptions,
): number[] {
  const frames = FUNCTIONS.flatMap(([name, file]) =>
    [12, 48, 131].map((line) => builder.js(name, file, line + random(30), 'turbofan')),
  );
  if (options.hostileName !== undefined) {
    frames.push(builder.js(options.hostileName, `${APP}/${options.hostileName}.js`, 1));
  }
  const leaves = LEAVES.map(([name, offset]) =>
    builder.native(NODE, offset, ...(name === '' ? [] : [name])),
  );
  const gc = builder.label('(GC)');
  const main = builder.js('', `${APP}/main.js`, 9);
  const stacks: number[] = [];
  for (let i = 0; i < (options.stacks ?? 260); i++) {
    const depth = 2 + random(options.depth ?? 16);
    const path = [main];
    // Neighbouring stacks share their outer frames, as real ones do.
    for (let level = 0; level < depth; level++) {
      const choice = level < 3 ? (i >> (3 - level)) % 5 : random(frames.length);
      path.push(frames[(choice * 7 + level * 5) % frames.length] as number);
    }
    if (options.hostileName !== undefined && i < 20) path.push(frames.at(-1) as number);
    if (random(20) === 0) path.push(gc);
    path.push(leaves[random(leaves.length)] as number);
    stacks.push(builder.stack(path.reverse()));
  }
  for (let i = 0; i < 12; i++) {
    stacks.push(builder.stack([leaves[i % 4] as number, builder.native(NODE, 0x5000 + i * 64)]));
  }
  return stacks;
}
