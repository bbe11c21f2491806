// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cppProgram } from './cpp-program.js';
import { dumpLines, recordLines } from './dump-lines.js';

const RECORDS = 3000;

describe('random records that C++ encodes', () => {
  it.for([1, 2, 3, 4, 5, 6, 7, 8])('read as they were, seed %i', async (seed, { skip }) => {
    const write = cppProgram('format_random_writer');
    if (!write) return skip('no CMake build tree');
    const directory = mkdtempSync(join(tmpdir(), 'memtape-random-'));
    try {
      const file = join(directory, 'random.bin');
      const wanted = write(String(seed), String(RECORDS), file).split('\n').slice(0, -1);
      const { lines, end } = await dumpLines(file);
      expect(recordLines(lines)).toEqual(wanted);
      expect(wanted.length).toBeGreaterThan(RECORDS * 0.9);
      expect(end.bytesDropped).toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
