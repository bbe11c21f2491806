// SPDX-License-Identifier: MIT
// Bytes that a capture takes for each event, as recorded and finished: node bench/size.mjs [--cases tsc,rollup] [--node PATH]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { variants } from './variants.mjs';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: 'tsc,rollup,prettier,express,sharp' },
    node: { type: 'string', default: process.execPath },
  },
});
const names = options.cases.split(',');
const recordings = variants.filter(({ name }) => ['memtape', 'memtape --native'].includes(name));
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

/** @param {string[]} command @param {string} [cwd] */
function output([program = '', ...args], cwd) {
  return execFileSync(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
}

const scratch = mkdtempSync(join(tmpdir(), 'memtape-bench-'));
const capture = join(scratch, 'capture.bin');
try {
  console.log('| program | run | events | as recorded | finished |\n|---|---|---:|---:|---:|');
  for (const { name, cwd, args } of cases.filter((one) => names.includes(one.name))) {
    for (const recording of recordings) {
      output(recording.command(options.node, args, scratch), cwd);
      const recorded = statSync(capture).size;
      output([options.node, cli, 'finalize', '-q', capture], cwd);
      const stats = JSON.parse(output([options.node, cli, 'stats', '--json', capture]));
      const events = stats.total_num_allocations + stats.total_num_frees;
      const sizes = [recorded, statSync(capture).size].map((bytes) => (bytes / events).toFixed(2));
      const cells = [name, recording.name, `${(events / 1e6).toFixed(2)} million`, ...sizes];
      console.log(`| ${cells.join(' | ')} |`);
      rmSync(capture);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
