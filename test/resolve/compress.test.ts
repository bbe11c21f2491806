// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checksumHolds, kindAt, payloadBytesAt } from '../../ts/decode/block-frame.js';
import { inflate } from '../../ts/decode/inflate.js';
import { BLOCK_HEADER_BYTES } from '../../ts/format/constants.js';
import { type Compression, compressor, hasZstd } from '../../ts/resolve/compress.js';

const TEXT = Buffer.from('the same again and again. '.repeat(1000));

describe.each<[Compression, number]>([
  ['gzip', 3],
  ...(hasZstd ? [['zstd', 2] as [Compression, number]] : []),
  ['auto', hasZstd ? 2 : 3],
])('%s', (compression, kind) => {
  it('makes a block that holds what was given', async () => {
    const block = (await compressor(compression)(TEXT)) ?? new Uint8Array(12);
    expect(block.length).toBeLessThan(TEXT.length / 50);
    expect(kindAt(block, 0)).toBe(kind);
    expect(payloadBytesAt(block, 0)).toBe(block.length - BLOCK_HEADER_BYTES);
    expect(checksumHolds(block, 0, block.length - BLOCK_HEADER_BYTES)).toBe(true);
    expect(inflate(kind, block.subarray(BLOCK_HEADER_BYTES))).toEqual(TEXT);
  });

  it('makes none where it would not be smaller', async () => {
    expect(await compressor(compression)(randomBytes(10_000))).toBeNull();
  });
});

it('none makes none', async () => {
  expect(await compressor('none')(TEXT)).toBeNull();
});

it.runIf(!hasZstd)('names what zstd needs where Node.js has none', async () => {
  await expect((async () => compressor('zstd')(TEXT))()).rejects.toThrow(/22\.15/);
});
