// SPDX-License-Identifier: MIT
// The truth program is right: a preload library that counts calls by their return addresses agrees with its books.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { buildPrograms, programs, run } from '../support/programs.js';
import { parseTruth, type TruthOutput } from '../support/truth-output.js';

const caller = z.object({
  function: z.string(),
  module: z.string(),
  allocations: z.number(),
  bytes: z.number(),
  liveBlocks: z.number(),
  liveBytes: z.number(),
});
const counterOutput = z.object({ peakBytes: z.number(), callers: z.array(caller) });

type Counts = Omit<z.infer<typeof caller>, 'function' | 'module'>;

const folder = mkdtempSync(join(tmpdir(), 'memtape-counter-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

function recount(args: readonly string[]) {
  const output = join(folder, 'counter.json');
  const env = { LD_PRELOAD: programs.counter, COUNTER_OUTPUT: output };
  const { stdout, stderr } = run(programs.truth, args, { env });
  expect(stderr).toBe('');
  const counted = counterOutput.parse(JSON.parse(readFileSync(output, 'utf8')));
  rmSync(output);
  return { truth: parseTruth(stdout), counted };
}

function sitesOf(truth: TruthOutput): Record<string, Counts> {
  return Object.fromEntries(
    truth.sites.map(({ function: name, allocations, bytes, liveBlocks, liveBytes }) => [
      name,
      { allocations, bytes, liveBlocks, liveBytes },
    ]),
  );
}

/** By function: one function may call from several addresses. */
function callersOf(
  counted: z.infer<typeof counterOutput>,
  names: ReadonlySet<string>,
): Record<string, Counts> {
  const sums: Record<string, Counts> = {};
  for (const { function: name, allocations, bytes, liveBlocks, liveBytes } of counted.callers) {
    if (!names.has(name)) continue;
    const sum = sums[name] ?? { allocations: 0, bytes: 0, liveBlocks: 0, liveBytes: 0 };
    sums[name] = {
      allocations: sum.allocations + allocations,
      bytes: sum.bytes + bytes,
      liveBlocks: sum.liveBlocks + liveBlocks,
      liveBytes: sum.liveBytes + liveBytes,
    };
  }
  return sums;
}

const modes: string[][] = [
  ['all', programs.plugin],
  ['blocks'],
  ['peak'],
  ['signals'],
  ['longjmp'],
  ['deep', '2000'],
  ['fork'],
  ['fork-under-load'],
  ['churn', '200'],
  ['small-stacks'],
  ['threads', '4', '100000', '1'],
  ['threads', '8', '1000000', '2'],
];

describe('truth agrees with an independent count', () => {
  test.each(modes)('%s', (...args) => {
    const { truth, counted } = recount(args);
    const sites = sitesOf(truth);
    // The plugin is gone when the counter looks for its functions' names.
    delete sites['plugin_allocate'];
    expect(Object.keys(sites).length).toBeGreaterThan(0);
    expect(callersOf(counted, new Set(Object.keys(sites)))).toEqual(sites);
  });

  test.each([['blocks'], ['peak'], ['signals'], ['longjmp']])('the peak of %s', (mode) => {
    const { truth, counted } = recount([mode]);
    expect(counted.peakBytes).toBe(truth.peak.liveBytes);
  });

  test('the peak of threads: what libc holds for each thread comes on top', () => {
    const { truth, counted } = recount(['threads', '8', '1000000', '3']);
    const foreign = counted.callers.filter(({ function: name }) => !sitesOf(truth)[name]);
    const perThread = foreign.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(counted.peakBytes).toBe(truth.peak.liveBytes + perThread);
  });

  test('totals follow from the seed alone', () => {
    const outputs = [1, 2, 3].map(() => {
      const { pid: _pid, ...rest } = parseTruth(
        run(programs.truth, ['threads', '8', '300000', '9']).stdout,
      );
      return rest;
    });
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
  });
});

describe('endings', () => {
  test.each([
    ['return', 0, null],
    ['exit', 3, null],
    ['_exit', 4, null],
    ['quick_exit', 5, null],
    ['abort', null, 'SIGABRT'],
    ['kill9', null, 'SIGKILL'],
    ['term', null, 'SIGTERM'],
    ['segv', null, 'SIGSEGV'],
  ])('%s', (ending, status, signal) => {
    const finished = run(programs.truth, [ending]);
    expect([finished.status, finished.signal]).toEqual([status, signal]);
    expect(parseTruth(finished.stdout).totals.allocations).toBeGreaterThan(2000);
  });
});
