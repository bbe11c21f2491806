// SPDX-License-Identifier: MIT
// JavaScript frames are those of Error.stack: function, file, line and column of each, in programs made at random and in real
// ones. A few seeds and one program by default; CONTRIBUTING.md says how to run more.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands, folder as realFolder } from '../real/commands.mjs';
import { lastingFolder } from '../support/folder.js';
import { type NodeBinary, nodes } from '../support/nodes.js';
import { buildPrograms } from '../support/programs.js';
import { type Compare, type Compared, compareWithV8 } from './stacks/compare.js';
import { generateProgram } from './stacks/generate.js';
import { recursiveWasmModule } from './wasm-module.js';

beforeAll(buildPrograms);

/** Seeds for each Node.js and set of flags; 0: the short run. */
const seeds = Number(process.env['MEMTAPE_STACK_SEEDS'] ?? 0);
const options = { timeout: 120_000 };
// Deep recursion: more than a stack has frames, in unoptimized code with large ones.
const generatedFlags = ['--stack-size=3900', '--expose-gc'];

/** What V8 is told, besides nothing. */
function flagSets({ major }: NodeBinary): string[][] {
  const sets = [
    ['--no-opt'],
    ['--always-sparkplug'],
    ['--no-lazy-feedback-allocation'],
    ['--stress-inline'],
    ['--stress-compaction', '--gc-interval=2000'],
    ['--stress-flush-code', '--stress-incremental-marking'],
    ['--deopt-every-n-times=300'],
  ];
  // Earlier ones are built without it, or do not use it by themselves.
  return major >= 24 ? [...sets, ['--no-maglev'], ['--no-use-osr']] : sets;
}

async function compareBoth(compare: Omit<Compare, 'native'>): Promise<Compared[]> {
  const both = [];
  for (const native of [false, true]) both.push(await compareWithV8({ ...compare, native }));
  if (seeds > 0) {
    const { node, args } = compare;
    for (const { misses, ...rest } of both)
      console.log(JSON.stringify({ node, args, misses: misses.length, ...rest }));
  }
  for (const { misses } of both) expect(misses.slice(0, 5)).toEqual([]);
  return both;
}

interface Generated {
  readonly seed: number;
  readonly rounds: number;
  readonly every: number;
  readonly flags: readonly string[];
}

async function compareGenerated(node: string, { seed, rounds, every, flags }: Generated) {
  const folder = join(lastingFolder(), String(seed));
  mkdirSync(folder);
  const program = join(folder, 'program.cjs');
  writeFileSync(program, generateProgram({ seed, rounds, wasm: recursiveWasmModule }));
  return compareBoth({ node, folder, every, args: [...generatedFlags, ...flags, program] });
}

function compareReal(node: string, name: string, every: number): Promise<Compared[]> {
  const preload = fileURLToPath(new URL('stacks/probe-builtins.cjs', import.meta.url));
  const args = ['--require', preload, ...(commands[name] ?? [])];
  return compareBoth({ node, folder: lastingFolder(), every, cwd: realFolder, args });
}

describe.each(nodes())('Node.js $version', (node) => {
  test('a program made at random', options, async () => {
    const compared = await compareGenerated(node.path, {
      seed: 1,
      rounds: 500,
      every: 41,
      flags: [],
    });
    for (const { samples, cut, kinds } of compared) {
      expect(samples).toBeGreaterThan(1000);
      // Of the deep ones, some are deeper than a stack may be; whether one of those is asked is chance.
      expect(cut).toBeLessThan(samples / 100);
      for (const kind of ['interpreted', 'baseline', 'turbofan'])
        expect(kinds[kind]).toBeGreaterThan(100);
    }
  });

  test('express', options, async () => {
    const compared = await compareReal(node.path, 'express', 11);
    for (const { samples } of compared) expect(samples).toBeGreaterThan(500);
  });

  describe.runIf(seeds > 0)('at length', () => {
    for (const flags of [[], ...flagSets(node)]) {
      test.each(Array.from({ length: seeds }, (_, i) => [i + 1]))(
        `seed %i, ${flags.join(' ') || 'no flags'}`,
        options,
        async (seed) => {
          await compareGenerated(node.path, { seed, rounds: 800, every: 37, flags });
        },
      );
    }

    test.each([
      ['prettier', 101],
      ['rollup', 41],
      ['tsc', 499],
      ['sharp', 7],
    ] as const)('%s', options, async (name, every) => {
      await compareReal(node.path, name, every);
    });
  });
});
