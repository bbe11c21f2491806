// SPDX-License-Identifier: MIT
// How two threads that allocate at once scale, recorded and plain: node bench/scaling.mjs [ROUNDS]. A C program, so that nothing but
// malloc, the hook and the work between them is measured.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './measure.mjs';
import { variants } from './variants.mjs';

const [processes = '3'] = process.argv.slice(2);
const compared = ['plain', 'memtape', 'memtape --native'];
const source = fileURLToPath(new URL('programs/scaling.c', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'memtape-bench-'));
const program = join(scratch, 'scaling');

/** As programs/scaling.c takes them, behind the number of threads: work in ns, pairs, pause in µs, rounds. */
const loads = {
  'bursts that fit into the ring': [0, 15_000, 20_000, 60],
  '1 µs of work before each pair': [1000, 500_000, 0, 2],
  'nothing but malloc and free': [0, 2_000_000, 0, 2],
};

/** Pairs a second, of all threads. @param {import('./variants.mjs').Variant} variant @param {number[]} args */
function rateOf(variant, args) {
  const [command = '', ...rest] = variant.command(program, args.map(String), scratch);
  const rate = Number(execFileSync(command, rest, { encoding: 'utf8' }));
  rmSync(join(scratch, 'capture.bin'), { force: true });
  return rate;
}

const millions = (/** @type {number} */ rate) => (rate / 1e6).toFixed(rate < 1e7 ? 2 : 1);

try {
  const compiler = process.env['CC'] ?? 'cc';
  execFileSync(compiler, ['-O2', '-o', program, source, '-lpthread']);
  console.log("| load | run | 1 thread, M pairs/s | 2 threads | scaling | of plain's |");
  console.log('|---|---|---:|---:|---:|---:|');
  for (const [load, args] of Object.entries(loads)) {
    const runs = variants.filter(({ name }) => compared.includes(name));
    /** @type {[number[], number[]][]} */
    const rates = runs.map(() => [[], []]);
    for (let round = 0; round < Number(processes); round++) {
      for (const [i, variant] of runs.entries()) {
        for (const threads of [1, 2]) {
          rates[i]?.[threads - 1]?.push(rateOf(variant, [threads, ...args]));
        }
      }
    }
    const medians = rates.map((pair) => pair.map(median));
    const scaling = medians.map(([one = Number.NaN, two = Number.NaN]) => two / one);
    for (const [i, { name }] of runs.entries()) {
      const cells = (medians[i] ?? []).map(millions);
      const share = i === 0 ? '' : ((scaling[i] ?? 0) / (scaling[0] ?? 1)).toFixed(2);
      console.log(`| ${[load, name, ...cells, scaling[i]?.toFixed(2), share].join(' | ')} |`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
