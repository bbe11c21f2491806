// SPDX-License-Identifier: MIT
// A capture of the program that counts its own memory says what the program says: to the byte, by function.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPrograms, programs } from '../support/programs.js';
import { type Group, type Recording, readRecording, record } from '../support/recording.js';
import { parseTruth, type TruthOutput } from '../support/truth-output.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-truth-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

interface Account {
  allocator: string;
  allocations: number;
  bytes: number;
  liveBlocks: number;
  liveBytes: number;
  peakBlocks: number;
  peakBytes: number;
}

function sum<Key extends string>(list: readonly Record<Key, number>[], key: Key): number {
  return list.reduce((total, one) => total + one[key], 0);
}

type Counts = readonly [count: keyof Account, bytes: keyof Account];

/** By the function that called the allocator, for the sites of the program and its plugin. */
function accountsOf(recording: Recording, { sites, peak }: TruthOutput): Record<string, Account> {
  const names = new Set(sites.map((site) => site.function));
  const accounts: Record<string, Account> = {};
  const enter = (groups: readonly Group[], [count, bytes]: Counts) => {
    for (const group of groups) {
      const leaf = recording.nativeLeaf(group.stack);
      if (!leaf || ![programs.truth, programs.plugin].includes(leaf.module)) continue;
      // What libc allocates for its caller, such as a thread's storage, is not in the program's books.
      if (group.allocator === 'map' || !names.has(leaf.name)) continue;
      const account = accounts[leaf.name] ?? emptyAccount(group.allocator);
      accounts[leaf.name] = account;
      (account[count] as number) += group.count;
      (account[bytes] as number) += group.bytes;
    }
  };
  enter(recording.allocated, ['allocations', 'bytes']);
  enter(recording.live, ['liveBlocks', 'liveBytes']);
  if (peak.known) enter(recording.atPeak, ['peakBlocks', 'peakBytes']);
  return accounts;
}

function emptyAccount(allocator: string): Account {
  return {
    allocator,
    allocations: 0,
    bytes: 0,
    liveBlocks: 0,
    liveBytes: 0,
    peakBlocks: 0,
    peakBytes: 0,
  };
}

function wantedAccounts(truth: TruthOutput): Record<string, Account> {
  return Object.fromEntries(
    truth.sites.map(({ function: name, file: _file, line: _line, ...account }) => [
      name,
      {
        ...account,
        // reallocarray is recorded as realloc (docs/format.md §4.1).
        allocator: account.allocator.replace('array', ''),
        ...(truth.peak.known ? {} : { peakBlocks: 0, peakBytes: 0 }),
      },
    ]),
  );
}

/** What the dynamic linker takes and gives back for a plugin is heap too, and may move the peak. */
function peakAsFarAsKnown(truth: TruthOutput, args: readonly string[]): TruthOutput {
  const loads = args.includes(programs.plugin);
  return loads ? { ...truth, peak: { ...truth.peak, known: 0 } } : truth;
}

async function compare(
  args: readonly string[],
): Promise<{ truth: TruthOutput; recording: Recording }> {
  const recorded = record(programs.truth, args, { folder });
  expect(recorded.stderr).toBe('');
  const truth = peakAsFarAsKnown(parseTruth(recorded.stdout), args);
  const recording = await readRecording(recorded.capture);
  expect(accountsOf(recording, truth)).toEqual(wantedAccounts(truth));
  return { truth, recording };
}

/** Nothing was lost and nothing was invented. */
function expectComplete({ end }: Recording): void {
  expect(end.truncated).toBe(false);
  expect(end.bytesDropped).toBe(0);
  expect(end.trailer).toMatchObject({ missedFrees: 0, dropped: 0 });
}

const modes: string[][] = [
  ['all', programs.plugin],
  ['blocks'],
  ['libc'],
  ['peak'],
  ['plugin', programs.plugin],
  ['signals'],
  ['longjmp'],
  ['deep', '2000'],
  ['fork'],
  ['fork-under-load'],
  ['churn', '200'],
  ['small-stacks', '8192'],
  ['threads', '2', '10000', '1'],
  ['threads', '8', '1000000', '2'],
];

