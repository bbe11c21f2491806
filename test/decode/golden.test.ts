// SPDX-License-Identifier: MIT
// test/golden: NAME.bin is what C++ writes, NAME.txt what TypeScript reads. `npx vitest run -u golden` rewrites NAME.txt.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { payloadBytesAt } from '../../ts/decode/block-frame.js';
import { FormatError } from '../../ts/decode/format-error.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import { BLOCK_HEADER_BYTES, FILE_HEADER_BYTES } from '../../ts/format/constants.js';
import { block } from './capture-bytes.js';
import { cppProgram } from './cpp-program.js';
import { dumpLines, recordLines } from './dump-lines.js';

const GOLDEN = new URL('../golden', import.meta.url).pathname;
const names = readdirSync(GOLDEN)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => file.slice(0, -'.bin'.length));
const bytesOf = (name: string): Uint8Array => readFileSync(join(GOLDEN, `${name}.bin`));

/** What reading gives, or null for the one error that bytes may cause. */
async function unlessRefused<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Where each block starts, and where the last one ends. */
function blockStarts(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + BLOCK_HEADER_BYTES <= bytes.length && payloadBytesAt(bytes, at) > 0) {
    starts.push(at);
    at += BLOCK_HEADER_BYTES + payloadBytesAt(bytes, at);
  }
  return [...starts, at];
}

it('C++ writes the golden files', ({ skip }) => {
  const write = cppProgram('format_golden_writer');
  if (!write) return skip('no CMake build tree');
  const directory = mkdtempSync(join(tmpdir(), 'memtape-golden-'));
  try {
    write(directory);
    const written = readdirSync(directory);
    const kept = readdirSync(GOLDEN).filter((file) => !file.endsWith('.txt'));
    expect(written.sort()).toEqual(kept.sort());
    for (const file of written) {
      const same = readFileSync(join(directory, file)).equals(readFileSync(join(GOLDEN, file)));
      expect(same, file).toBe(true);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe.each(names)('golden %s', (name) => {
  it('reads as its text', async () => {
    const { lines } = await dumpLines(join(GOLDEN, `${name}.bin`));
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(join(GOLDEN, `${name}.txt`));
  });

  it('F-6: cut anywhere, it reads as a prefix and tells what was dropped', async () => {
    const bytes = bytesOf(name);
    const whole = recordLines((await dumpLines(bytes)).lines);
    const starts = blockStarts(bytes);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const part = await unlessRefused(dumpLines(bytes.subarray(0, cut)));
      expect(part === null, `cut at ${cut}`).toBe(cut < FILE_HEADER_BYTES);
      if (part === null) continue;
      const records = recordLines(part.lines);
      expect(records, `cut at ${cut}`).toEqual(whole.slice(0, records.length));
      expect(part.end.bytesRead).toBe(cut);
      const tail = cut - (starts.findLast((start) => start <= cut) ?? 0);
      const inFiller = cut > (starts.at(-1) ?? 0);
      if (tail > 0 && !inFiller) expect(part.end.bytesDropped).toBeGreaterThanOrEqual(tail);
      const reported = part.lines.filter((line) => line.startsWith('dropped '));
      expect(sum(reported.map((line) => Number(/ bytes=(\d+)/.exec(line)?.[1])))).toBe(
        part.end.bytesDropped,
      );
    }
  });

  it('with any bit flipped it throws nothing but FormatError', async () => {
    const bytes = Uint8Array.from(bytesOf(name));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      flip(bytes, bit);
      const read = await unlessRefused(readCapture(bytes, {}));
      if (bit >= FILE_HEADER_BYTES * 8) expect(read, `bit ${bit}`).not.toBeNull();
      flip(bytes, bit);
    }
  });

  it('F-18: with any bit of a payload wrong but its checksum right it throws nothing', async () => {
    const bytes = bytesOf(name);
    const starts = blockStarts(bytes);
    for (const [i, start] of starts.slice(0, -1).entries()) {
      const end = starts[i + 1] as number;
      const payload = Uint8Array.from(bytes.subarray(start + BLOCK_HEADER_BYTES, end));
      for (let bit = 0; bit < payload.length * 8; bit++) {
        flip(payload, bit);
        const changed = block(payload, bytes[start + 8] as number);
        const parts = [bytes.subarray(0, start), changed, bytes.subarray(end)];
        const read = await unlessRefused(readCapture(Buffer.concat(parts), {}));
        expect(read, `bit ${bit} of the block at ${start}`).not.toBeNull();
        flip(payload, bit);
      }
    }
  });
});

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function flip(bytes: Uint8Array, bit: number): void {
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
}
