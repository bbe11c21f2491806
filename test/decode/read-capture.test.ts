// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { FormatError } from '../../ts/decode/format-error.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import { BLOCK_KIND, LONG_TAG } from '../../ts/format/constants.js';
import { block, capture, fileHeader, long, payload, text, varint } from './capture-bytes.js';
import { dumpLines, recordLines } from './dump-lines.js';

const scratch = mkdtempSync(join(tmpdir(), 'memtape-read-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const strings = (...texts: string[]): number[] =>
  texts.flatMap((t) => long(LONG_TAG.string, text(t)));
const trailer = block(payload(long(LONG_TAG.trailer, text('{"end":"stop"}'))));

describe('sources', () => {
  const bytes = capture(...Array.from({ length: 50 }, (_, i) => block(payload(strings(`${i}`)))));
  const expected = dumpLines(bytes);

  it('reads a file in small chunks as it reads memory', async () => {
    const file = join(scratch, 'chunks.bin');
    writeFileSync(file, bytes);
    for (const chunkBytes of [1, 7, 64, 100, 1000]) {
      const texts: string[] = [];
      const end = await readCapture(
        file,
        {
          onStart: ({ tables }) => texts.push(String(tables.stringCount)),
        },
        { chunkBytes },
      );
      expect(end.bytesRead).toBe(bytes.length);
      expect(end.counts.blocks).toBe(50);
    }
  });

  it('reads chunks of any size', async () => {
    for (const size of [1, 3, 50, 5000]) {
      async function* chunks() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      expect((await dumpLines(chunks())).lines).toEqual((await expected).lines);
    }
  });

  it('passes on the errors of the source', async () => {
    await expect(readCapture(join(scratch, 'none.bin'), {})).rejects.toThrow('ENOENT');
    await expect(readCapture(scratch, {})).rejects.toThrow('EISDIR');
    await expect(readCapture(Buffer.from('x'), {})).rejects.toThrow(FormatError);
  });

  it('passes on the errors of the consumer', async () => {
    const broken = {
      onDefinition() {
        throw new TypeError('consumer broke');
      },
    };
    await expect(readCapture(bytes, broken)).rejects.toThrow('consumer broke');
  });

  it('keeps nothing of the file but a window', async () => {
    const blocks = Array.from({ length: 64 }, () => block(payload([0x03]).subarray(0)));
    let most = 0;
    async function* chunks() {
      yield fileHeader();
      for (let i = 0; i < 2000; i++) {
        yield* blocks;
        most = Math.max(most, process.memoryUsage().arrayBuffers);
      }
    }
    const before = process.memoryUsage().arrayBuffers;
    const end = await readCapture(chunks(), {}, { chunkBytes: 1 << 16 });
    expect(end.counts.foreignFrees).toBe(64 * 2000);
    expect(most - before).toBeLessThan(4 << 20);
  });
});

describe('F-14: the end', () => {
  it('is whole with a trailer', async () => {
    const end = await readCapture(capture(trailer), {});
    expect(end).toMatchObject({ truncated: false, trailer: { end: 'stop' }, bytesDropped: 0 });
  });

  it('is cut off without one', async () => {
    expect(await readCapture(capture(), {})).toMatchObject({ truncated: true, trailer: null });
  });
});

describe('F-6: torn tails and filler', () => {
  const good = block(payload([0x03]));

  it.each([
    ['zeros', new Uint8Array(5000), 0],
    ['a few zeros', new Uint8Array(5), 0],
    ['zeros and then something', Uint8Array.from([...new Uint8Array(50), 9, 0, 0]), 51],
    ['half a header', Uint8Array.from([1, 0, 0]), 3],
    ['a block without its last byte', good.subarray(0, -1), good.length - 1],
    ['a length beyond the limit', Uint8Array.from([1, 0, 0, 1, ...new Uint8Array(20)]), 24],
  ])('%s', async (_name, tail, dropped) => {
    const end = await readCapture(capture(good, tail), {});
    expect(end.bytesDropped).toBe(dropped);
    expect(end.counts.foreignFrees).toBe(1);
    expect(end.bytesRead).toBe(64 + good.length + tail.length);
  });
});

describe('F-7: damaged blocks', () => {
  const damaged = block(payload([0x03, 0x03]));
  damaged[damaged.length - 1] = 0x02;

  it.each([
    ['a valid block', [block(payload([0x03]))], 1],
    ['filler', [new Uint8Array(100)], 0],
    ['the end', [], 0],
  ])('are skipped before %s', async (_name, rest, read) => {
    const end = await readCapture(capture(damaged, ...rest), {});
    expect(end).toMatchObject({ bytesDropped: damaged.length, blocksDropped: 1 });
    expect(end.counts.foreignFrees).toBe(read);
  });

  it('are the tail when nothing valid follows', async () => {
    const end = await readCapture(capture(damaged, damaged, block(payload([0x03]))), {});
    expect(end.counts.foreignFrees).toBe(0);
    expect(end.bytesDropped).toBe(end.bytesRead - 64);
  });
});

describe('F-8: compressed blocks', () => {
  const one = block(payload([0x03]));

  it('hold blocks of records', async () => {
    const inner = Buffer.concat([one, one]);
    const end = await readCapture(capture(block(gzipSync(inner), BLOCK_KIND.gzip), one), {});
    expect(end.counts).toMatchObject({ foreignFrees: 3, blocks: 3 });
    expect(end.bytesDropped).toBe(0);
  });

  it('do not end within a block', async () => {
    const inner = Buffer.concat([one, one.subarray(0, 5)]);
    const end = await readCapture(capture(block(gzipSync(inner), BLOCK_KIND.gzip)), {});
    expect(end.counts.foreignFrees).toBe(1);
    expect(end.bytesDropped).toBe(5);
  });

  it('may be unreadable, and later blocks still know their identifiers', async () => {
    const unreadable = block(Buffer.from('nothing'), BLOCK_KIND.zstd);
    const later = block(payload(strings('late'), [1, 100_000, 1, 1, 1, 1]));
    const { end, lines } = await dumpLines(capture(unreadable, later));
    expect(end.blocksDropped).toBe(1);
    expect(lines).toContain('string id=100000 text=late');
  });
});

describe('F-18: malformed records', () => {
  const stackOne = [0x04, 0, 1];
  it.each([
    ['tag 0', [0x00]],
    ['a reserved tag', [0x1f]],
    ['an address that is not known', [0x81, 120, 1, 1]],
    ['address 0', [0x81, 120, 1, 0]],
    ['a stack that is not known', [0x80, 122, 1, 1]],
    ['a stack that was current before the first', [0x80, 0, 1, 1]],
    ['a stack that is negative', [0x80, 119, 1, 1]],
    ['the size of a stack that had none', [0x84, 120, 1]],
    ['a recently freed address of none', [0x82, 120, 1, 0]],
    ['a recently freed address out of reach', [0x82, 120, 1, 0x80, 0x20]],
    ['the latest alloc of none', [0x60]],
    ['a recent alloc of none', [0x50, 2]],
    ['a recent alloc out of reach', [0x50, 0x80, 2]],
    ['a free of an id that is not known', [0x41, 0]],
    ['a free of id 0', [0x40, 0]],
    ['an alloc cut off', [0x80, 120]],
    ['a stack that never ends', [0x80, 255, 255, 255, 255, 255, 1, 2]],
    ['an id that never ends', [0x81, 120, 1, 255, 255, 255, 255, 255]],
    ['a size of 2^53', [0x80, 120, ...varint(2n ** 53n), 2]],
    ['a size that never ends', [0x80, 120, ...Array(11).fill(255)]],
    ['a thread beyond the limit', [0x02, ...varint(16_777_216)]],
    ['a time that never ends', [0x01, ...Array(11).fill(255)]],
    ['a long record beyond the block', [0x20, 100, 1]],
    ['a long record beyond the limit', [0x20, ...varint(4_194_305)]],
    ['a record without its last field', long(LONG_TAG.gc, [1, 1])],
    ['a string beyond its record', long(LONG_TAG.package, [0, 5, 1, 0])],
    ['a node with an unknown frame', [0x04, 1 << 4, 1, 1]],
    ['a node that is its own parent', [0x04, 1 << 4, 0, 0]],
    ['a node before node 0', [0x04, 1 << 4, 2, 0]],
    ['more nodes than bytes', [0x04, 3 << 4, 1, 0]],
    ['half a stack', [0x04, 0]],
    ['a ring stack with unknown stacks', long(LONG_TAG.ring_stack, [1, 1, 0, 3])],
    ['a map with fewer deltas than it says', long(LONG_TAG.map, [0, 0, 0, 0, 0, 0, 255, 255, 1])],
    ['too many inlined functions', long(LONG_TAG.symbol, [1, 1, 0, 0, 0, ...varint(1024)])],
  ])('%s: what comes before it counts, the rest is dropped', async (_name, records) => {
    const before = [0x03, ...stackOne];
    const bytes = capture(block(payload([...before, ...records, 0x03])), block(payload([0x03])));
    const end = await readCapture(bytes, {});
    expect(end.counts).toMatchObject({ foreignFrees: 2, malformedBlocks: 1, allocations: 0 });
    expect(end.bytesDropped).toBe(records.length + 1);
    expect(end.blocksDropped).toBe(0);
  });

  it.each([
    ['identifiers that nothing can have defined', payload([0x03], [1, 1, 1, 1, 1, 5000])],
    ['identifier 0', payload([0x03], [1, 1, 0, 1, 1, 1])],
    ['a thread beyond the limit', Uint8Array.from([0, ...varint(2 ** 24), 1, 1, 1, 1, 1, 1, 3])],
    ['fewer numbers than it has', Uint8Array.from([0, 0, 1])],
  ])('a prologue with %s drops its block', async (_name, wrong) => {
    const end = await readCapture(capture(block(wrong), block(payload([0x03]))), {});
    expect(end.counts).toMatchObject({ foreignFrees: 1, malformedBlocks: 1 });
    expect(end.bytesDropped).toBe(wrong.length);
  });
});

it.each([
  ['free', [0x41]],
  ['alloc of a known address', [0x8d]],
  ['alloc of a recently freed address', [0x60, 0x8e]],
])('F-18: a %s that the end of the block cuts off has no effect', async (_name, records) => {
  const end = await readCapture(capture(block(payload([0x80, 120, 5, 2, ...records]))), {});
  expect(end.counts).toMatchObject({ allocations: 1, missedFrees: 0, malformedBlocks: 1 });
  expect(end.bytesDropped).toBe(1);
});

describe('F-9: a block knows nothing of the one before', () => {
  // An alloc and a free of the same address, often enough to fill both histories.
  const again = Array.from({ length: 4200 }, () => [0x8e, 0, 0x60]).flat();
  const before = block(payload([0x80, 120, 5, 2, 0x60, ...again]));
  it.each([
    ['its frees', [0x82, 120, 1, 0]],
    ['its allocs', [0x60]],
    ['its older allocs', [0x52, 0x02]],
    ['its sizes', [0x85, 120, 1]],
    ['its stack', [0x89, 1, 1]],
    ['its earlier stack', [0x81, 0, 1, 1]],
  ])('%s', async (_name, records) => {
    const end = await readCapture(capture(before, block(payload(records, [2, 1, 1, 1, 1, 1]))), {});
    expect(end.counts).toMatchObject({ allocations: 4201, frees: 4201, malformedBlocks: 1 });
  });

  it('its last new address', async () => {
    const after = block(payload([0x80, 120, 1, 4], [2, 1, 1, 1, 1, 1]));
    const { lines } = await dumpLines(capture(before, after));
    expect(lines).toContain('alloc id=2 address=0x10 size=1 allocator=malloc stack=0 thread=0');
  });
});

describe('histories', () => {
  const allocs = Array.from({ length: 4098 }, () => [0x8c, 2]).flat();
  const many = [0x80, 120, 1, 2, ...allocs];
  const ids = async (...records: readonly number[]) => {
    const { lines, end } = await dumpLines(capture(block(payload([...many, ...records]))));
    expect(end.counts.malformedBlocks).toBe(0);
    return recordLines(lines)
      .slice(1 + 4099)
      .map((line) => Number(/ id=(\d+)/.exec(line)?.[1]));
  };

  it('the 4,096th last alloc is the oldest in reach', async () => {
    expect(await ids(0x7f, 0x50, 2, 0x5f, 0xff, 0x01)).toEqual([4068, 4067, 4]);
  });

  it('the 4,096th last free is the oldest in reach', async () => {
    const frees = Array.from({ length: 4095 }, (_, i) => {
      const k = 4095 - i - 1;
      return k < 32 ? [0x60 | k] : [0x50 | (k & 15), ...varint(k >> 4)];
    }).flat();
    const freed = await ids(0x43, 0, ...frees, 0x8e, 0xff, 0x1f, 0x8e, 0);
    expect(freed.slice(0, 3)).toEqual([3, 5, 6]);
    expect(freed.slice(-2)).toEqual([3, 4099]);
  });
});

describe('numbers', () => {
  it.each([
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    2 ** 21,
    2 ** 28,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 35,
    2 ** 47,
    2 ** 53 - 1,
  ])('a size of %i', async (size) => {
    const alloc = [0x80, 120, ...varint(size), 2];
    const { lines } = await dumpLines(capture(block(payload([...alloc, 0x60]))));
    expect(recordLines(lines).slice(1)).toEqual([
      `alloc id=1 address=0x8 size=${size} allocator=malloc stack=0 thread=0`,
      `free id=1 address=0x8 size=${size} stack=0`,
    ]);
  });

  it.each([16, 2 ** 31, 2 ** 40 + 8, 2 ** 47 - 8])('an address of %i and back', async (address) => {
    const there = varint((address / 8) * 2);
    const back = varint((address / 8 - 1) * 2 - 1);
    const records = [0x80, 120, 1, ...there, 0x88, 1, ...back];
    const { lines } = await dumpLines(capture(block(payload(records))));
    expect(lines.join('\n')).toContain(`id=1 address=0x${address.toString(16)} `);
    expect(lines.join('\n')).toContain('id=2 address=0x8 ');
  });

  it('a number may be longer than it has to be', async () => {
    const alloc = [0x80, 0xf8, 0x80, 0x00, 0x85, 0x80, 0x80, 0x80, 0x80, 0x00, 2];
    const { lines } = await dumpLines(capture(block(payload(alloc))));
    expect(lines.join('\n')).toContain('size=5 allocator=malloc stack=0');
  });
});

it('pauses after each block of records, inside compressed ones too', async () => {
  const one = block(payload([0x03]));
  const inner = Buffer.concat([one, one]);
  let pauses = 0;
  const pause = async () => {
    pauses++;
  };
  await readCapture(capture(block(gzipSync(inner), BLOCK_KIND.gzip), one), {}, { pause });
  expect(pauses).toBe(3);
});

it('later metadata adds to and overrides earlier; wrong fields are absent', async () => {
  const records = ['{"pid":1,"node":"v20"}', '{"pid":2,"clock":"sundial","own":[1]}'].flatMap(
    (json) => long(LONG_TAG.metadata, text(json)),
  );
  const { metadata } = await readCapture(capture(block(payload(records))), {});
  expect(metadata).toEqual({ pid: 2, node: 'v20', clock: undefined, own: [1] });
});
