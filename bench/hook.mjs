// SPDX-License-Identifier: MIT
// Nanoseconds that recording adds to one malloc and one free, 30 frames deep: `node bench/hook.mjs [NODE] [ROUNDS]`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [node = process.execPath, rounds = '5'] = process.argv.slice(2);
const here = fileURLToPath(new URL('.', import.meta.url));
const preload =
  process.env['MEMTAPE_PRELOAD'] ?? join(here, '..', 'build', 'Release', 'libmemtape.so');
const scratch = mkdtempSync(join(tmpdir(), 'memtape-bench-'));
const addon = join(scratch, 'hook.node');
const capture = join(scratch, 'capture.bin');

/** @type {Record<string, NodeJS.ProcessEnv>} */
const variants = {
  plain: {},
  memtape: { LD_PRELOAD: preload, MEMTAPE_OUTPUT: capture },
  'memtape --native': { LD_PRELOAD: preload, MEMTAPE_OUTPUT: capture, MEMTAPE_NATIVE: '1' },
};

/** @typedef {{ malloc: number, free: number }} Sample */

/** @param {NodeJS.ProcessEnv} env @returns {Sample} */
function run(env) {
  const program = join(here, 'programs', 'hook.cjs');
  const text = execFileSync(node, [program, addon], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  rmSync(capture, { force: true });
  return JSON.parse(text);
}

/** @param {number[]} numbers */
function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

try {
  const include = join(dirname(process.execPath), '..', 'include', 'node');
  const flags = [
    '-O2',
    '-shared',
    '-fPIC',
    '-std=c++20',
    `-I${process.env['NODE_INCLUDE'] ?? include}`,
  ];
  execFileSync(process.env['CXX'] ?? 'c++', [
    ...flags,
    ...['-o', addon, join(here, 'programs', 'hook_addon.cc')],
  ]);
  /** @type {Record<string, Sample[]>} */
  const samples = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, env] of Object.entries(variants)) samples[name]?.push(run(env));
  }
  console.log('| | malloc | free | added by recording |\n|---|---:|---:|---:|');
  /** @param {string} name @param {'malloc' | 'free'} call */
  const ns = (name, call) => median((samples[name] ?? []).map((sample) => sample[call]));
  for (const name of Object.keys(variants)) {
    const [malloc, free] = [ns(name, 'malloc'), ns(name, 'free')];
    const added = `${(malloc - ns('plain', 'malloc')).toFixed(0)} + ${(free - ns('plain', 'free')).toFixed(0)} ns`;
    console.log(
      `| ${name} | ${malloc.toFixed(0)} ns | ${free.toFixed(0)} ns | ${name === 'plain' ? '' : added} |`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
