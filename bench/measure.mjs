// SPDX-License-Identifier: MIT
// Runs one command and says what it cost; runs several in turns, so that slow minutes hit them all alike.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * @typedef {object} Sample
 * @property {number} wall milliseconds
 * @property {number} user milliseconds of the command and its children
 * @property {number} system
 * @property {number | null} inner milliseconds that the program measured itself
 * @property {number | null} captureBytes
 */

// bash's `time` knows what the command's children used, which Node.js does not tell.
const timed = 'TIMEFORMAT="%U %S"; { time "$@" >"$0/stdout" 2>"$0/stderr"; } 2>"$0/time"';

/** @param {string} path */
function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

/**
 * @param {(scratch: string) => string[]} commandIn
 * @param {string} cwd
 * @returns {Sample}
 */
export function measure(commandIn, cwd) {
  const scratch = mkdtempSync(join(tmpdir(), 'memtape-bench-'));
  try {
    const start = process.hrtime.bigint();
    const result = spawnSync('bash', ['-c', timed, scratch, ...commandIn(scratch)], { cwd });
    const wall = Number(process.hrtime.bigint() - start) / 1e6;
    if (result.status !== 0) {
      const stderr = readFileSync(join(scratch, 'stderr'), 'utf8').slice(-2000);
      throw new Error(`${commandIn(scratch).join(' ')} ended with ${result.status}: ${stderr}`);
    }
    const [user, system] = readFileSync(join(scratch, 'time'), 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    const inner = /^inner ([\d.]+) ms/m.exec(readFileSync(join(scratch, 'stdout'), 'utf8'));
    return {
      wall,
      user: (user ?? Number.NaN) * 1000,
      system: (system ?? Number.NaN) * 1000,
      inner: inner ? Number(inner[1]) : null,
      captureBytes: sizeOf(join(scratch, 'capture.bin')),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * A B C, B C A, C A B, …: each variant has each place in the turn equally often.
 * @param {{ name: string, run: () => Sample }[]} runs
 * @param {number} rounds
 * @returns {Record<string, Sample[]>}
 */
export function interleave(runs, rounds) {
  /** @type {Record<string, Sample[]>} */
  const samples = Object.fromEntries(runs.map(({ name }) => [name, []]));
  for (const { run } of runs) run(); // fills the page cache, and tells early when one cannot run
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runs.length; i++) {
      const next = runs[(round + i) % runs.length];
      if (next) samples[next.name]?.push(next.run());
    }
  }
  return samples;
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Median absolute deviation: half of the values lie within it around the median.
 * @param {number[]} values
 */
export function deviation(values) {
  const center = median(values);
  return median(values.map((value) => Math.abs(value - center)));
}
