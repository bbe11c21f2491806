// SPDX-License-Identifier: MIT
// Mappings are followed page by page: the program checks its own model against /proc/self/maps, and the capture is
// checked against the model.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEMORY_CLASS } from '../../ts/format/constants.js';
import { buildPrograms, programs } from '../support/programs.js';
import { type Recording, readRecording, record } from '../support/recording.js';
import { parseTruth, type TruthOutput, type TruthPages } from '../support/truth-output.js';

const folder = mkdtempSync(join(tmpdir(), 'memtape-mappings-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

interface Classes {
  committed: number;
  reserved: number;
  file: number;
}

function classesOf(pages: TruthPages): Classes {
  return {
    committed: pages.anonymous + pages.sharedAnonymous,
    reserved: pages.anonymousNone + pages.sharedAnonymousNone,
    file: pages.file + pages.fileNone,
  };
}

/** What was mapped after each recorded call, from the changes that the calls made. */
function history(recording: Recording): Classes[] {
  const now: Classes = { committed: 0, reserved: 0, file: 0 };
  return recording.maps.map(({ deltas }) => {
    for (const delta of deltas) {
      if (delta.class === MEMORY_CLASS.committed) now.committed += delta.bytes;
      if (delta.class === MEMORY_CLASS.reserved) now.reserved += delta.bytes;
      if (delta.class === MEMORY_CLASS.file) now.file += delta.bytes;
    }
    return { ...now };
  });
}

const same = (a: Classes, b: Classes) =>
  a.committed === b.committed && a.reserved === b.reserved && a.file === b.file;

async function recordMode(
  args: readonly string[],
): Promise<{ truth: TruthOutput; recording: Recording }> {
  const recorded = record(programs.truth, args, { folder });
  expect(recorded.stderr).toBe('');
  expect(recorded.status).toBe(0);
  return { truth: parseTruth(recorded.stdout), recording: await readRecording(recorded.capture) };
}

/** Steps of the program that no state of the capture matches, in order: between two steps lie the calls of the second. */
function missingSteps(truth: TruthOutput, recording: Recording): object[] {
  const states = history(recording);
  let at = 0;
  return truth.maps.steps.flatMap((step) => {
    const wanted = classesOf(step);
    const found = states.slice(at).findIndex((state) => same(state, wanted));
    if (found < 0) return [{ step: step.name, ...wanted }];
    at += found;
    return [];
  });
}

describe('mappings', () => {
  test.each(['mmap', 'rare-mmap'])('each step of %s', async (mode) => {
    const { truth, recording } = await recordMode([mode]);
    expect(truth.maps.steps.length).toBeGreaterThan(1);
    expect(missingSteps(truth, recording)).toEqual([]);
    expect(history(recording).at(-1)).toEqual(classesOf(truth.maps.end));
    expect(recording.peakBytes).toBe(truth.peak.heap);
  });

  test.each([1, 2, 3])('10,000 random calls (seed %i)', async (seed) => {
    const { truth, recording } = await recordMode(['random-mmap', '10000', String(seed)]);
    expect(history(recording).at(-1)).toEqual(classesOf(truth.maps.end));
    expect(recording.peakBytes).toBe(truth.peak.heap);
  });

  test('pages that a signal handler maps, in whatever it interrupts', async () => {
    const { truth, recording } = await recordMode(['signal-storm', '2000000']);
    expect(truth.signals?.handled).toBeGreaterThan(10);
    // A call that interrupts a hook of its own thread is not recorded but counted: at most that is the difference.
    const nested = recording.end.trailer?.nested ?? 0;
    const difference = truth.peak.committed - (history(recording).at(-1)?.committed ?? 0);
    expect(Math.abs(difference)).toBeLessThanOrEqual(nested * truth.pageSize);
    expect(recording.end.counts.allocations).toBe(truth.totals.allocations);
  });
});
