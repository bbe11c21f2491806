// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FRAME_KIND, LONG_TAG, MAP_OP, RSS_PART, THREAD_KINDS } from '../../ts/format/constants.js';
import { temporaryFolder } from '../support/folder.js';
import { cppProgram } from './cpp-program.js';
import { dumpLines, recordLines } from './dump-lines.js';

const RECORDS = 3000;

/** Of every record: its type, and each value of these fields that says what kind of it. */
function kindsOf(lines: readonly string[]): Set<string> {
  const kinds = lines.flatMap((line) => {
    const type = line.slice(0, line.search(/ |$/));
    const fields = [...line.matchAll(/ (kind|op)=(\w+)|"(part)":"(\w+)"/g)];
    return [type, ...fields.map(([, a, b, c, d]) => `${type} ${a ?? c}=${b ?? d}`)];
  });
  return new Set(kinds);
}

/** docs/format.md has no more than these. */
const KINDS = [
  ...['alloc', 'free', 'unknown_free', 'missed_free', 'foreign_free', 'time', 'thread'],
  ...['node', 'stack'],
  ...Object.keys(LONG_TAG),
  ...Object.keys(FRAME_KIND).map((kind) => `frame kind=${kind}`),
  ...THREAD_KINDS.map((kind) => `thread_start kind=${kind}`),
  ...Object.keys(MAP_OP).map((op) => `map op=${op}`),
  ...Object.keys(RSS_PART).map((part) => `rss part=${part}`),
];

/** What a dump of random records must show, and what it shows. */
async function roundTrip(write: (...args: string[]) => string, seed: number, records: number) {
  const file = join(temporaryFolder(), 'random.bin');
  const wanted = write(String(seed), String(records), file).split('\n').slice(0, -1);
  const { lines, end } = await dumpLines(file);
  return { wanted, lines: recordLines(lines), end };
}

describe('random records that C++ encodes', () => {
  it.for([1, 2, 3, 4, 5, 6, 7, 8])('read as they were, seed %i', async (seed, { skip }) => {
    const write = cppProgram('format_random_writer');
    if (!write) return skip('no CMake build tree');
    const { wanted, lines, end } = await roundTrip(write, seed, RECORDS);
    expect(lines).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(RECORDS * 0.9);
    expect(end.bytesDropped).toBe(0);
  });

  it('are of every kind that there is', async ({ skip }) => {
    const write = cppProgram('format_random_writer');
    if (!write) return skip('no CMake build tree');
    const { wanted, lines } = await roundTrip(write, 9, 10 * RECORDS);
    expect(lines).toEqual(wanted);
    const kinds = kindsOf(lines);
    expect(KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});
