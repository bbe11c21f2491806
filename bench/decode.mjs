// SPDX-License-Identifier: MIT
// Events per second of a reader in one thread: `node bench/decode.mjs CAPTURE`. Decoding alone, with the peak, with everything
// that `memtape flamegraph` needs; the best of five runs each, in turns, so that a busy moment hits all alike.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root } from '../scripts/sources.mjs';

const ROUNDS = 5;
const capture = process.argv[2];
if (capture === undefined) {
  console.error('usage: node bench/decode.mjs CAPTURE');
  process.exit(2);
}

/** The reader from ts/, as it stands. */
async function loadReader() {
  const folder = mkdtempSync(join(tmpdir(), 'memtape-bench-'));
  const outfile = join(folder, 'reader.mjs');
  const names = ['peak', 'totals', 'timeline', 'fanout'];
  const lines = names.map((name) => `export * from './ts/aggregate/${name}.js';`);
  await build({
    stdin: {
      contents: [...lines, "export * from './ts/decode/read-capture.js';"].join('\n'),
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  const reader = await import(pathToFileURL(outfile).href);
  rmSync(folder, { recursive: true });
  return reader;
}

const { fanout, PeakAggregator, readCapture, TimelineAggregator, TotalsAggregator } =
  await loadReader();

/** @type {Record<string, () => object>} */
const consumers = {
  'decode alone': () => ({}),
  'decode + peak': () => new PeakAggregator(),
  'decode + peak, totals, timeline': () =>
    fanout([new PeakAggregator(), new TotalsAggregator(), new TimelineAggregator()]),
};

/** @type {Record<string, { wall: number, cpu: number }>} */
const best = {};
let events = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, make] of Object.entries(consumers)) {
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    const { counts } = await readCapture(capture, make());
    const wall = (performance.now() - before) * 1e6;
    const { user, system } = process.cpuUsage(cpuBefore);
    events = counts.allocations + counts.frees + counts.maps;
    const known = best[name] ?? { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
    best[name] = {
      wall: Math.min(known.wall, wall / events),
      cpu: Math.min(known.cpu, ((user + system) * 1000) / events),
    };
  }
}

console.log(`${events.toLocaleString('en-US')} events`);
for (const [name, { wall, cpu }] of Object.entries(best)) {
  const rate = (1000 / wall).toFixed(1);
  console.log(
    `${name.padEnd(32)} ${rate.padStart(6)} M events/s, ${wall.toFixed(1)} ns each (CPU ${cpu.toFixed(1)} ns)`,
  );
}
