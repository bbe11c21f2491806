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

describe('mappings', () => {
  test('each step of a program that maps in every way', async () => {
    const { truth, recording } = await recordMode(['mmap']);
    const states = history(recording);
    // Steps follow each other in the capture; what lies between them are the calls inside a step.
    let at = 0;
    for (const step of truth.maps.steps) {
      const wanted = classesOf(step);
      const found = states.slice(at).findIndex((state) => same(state, wanted));
      expect({ step: step.name, found: found >= 0, wanted, after: states[at] }).toMatchObject({
        found: true,
      });
      at += found;
    }
    expect(states.at(-1)).toEqual(classesOf(truth.maps.end));
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
    expect(history(recording).at(-1)?.committed).toBe(truth.peak.committed);
    expect(recording.end.counts.allocations).toBe(truth.totals.allocations);
  });
});
