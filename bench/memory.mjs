// SPDX-License-Identifier: MIT
// How much higher a program's highest RSS is while it is recorded: node bench/memory.mjs [--cases tsc,rollup] [--rounds N] [--node PATH]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { deviation, median } from './measure.mjs';
import { variants } from './variants.mjs';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: 'tsc,rollup,prettier,express,sharp,buffers' },
    rounds: { type: 'string', default: '5' },
    node: { type: 'string', default: process.execPath },
  },
});
const names = options.cases.split(',');
const compared = ['plain', 'memtape', 'memtape --native'];
const peakRss = fileURLToPath(new URL('programs/peak-rss.py', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'memtape-bench-'));

/**
 * MB. The kernel's own mark (ru_maxrss): private memory, memtape's tables included, and mapped files, of which the rings are one.
 *
 * @param {import('./cases.mjs').Case} one
 * @param {import('./variants.mjs').Variant} variant
 */
function peakOf({ cwd, args }, variant) {
  const command = variant.command(options.node, args, scratch);
  const result = spawnSync('python3', [peakRss, ...command], { cwd, maxBuffer: 2 ** 28 });
  rmSync(join(scratch, 'capture.bin'), { force: true });
  if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr.slice(-2000)}`);
  return Number(result.stderr.toString().trimEnd().split('\n').at(-1)) / 1e6;
}

try {
  console.log(
    '| program | run | peak RSS, MB ± MAD | extra | 40 MB + 5 % |\n|---|---|---:|---:|---:|',
  );
  for (const one of cases.filter(({ name }) => names.includes(name))) {
    const runs = variants.filter(({ name }) => compared.includes(name));
    /** @type {number[][]} */
    const peaks = runs.map(() => []);
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [i, variant] of runs.entries()) peaks[i]?.push(peakOf(one, variant));
    }
    const plain = median(peaks[0] ?? []);
    for (const [i, { name }] of runs.entries()) {
      const peak = median(peaks[i] ?? []);
      const size = `${peak.toFixed(0)} ± ${deviation(peaks[i] ?? []).toFixed(0)}`;
      const extra =
        i === 0 ? ' | ' : `${(peak - plain).toFixed(0)} | ${(40 + plain / 20).toFixed(0)}`;
      console.log(`| ${one.name} | ${name} | ${size} | ${extra} |`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
