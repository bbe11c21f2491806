// SPDX-License-Identifier: MIT
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflate, portableZstd } from '../../ts/decode/inflate.js';
import { BLOCK_KIND, LIMITS } from '../../ts/format/constants.js';

const { zstdCompressSync } = zlib as { zstdCompressSync?: (data: Uint8Array) => Uint8Array };
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** A frame of one run-length block of `size` bytes; `head` is the frame's descriptor and what follows it. */
const runFrame = (head: readonly number[], size: number): Uint8Array => {
  const header = (size << 3) | 3;
  return Uint8Array.from([...MAGIC, ...head, header & 255, (header >> 8) & 255, header >> 16, 120]);
};

describe('zstd without help from Node', () => {
  it('reads a frame with a window', () => {
    expect(portableZstd(runFrame([0x00, 0x00], 1000))).toEqual(Buffer.alloc(1000, 'x'));
  });

  it('reads a frame that announces its size', () => {
    expect(portableZstd(runFrame([0x60, 0xe8 - 0x00, 0x02], 1000))).toEqual(
      Buffer.alloc(1000, 'x'),
    );
  });

  it('reads what Node compressed', ({ skip }) => {
    if (!zstdCompressSync) return skip('this Node has no zstd');
    const text = Buffer.from('free alloc '.repeat(50_000));
    expect(portableZstd(zstdCompressSync(text))).toEqual(text);
  });

  it.each([
    ['a window of more than 64 MiB', runFrame([0x00, (17 << 3) | 0], 10)],
    ['a size of more than 64 MiB', runFrame([0xa0, 0x01, 0x00, 0x00, 0x04], 10)],
    ['two frames', Buffer.concat([runFrame([0, 0], 10), runFrame([0, 0], 10)])],
    ['a frame cut off', runFrame([0, 0], 10).subarray(0, -1)],
    ['text', Buffer.from('no zstd at all')],
    ['nothing', new Uint8Array(0)],
  ])('refuses %s', (_name, bytes) => {
    expect(() => portableZstd(bytes)).toThrow();
    expect(inflate(BLOCK_KIND.zstd, bytes.subarray(0, bytes.length - 1))).toBeNull();
  });

  it('stops at the limit', () => {
    const block = [3 - 1, 0, 16, 120]; // 128 KiB of a run, and not the last block
    const blocks = Array.from({ length: 520 }, () => block).flat();
    const bomb = Uint8Array.from([...MAGIC, 0x00, 7 << 3, ...blocks, 1, 0, 0]);
    expect(() => portableZstd(bomb)).toThrow('too large');
  });
});

describe('gzip', () => {
  it('reads what zlib wrote', () => {
    const text = Buffer.from('free alloc '.repeat(1000));
    expect(inflate(BLOCK_KIND.gzip, zlib.gzipSync(text))).toEqual(text);
  });

  it('stops at the limit', () => {
    const bomb = zlib.gzipSync(Buffer.alloc(LIMITS.kMaxInflatedBytes + 1));
    expect(inflate(BLOCK_KIND.gzip, bomb)).toBeNull();
    const most = zlib.gzipSync(Buffer.alloc(LIMITS.kMaxInflatedBytes));
    expect(inflate(BLOCK_KIND.gzip, most)).toHaveLength(LIMITS.kMaxInflatedBytes);
  });

  it('refuses anything else', () => {
    expect(inflate(BLOCK_KIND.gzip, Buffer.from('no gzip'))).toBeNull();
  });
});
