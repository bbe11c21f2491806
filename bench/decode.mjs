// SPDX-License-Identifier: MIT
// Events per second of a reader in one thread: `node bench/decode.mjs CAPTURE [ROUNDS]`. Decoding alone, with the peak, with
// everything that `memtape flamegraph` needs; each in a process of its own, as commands are, since V8 inlines a consumer only while
// it has seen no other. Medians, and the best round besides: on a machine that does other things too, caches and cores are
// shared, and CPU time grows with that.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildWasm } from '../scripts/build-wasm.mjs';
import { root } from '../scripts/sources.mjs';

const WARM_UP = 3;
const [capture, rounds = '15', only] = process.argv.slice(2);
if (capture === undefined) {
  console.error('usage: node bench/decode.mjs CAPTURE [ROUNDS]');
  process.exit(2);
}

/** The reader from ts/, as it stands. */
async function loadReader() {
  buildWasm();
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

/** @param {number} ns */
const rate = (ns) => `${(1000 / ns).toFixed(1).padStart(5)} M events/s`;

/**
 * @param {string} name
 * @param {() => object} make
 */
async function measure(name, make) {
  /** Nanoseconds of CPU time for each event. @type {number[]} */
  const costs = [];
  let events = 0;
  for (let round = 0; round < WARM_UP + Number(rounds); round++) {
    const before = process.cpuUsage();
    const { counts } = await readCapture(capture, make());
    const { user, system } = process.cpuUsage(before);
    events = counts.allocations + counts.frees + counts.maps;
    if (round >= WARM_UP) costs.push(((user + system) * 1000) / events);
  }
  costs.sort((a, b) => a - b);
  const median = costs[costs.length >> 1] ?? 0;
  const rss = (process.resourceUsage().maxRSS / 1000).toFixed(0);
  console.log(
    `${name.padEnd(32)} median ${rate(median)} (${median.toFixed(1)} ns), best ${rate(costs[0] ?? 0)}, RSS ${rss} MB`,
  );
}

const chosen = only === undefined ? undefined : consumers[only];
if (only !== undefined && chosen !== undefined) {
  await measure(only, chosen);
} else {
  console.log(`Node.js ${process.version}, CPU time`);
  const script = process.argv[1] ?? '';
  for (const name of Object.keys(consumers)) {
    spawnSync(process.execPath, [script, capture, rounds, name], { stdio: 'inherit' });
  }
}
