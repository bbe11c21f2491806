// SPDX-License-Identifier: MIT
// usage: node test/truth/gdb/compare-stacks.mjs [--node PATH] [--every N] [--samples N] CASE...
// Compares native stacks with gdb's, in the real programs of test/real. Prints a line of JSON for each. Needs gdb
// with Python, readelf and nm, and `npm run build`.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commands, folder } from '../../real/commands.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');

/**
 * The environment that records into `output`.
 *
 * @param {string} output
 */
function recording(output) {
  const text = execFileSync(
    process.execPath,
    [join(root, 'dist/cli.js'), 'env', '--json', '--native', '-o', output],
    { encoding: 'utf8' },
  );
  return JSON.parse(text);
}

/**
 * @typedef {{ samples: number, equal: number, jit: number, frames: number, stacks: number,
 *   gaps: Record<string, number>, misses: Record<string, unknown>, errors: string[],
 *   'equal until gdb knows no rows'?: number }} Comparison
 */

/**
 * What gdb and memtape found, in the program that `args` for `node` run.
 *
 * @param {{ node: string, args: readonly string[], cwd: string, every: number, samples: number, timeout?: number }} options
 * @returns {Comparison}
 */
export function compareStacks({ node, args, cwd, every, samples, timeout }) {
  const directory = mkdtempSync(join(tmpdir(), 'memtape-gdb-'));
  const report = join(directory, 'report.json');
  try {
    const run = spawnSync(
      'gdb',
      ['-nx', '-batch', '-x', join(here, 'compare-stacks.py'), '--args', node, ...args],
      {
        cwd,
        encoding: 'utf8',
        timeout,
        killSignal: 'SIGKILL',
        maxBuffer: 1 << 28,
        env: {
          ...process.env,
          COMPARE_ENV: JSON.stringify(recording(join(directory, 'capture.bin'))),
          COMPARE_EVERY: String(every),
          COMPARE_SAMPLES: String(samples),
          COMPARE_REPORT: report,
        },
      },
    );
    try {
      const result = JSON.parse(readFileSync(report, 'utf8'));
      return { ...result, errors: run.stderr.match(/^Python Exception .*$/gm) ?? [] };
    } catch {
      throw new Error(
        `no report; gdb said:\n${run.stdout?.slice(-2000)}\n${run.stderr?.slice(-4000)}`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      node: { type: 'string', default: process.execPath },
      every: { type: 'string', default: '20' },
      samples: { type: 'string', default: '2000' },
    },
  });
  for (const name of positionals) {
    const result = compareStacks({
      node: values.node,
      args: commands[name] ?? [],
      cwd: folder,
      every: Number(values.every),
      samples: Number(values.samples),
    });
    console.log(JSON.stringify({ program: name, ...result }));
  }
}
