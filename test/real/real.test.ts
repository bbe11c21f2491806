// SPDX-License-Identifier: MIT
// Programs that others wrote run as if nobody watched, and the recording names what they did.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isNodeInternal } from '../../ts/model/frame.js';
import { missingNodes, nodes } from '../support/nodes.js';
import { type Finished, run } from '../support/programs.js';
import { type Group, type Recording, readRecording, record } from '../support/recording.js';
import { cases, type RealCase } from './cases.js';
import { folder as home } from './commands.mjs';

const folder = mkdtempSync(join(tmpdir(), 'memtape-real-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>;
};

const newest = nodes().reduce((a, b) => (b.major > a.major ? b : a));

const versioned = (name: string) => `${name}@${dependencies[name]}`;

const missingFrames = ({ frames }: RealCase, recording: Recording) => {
  const seen = [...recording.allFrames()];
  return frames.filter(
    ({ name, file }) =>
      !seen.some((frame) => frame.name === name && frame.file.endsWith(file) && frame.line > 0),
  );
};

function expectSizes({ sizes = [] }: RealCase, recording: Recording): void {
  for (const { size, count, under } of sizes) {
    const stacks = [...recording.stacksOfSize(size)].filter(([stack]) =>
      recording.frames(stack).some(({ name }) => name === under),
    );
    expect({ size, count: stacks.reduce((sum, [, times]) => sum + times, 0) }).toEqual({
      size,
      count,
    });
  }
}

function expectHeld({ held }: RealCase, recording: Recording): void {
  if (!held) return;
  const groups = recording.atPeak.filter(({ stack }) => {
    const frames = recording.frames(stack);
    const from = held.through ? frames.findIndex(({ kind }) => kind === held.through) : 0;
    return from >= 0 && frames.slice(from).some(({ name }) => name === held.under);
  });
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
  expect(bytes).toBeGreaterThanOrEqual(held.bytes);
}

function expectModules({ modules = [] }: RealCase, recording: Recording): void {
  const seen = new Set([...recording.allFrames()].map(({ file }) => basename(file)));
  // libvips-cpp.so.8.17.3 is libvips-cpp.so: versions are the package's matter.
  const found = modules.filter((module) => [...seen].some((name) => name.startsWith(module)));
  expect(found).toEqual(modules);
}

/** The part of the bytes of these allocations that reaches a line of JavaScript, Node.js's own not counted. */
function shareOnLines(recording: Recording, groups: readonly Group[]): number {
  const onLine = ({ stack }: Group) =>
    recording.frames(stack).some(({ kind, file }) => kind === 'js' && !isNodeInternal(file));
  const sum = (list: readonly Group[]) => list.reduce((total, { bytes }) => total + bytes, 0);
  return sum(groups.filter(onLine)) / sum(groups);
}

function expectOnLines({ onLines }: RealCase, recording: Recording): void {
  if (!onLines) return;
  const groups = recording.allocated.filter(({ stack }) => {
    const leaf = basename(recording.nativeLeaf(stack)?.module ?? '');
    return onLines.modules.some((module) => leaf.startsWith(module));
  });
  expect(groups.length).toBeGreaterThan(0);
  expect(shareOnLines(recording, groups)).toBeGreaterThanOrEqual(onLines.share);
}

function expectWorkers({ workers }: RealCase, recording: Recording): void {
  if (!workers) return;
  const { threads } = recording.end.tables;
  const working = recording.allocated.filter(
    ({ thread, stack }) =>
      threads.get(thread)?.kind === 'worker' &&
      recording.frames(stack).some(({ name }) => name === workers.under),
  );
  expect(new Set(working.map(({ thread }) => thread)).size).toBe(workers.threads);
}

/** The capture is not compressed yet: `memtape run` does that at the end. */
function expectSmall({ bytesPerEvent }: RealCase, { end }: Recording): void {
  if (bytesPerEvent === undefined) return;
  const { allocations, frees, maps } = end.counts;
  expect(end.bytesRead / (allocations + frees + maps)).toBeLessThanOrEqual(bytesPerEvent);
}

function expectSound(recording: Recording): void {
  const { end } = recording;
  expect(end.truncated).toBe(false);
  expect(end.bytesDropped).toBe(0);
  expect(end.metadata.jsStacks).toBe('frames');
  expect(end.trailer).toMatchObject({ missedFrees: 0, dropped: 0 });
  expect(recording.peakBytes).toBeGreaterThan(10e6);
}

/** What each program does unrecorded: on every Node.js the same, which a recording on any of them is compared with. */
const plainRuns = new Map<RealCase, Finished>();

function plainRun(one: RealCase): Finished {
  const known = plainRuns.get(one);
  if (known) return known;
  const plain = run(newest.path, one.args, { cwd: home });
  plainRuns.set(one, plain);
  return plain;
}

test('all Node.js versions are installed', () => {
  expect(missingNodes()).toEqual([]);
});

describe.each(nodes())('Node.js $version', ({ path, major }) => {
  test.each(cases.filter(({ since = 0 }) => since <= major))(
    '$name',
    async (one) => {
      const plain = plainRun(one);
      expect(plain.status).toBe(0);
      const recorded = record(path, one.args, { folder, cwd: home });
      expect({ ...recorded, pid: 0, capture: '' }).toEqual({ ...plain, pid: 0, capture: '' });
      const recording = await readRecording(
        recorded.capture,
        one.sizes?.map(({ size }) => size),
      );
      expectSound(recording);
      expectSmall(one, recording);
      expect(missingFrames(one, recording)).toEqual([]);
      const packages = new Set([...recording.allFrames()].map((frame) => frame.package));
      expect([...packages]).toEqual(expect.arrayContaining(one.packages.map(versioned)));
      expectSizes(one, recording);
      expectHeld(one, recording);
      expectModules(one, recording);
      expectOnLines(one, recording);
      expectWorkers(one, recording);
    },
    120_000,
  );
});

test('what a process allocates that uses sharp for long reaches a JavaScript line', async () => {
  const args = ['programs/sharp-resize.mjs', '200'];
  const recorded = record(newest.path, args, { folder, cwd: home });
  expect(recorded.status).toBe(0);
  const recording = await readRecording(recorded.capture);
  expect(shareOnLines(recording, recording.allocated)).toBeGreaterThanOrEqual(0.95);
}, 120_000);
