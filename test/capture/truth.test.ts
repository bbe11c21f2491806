// SPDX-License-Identifier: MIT
// What openCapture says of the program that counts its own memory is what the program says.
import { beforeAll, describe, expect, test } from 'vitest';
import type { MemoryProfile } from '../../ts/capture/memory-profile.js';
import { openCapture } from '../../ts/index.js';
import { temporaryFolder } from '../support/folder.js';
import { buildPrograms, isOfTruth, programs } from '../support/programs.js';
import { record } from '../support/recording.js';
import { parseTruth, type TruthOutput } from '../support/truth-output.js';

beforeAll(buildPrograms);

type Sums = Record<string, { count: number; bytes: number }>;

function add(sums: Sums, name: string, count: number, bytes: number): void {
  const sum = sums[name] ?? { count: 0, bytes: 0 };
  sums[name] = { count: sum.count + count, bytes: sum.bytes + bytes };
}

/** By the function that called malloc, for those that keep books. */
function byFunction(profile: MemoryProfile, { sites }: TruthOutput): Sums {
  const names = new Set(sites.map((site) => site.function));
  const sums: Sums = {};
  for (const { frames, allocator, count, bytes } of profile) {
    const [leaf] = frames;
    if (!leaf || !isOfTruth(leaf.file) || allocator === 'mmap' || !names.has(leaf.name)) continue;
    add(sums, leaf.name, count, bytes);
  }
  return sums;
}

type Column = 'allocations' | 'liveBlocks' | 'peakBlocks';

function wanted({ sites }: TruthOutput, count: Column, bytes: 'bytes' | 'liveBytes' | 'peakBytes') {
  const sums: Sums = {};
  for (const site of sites) {
    if (site[count] > 0) add(sums, site.function, site[count], site[bytes]);
  }
  return sums;
}

async function recorded(...args: string[]) {
  const { capture, stdout } = record(programs.truth, args, { folder: temporaryFolder() });
  return { capture: await openCapture(capture), truth: parseTruth(stdout) };
}

describe.each([['blocks'], ['peak'], ['threads', '4', '100000', '1']])('truth %s', (...args) => {
  test('profiles, by function, to the byte', async () => {
    const { capture, truth } = await recorded(...args);
    const [peak, leaked, allocated] = await Promise.all([
      capture.peak(),
      capture.leaked(),
      capture.allocated(),
    ]);
    expect(byFunction(allocated, truth)).toEqual(wanted(truth, 'allocations', 'bytes'));
    expect(byFunction(leaked, truth)).toEqual(wanted(truth, 'liveBlocks', 'liveBytes'));
    if (truth.peak.known) {
      expect(byFunction(peak, truth)).toEqual(wanted(truth, 'peakBlocks', 'peakBytes'));
    }
    await capture.close();
  });

  test('records add up to the profiles', async () => {
    const { capture } = await recorded(...args);
    const live = new Map<number, number>();
    let heap = 0;
    let highest = 0;
    let allocations = 0;
    let frees = 0;
    for await (const batch of capture.records()) {
      for (const record of batch) {
        if (record.type === 'alloc') {
          allocations++;
          heap += record.bytes;
          live.set(record.address, record.bytes);
        } else if (record.type === 'free') {
          frees += record.missed ? 0 : 1;
          expect(live.get(record.address)).toBe(record.bytes);
          live.delete(record.address);
          heap -= record.bytes;
        } else if (record.type === 'map') {
          for (const delta of record.deltas) if (delta.class === 'committed') heap += delta.bytes;
        }
        highest = Math.max(highest, heap);
      }
    }
    const [peak, leaked, end] = await Promise.all([
      capture.peak(),
      capture.leaked(),
      capture.end(),
    ]);
    expect(highest).toBe(peak.totalBytes);
    expect(heap).toBe(leaked.totalBytes);
    expect({ allocations, frees }).toEqual({ allocations: end.allocations, frees: end.frees });
    expect(end).toMatchObject({ end: 'exit', truncated: false, bytesDropped: 0, warnings: [] });
    await capture.close();
  });
});

test('temporary allocations by threshold', async () => {
  const { capture, truth } = await recorded('blocks');
  const names = new Set(truth.sites.map((site) => site.function));
  expect(truth.temporary.length).toBeGreaterThan(1);
  for (const { threshold, allocations } of truth.temporary) {
    const profile = await capture.temporary(threshold);
    const own = [...profile].filter(({ frames: [leaf] }) => leaf && names.has(leaf.name));
    expect(own.reduce((sum, { count }) => sum + count, 0)).toBe(allocations);
  }
  await capture.close();
});
