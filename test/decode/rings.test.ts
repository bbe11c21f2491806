// SPDX-License-Identifier: MIT
// Recovery, on test/golden/recovered.bin and its rings; what they recover to stands in recovered.txt.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCapture } from '../../ts/decode/read-capture.js';
import { LOST_STACK_LABEL } from '../../ts/decode/rings.js';
import {
  LONG_TAG,
  RINGS_HEADER_BYTES,
  RINGS_OFFSET,
  SLOT_HEADER_BYTES,
  SLOT_OFFSET,
} from '../../ts/format/constants.js';
import { block, long, payload, text } from './capture-bytes.js';
import { dumpLines, recordLines } from './dump-lines.js';

const golden = new URL('../golden/recovered.bin', import.meta.url).pathname;
const captureBytes = readFileSync(golden);
const ringsBytes = readFileSync(`${golden}.rings`);
const SLOT_BYTES = 8192;
const FIRST_SLOT = RINGS_HEADER_BYTES;

const scratch = mkdtempSync(join(tmpdir(), 'memtape-rings-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Dumps the golden capture with other rings. */
async function withRings(change: (rings: DataView) => void, capture: Uint8Array = captureBytes) {
  const file = join(scratch, 'capture.bin');
  const rings = Uint8Array.from(ringsBytes);
  change(new DataView(rings.buffer));
  writeFileSync(file, capture);
  writeFileSync(`${file}.rings`, rings);
  return dumpLines(file);
}

const unchanged = (): void => {};

it('merges all rings by their stamps, frees before allocs', async () => {
  const { lines } = await withRings(unchanged);
  const recovered = recordLines(lines).filter((line) => /^(free|alloc|time)/.test(line));
  expect(recovered.slice(2, 6)).toEqual([
    'time ns=20000',
    'free id=1 address=0x1000 size=100 stack=1',
    'alloc id=3 address=0x3000 size=300 allocator=malloc stack=2 thread=7',
    'alloc id=1 address=0x1000 size=50 allocator=malloc stack=0 thread=8',
  ]);
});

it('F-17: counts lost stacks, and gives them a label', async () => {
  const { end } = await withRings(unchanged);
  expect(end.ringsRecovered).toMatchObject({ lostStacks: 1, skippedRecords: 1 });
  const [frame = 0] = end.tables.stackFrames(3);
  expect(end.tables.frame(frame)).toEqual({ kind: 'label', label: LOST_STACK_LABEL });
});

describe('F-19: where it starts', () => {
  it('is the tail of the slot when that is larger', async () => {
    const { end } = await withRings((view) => {
      view.setBigUint64(FIRST_SLOT + SLOT_OFFSET.tail, 40n, true);
    });
    // Without the 24 bytes of the definition and the 16 of the free.
    expect(end.ringsRecovered).toMatchObject({ frees: 0, allocations: 3 });
  });

  it('is the end when all was written', async () => {
    const { end } = await withRings((view) => {
      const head = view.getBigUint64(FIRST_SLOT + SLOT_OFFSET.head, true);
      view.setBigUint64(FIRST_SLOT + SLOT_OFFSET.tail, head, true);
    });
    expect(end.ringsRecovered).toMatchObject({ rings: 1, allocations: 1 });
  });
});

describe('F-20: nothing is recovered', () => {
  it.each([
    ['from the rings of another capture', RINGS_OFFSET.capture_id],
    ['from what are no rings', RINGS_OFFSET.magic],
    ['from another major version', RINGS_OFFSET.version_major],
  ])('%s', async (_name, offset) => {
    const { end } = await withRings((view) => view.setUint8(offset, 99));
    expect(end.ringsRecovered).toBeNull();
    expect(end.counts.allocations).toBe(2);
  });

  it.each([0, 4096, 4097, 12_287, 2 ** 31])('from slots of %i bytes', async (bytes) => {
    const { end } = await withRings((view) => {
      view.setUint32(RINGS_OFFSET.slot_bytes, bytes, true);
    });
    expect(end.ringsRecovered).toBeNull();
  });

  it('after a trailer', async () => {
    const trailer = block(
      payload(long(LONG_TAG.trailer, text('{"end":"stop"}')), [3, 1, 1, 1, 1, 3]),
    );
    const whole = Buffer.concat([captureBytes, trailer]);
    const { end } = await withRings(unchanged, whole);
    expect(end).toMatchObject({ truncated: false, ringsRecovered: null });
  });

  it('when it is not wanted, or there are no rings', async () => {
    const { ringsRecovered } = await readCapture(golden, {}, { recover: false });
    expect(ringsRecovered).toBeNull();
    expect((await readCapture(captureBytes, {})).ringsRecovered).toBeNull();
  });
});

describe('damaged rings', () => {
  it('a free slot and an impossible head are passed over', async () => {
    const { end } = await withRings((view) => {
      // One word more than the ring holds, counted from the tail that ring_tails told.
      view.setBigUint64(FIRST_SLOT + SLOT_OFFSET.head, 24n + 4096n + 8n, true);
      view.setUint32(FIRST_SLOT + SLOT_BYTES + SLOT_OFFSET.thread, 0, true);
    });
    expect(end.ringsRecovered).toMatchObject({ rings: 0, allocations: 0 });
  });

  it('a record beyond the head is dropped and counted', async () => {
    const { end } = await withRings((view) => {
      view.setBigUint64(FIRST_SLOT + SLOT_OFFSET.head, 24n + 16n + 24n, true);
    });
    expect(end.ringsRecovered).toMatchObject({ frees: 1, allocations: 1, bytesDropped: 24 + 24 });
  });

  it('a file cut off reads as zeros', async () => {
    const file = join(scratch, 'short.bin');
    writeFileSync(file, captureBytes);
    for (const length of [0, 10, RINGS_HEADER_BYTES, FIRST_SLOT + 200, FIRST_SLOT + 4200]) {
      writeFileSync(`${file}.rings`, ringsBytes.subarray(0, length));
      await expect(dumpLines(file)).resolves.toBeDefined();
    }
  });

  it('a bit of it may be wrong anywhere', async () => {
    const slots = [0, 1, 2].map((slot) => FIRST_SLOT + slot * SLOT_BYTES);
    const regions = [
      [0, 52],
      ...slots.map((slot) => [slot, slot + 16]),
      ...slots.map((slot) => [slot + 64, slot + 72]),
      ...slots.map((slot) => [slot + 128, slot + 136]),
      [FIRST_SLOT + SLOT_HEADER_BYTES, FIRST_SLOT + SLOT_HEADER_BYTES + 220],
    ] as const;
    for (const [start = 0, end = 0] of regions) {
      for (let bit = start * 8; bit < end * 8; bit += 13) {
        const read = withRings((view) => {
          view.setUint8(bit >> 3, view.getUint8(bit >> 3) ^ (1 << (bit & 7)));
        });
        await expect(read, `bit ${bit}`).resolves.toBeDefined();
      }
    }
  });
});

it('F-16: without a clock the order stays and the time stands still', async () => {
  const { lines } = await withRings((view) => {
    view.setBigUint64(RINGS_OFFSET.ticks_per_second, 0n, true);
  });
  expect(lines.filter((line) => line.startsWith('time'))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('free'))).toHaveLength(1);
});

it('stamps of weeks of uptime are exact', async () => {
  const { lines } = await withRings((view) => {
    const shift = 2n ** 62n;
    const add = (at: number) => view.setBigUint64(at, view.getBigUint64(at, true) + shift, true);
    add(RINGS_OFFSET.ticks_at_start);
    // The free of the first ring, behind its definition.
    add(FIRST_SLOT + SLOT_HEADER_BYTES + 24);
  });
  expect(lines).toContain('time ns=20000');
});
