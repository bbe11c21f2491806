// SPDX-License-Identifier: MIT
// Events per second of the decoder with a consumer that keeps live bytes per stack: `node bench/decode.mjs [FILE …]`.
// Without FILE: the made-up programs of bench/encode.cc, which must be built (`cmake --build --preset release`).
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROUNDS = 5;
const EVENTS = '20000000';
const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = join(root, 'build/bench');

/** @returns {Promise<typeof import('../ts/decode/read-capture.js')>} */
async function decoder() {
  const outfile = join(scratch, 'read-capture.mjs');
  await build({
    entryPoints: [join(root, 'ts/decode/read-capture.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}

class LiveBytes {
  bytes = new Float64Array(1 << 20);

  /** @param {number} stack @param {number} size */
  onAlloc(stack, size) {
    this.bytes[stack] = (this.bytes[stack] ?? 0) + size;
  }

  /** @param {number} stack @param {number} size */
  onFree(stack, size) {
    this.bytes[stack] = (this.bytes[stack] ?? 0) - size;
  }
}

/** @param {string} kind */
function madeUp(kind) {
  const file = join(scratch, `${kind}.bin`);
  const program = join(root, 'build/cmake-release/bench_encode');
  process.stdout.write(`encode ${kind}: ${execFileSync(program, [kind, EVENTS, file])}`);
  return file;
}

mkdirSync(scratch, { recursive: true });
const { readCapture } = await decoder();
const files = process.argv.slice(2);
for (const file of files.length > 0 ? files : ['typical', 'random'].map(madeUp)) {
  let best = Number.POSITIVE_INFINITY;
  let bestCpu = Number.POSITIVE_INFINITY;
  let events = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const { counts } = await readCapture(file, new LiveBytes());
    best = Math.min(best, performance.now() - start);
    const used = process.cpuUsage(cpu);
    bestCpu = Math.min(bestCpu, (used.user + used.system) / 1000);
    events = counts.allocations + counts.frees + counts.foreignFrees + counts.maps;
  }
  const perSecond = (/** @type {number} */ ms) => (events / ms / 1000).toFixed(1);
  const perEvent = (statSync(file).size / events).toFixed(2);
  console.log(
    `decode ${file}: ${events} events of ${perEvent} bytes, best of ${ROUNDS}: ${perSecond(best)} million/s (wall), ${perSecond(bestCpu)} (CPU)`,
  );
}
