// SPDX-License-Identifier: MIT
// Reports of a program that counts itself, to the byte and by function.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goPprof, gprof2dotTotals, noGo, noGprof2dot } from '../support/consumers.js';
import { memtape } from '../support/memtape.js';
import { buildPrograms, programs, run } from '../support/programs.js';
import { recordingEnvironment } from '../support/recording.js';
import { parseTruth, type TruthOutput } from '../support/truth-output.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-truth-reports-'));
const capture = join(folder, 'capture.bin');
let truth: TruthOutput;

beforeAll(() => {
  buildPrograms();
  const { stdout } = run(programs.truth, ['peak'], { env: recordingEnvironment(capture) });
  truth = parseTruth(stdout);
  expect(truth.peak.known).toBe(1);
});
afterAll(() => rmSync(folder, { recursive: true }));

const json = (...args: string[]) => JSON.parse(memtape([...args, capture]).stdout);

type Held = Record<string, { bytes: number; count: number }>;

/** What the program says that each of its functions held; those that held nothing left out. */
function expected(bytes: 'peakBytes' | 'liveBytes', count: 'peakBlocks' | 'liveBlocks'): Held {
  const holding = truth.sites.filter((site) => site[bytes] > 0);
  return Object.fromEntries(
    holding.map((site) => [site.function, { bytes: site[bytes], count: site[count] }]),
  );
}

/** Rows of those functions, allocators added up. */
function tableOf(functions: Held, ...options: string[]): Held {
  const held: Held = {};
  for (const row of json('table', '--json', ...options).rows) {
    if (!Object.hasOwn(functions, row.function)) continue;
    const { bytes, count } = held[row.function] ?? { bytes: 0, count: 0 };
    held[row.function] = { bytes: bytes + row.bytes, count: count + row.allocations };
  }
  return held;
}

describe('table', () => {
  test('has at the peak what each function held then', () => {
    const functions = expected('peakBytes', 'peakBlocks');
    expect(Object.keys(functions).length).toBe(2);
    expect(tableOf(functions)).toEqual(functions);
    expect(tableOf(functions, '--split-threads')).toEqual(functions);
  });

  test('--leaks has what each function never freed', () => {
    const functions = expected('liveBytes', 'liveBlocks');
    expect(tableOf(functions, '--leaks')).toEqual(functions);
  });
});

test.each([0, 1, 2, 10])('what was freed within %i further allocations', (threshold) => {
  const functions = Object.fromEntries(
    truth.sites.map((site) => [site.function, { bytes: 0, count: 0 }]),
  );
  const soon = tableOf(functions, '--temporary-allocation-threshold', `${threshold}`);
  const count = Object.values(soon).reduce((sum, held) => sum + held.count, 0);
  const known = truth.temporary.find((entry) => entry.threshold === threshold);
  expect(count).toBe(known?.allocations);
});

describe('stats', () => {
  test('--leaks counts by allocator what the functions never freed', () => {
    const functions = expected('liveBytes', 'liveBlocks');
    const stats = json('stats', '--leaks', '--json', '-n', '1000');
    expect(stats.kind).toBe('leaked');
    // By line where there is debug information.
    const places = new Map<string, number>();
    for (const { location, size } of stats.top_allocations_by_size) {
      const name = /^\w+/.exec(location)?.[0] ?? '';
      places.set(name, (places.get(name) ?? 0) + size);
    }
    for (const [name, { bytes }] of Object.entries(functions)) expect(places.get(name)).toBe(bytes);
    const byAllocator = Object.values(stats.allocated_bytes_by_allocator as Record<string, number>);
    expect(byAllocator.reduce((a, b) => a + b, 0)).toBe(stats.leaked_bytes);
  });

  test('--temporary-allocations agrees with summary', () => {
    const soon = ['--temporary-allocation-threshold', '3', '--json'];
    const stats = json('stats', ...soon);
    const summary = json('summary', ...soon);
    const count = Object.values(stats.allocator_type_distribution as Record<string, number>);
    expect(stats.kind).toBe('temporary');
    expect(count.reduce((a, b) => a + b, 0)).toBe(summary.total_allocations);
  });
});

describe('transform', () => {
  test.skipIf(noGprof2dot)('gprof2dot sees what each function held', () => {
    const file = join(folder, 'peak.json');
    memtape(['transform', 'gprof2dot', '-q', '-o', file, capture]);
    const { own } = gprof2dotTotals('json', file);
    for (const [name, { bytes }] of Object.entries(expected('peakBytes', 'peakBlocks'))) {
      expect(own[name], name).toBe(bytes);
    }
  });

  test.skipIf(noGo)('pprof sees what each function held, allocated and never freed', () => {
    const file = join(folder, 'leaks.pb.gz');
    memtape(['transform', 'pprof', '--leaks', '-q', '-o', file, capture]);
    const flat = (index: string): Map<string, number> => {
      const text = goPprof('-top', '-unit=B', '-nodefraction=0', `-sample_index=${index}`, file);
      const lines = text.matchAll(/^\s*(\d+)B?\s+\S+%?\s+\S+%?\s+\d+B?\s+\S+%?\s+(\S+)/gm);
      return new Map(Array.from(lines, ([, bytes, name = '']) => [name, Number(bytes)]));
    };
    const leaked = flat('inuse_space');
    for (const [name, { bytes }] of Object.entries(expected('liveBytes', 'liveBlocks'))) {
      expect(leaked.get(name), name).toBe(bytes);
    }
    const allocated = flat('alloc_space');
    for (const site of truth.sites.filter(({ bytes }) => bytes > 0)) {
      expect(allocated.get(site.function), site.function).toBe(site.bytes);
    }
  });
});