describe('blocks', () => {
  test.each(modes)('%s', async (...args) => {
    const { recording } = await compare(args);
    expectComplete(recording);
    // The dynamic linker frees what it allocated before any preload library could see it.
    const loads = args.includes(programs.plugin);
    if (!loads) expect(recording.end.trailer?.foreignFrees).toBe(0);
  });

  test('totals of a program that leaves libc alone are its own', async () => {
    const { truth, recording } = await compare(['peak']);
    expect(recording.peakBytes).toBe(truth.peak.heap);
    expect(recording.end.trailer).toMatchObject({
      allocations: truth.totals.allocations,
      allocatedBytes: truth.totals.bytes,
      frees: truth.totals.frees,
    });
  });

  test('threads have their names', async () => {
    const { truth, recording } = await compare(['threads', '4', '20000', '5']);
    const names = new Set<string | undefined>(truth.sites.map((site) => site.function));
    const byThread = new Map<string, { allocations: number; bytes: number }>();
    for (const { thread, stack, count, bytes } of recording.allocated) {
      if (!names.has(recording.nativeLeaf(stack)?.name)) continue;
      const name = recording.threadName(thread);
      const sum = byThread.get(name) ?? { allocations: 0, bytes: 0 };
      byThread.set(name, { allocations: sum.allocations + count, bytes: sum.bytes + bytes });
    }
    const wanted = truth.threads
      .filter(({ allocations }) => allocations > 0)
      .map(({ name, ...rest }) => [name, rest] as const);
    expect(byThread).toEqual(new Map(wanted));
  });
});

describe('endings', () => {
  test.each([
    ['return', 0],
    ['exit', 3],
  ])('%s is a complete capture', async (ending, status) => {
    const recorded = record(programs.truth, [ending], { folder });
    expect(recorded.status).toBe(status);
    const recording = await readRecording(recorded.capture);
    expectComplete(recording);
    const truth = parseTruth(recorded.stdout);
    expect(accountsOf(recording, truth)).toEqual(wantedAccounts(truth));
  });

  // What the rings still held has sizes, addresses and times; of stacks only those that the capture already knew.
  test.each([
    ['_exit', 4, null],
    ['quick_exit', 5, null],
    ['abort', null, 'SIGABRT'],
    ['kill9', null, 'SIGKILL'],
    ['term', null, 'SIGTERM'],
    ['segv', null, 'SIGSEGV'],
  ])('%s loses no event', async (ending, status, signal) => {
    const recorded = record(programs.truth, [ending], { folder });
    expect([recorded.status, recorded.signal]).toEqual([status, signal]);
    const truth = parseTruth(recorded.stdout);
    const recording = await readRecording(recorded.capture);
    const { counts, ringsRecovered } = recording.end;
    expect(counts).toMatchObject({
      allocations: truth.totals.allocations,
      frees: truth.totals.frees,
      missedFrees: 0,
    });
    expect(sum(recording.allocated, 'bytes')).toBe(truth.totals.bytes);
    expect(sum(recording.live, 'bytes')).toBe(truth.totals.liveBytes);
    expect(recording.peakBytes).toBe(truth.peak.heap);
    const named = Object.values(accountsOf(recording, truth));
    const unnamed = truth.totals.allocations - sum(named, 'allocations');
    expect(unnamed).toBe(ringsRecovered?.lostStacks ?? 0);
  });

  test('SIGKILL while four threads allocate loses nothing that was finished', async () => {
    const progressFile = join(folder, 'progress');
    const recorded = record(programs.truth, ['until-killed', '4', progressFile], { folder });
    expect(recorded.signal).toBe('SIGKILL');
    // By size, for the rings know sizes of what they cannot name: nothing else here allocates 67 bytes.
    const recording = await readRecording(recorded.capture, [67]);
    const { begun, finished } = progressOf(readFileSync(progressFile));
    const seen = [...recording.stacksOfSize(67).values()].reduce(
      (total, count) => total + count,
      0,
    );
    expect(finished).toBeGreaterThan(1000);
    expect(seen).toBeGreaterThanOrEqual(finished);
    expect(seen).toBeLessThanOrEqual(begun);
  });
});

/** Sums over threads of what the program noted before and after each call, in a file that outlives it. */
function progressOf(file: Buffer): { begun: number; finished: number } {
  let begun = 0;
  let finished = 0;
  for (let at = 0; at < file.length; at += 64) {
    begun += Number(file.readBigUInt64LE(at));
    finished += Number(file.readBigUInt64LE(at + 8));
  }
  return { begun, finished };
}

// Once by default; MEMTAPE_STORM_RUNS=100 to be sure.
describe('storm: 10,000,000 events on 8 threads', () => {
  const runs = Number(process.env['MEMTAPE_STORM_RUNS'] ?? 1);
  test.each(Array.from({ length: runs }, (_, i) => [i + 1]))(
    'run %i',
    async (seed) => {
      const { truth, recording } = await compare(['storm', String(seed)]);
      expect(truth.events).toBeGreaterThan(10_000_000);
      expectComplete(recording);
    },
    120_000,
  );
});
