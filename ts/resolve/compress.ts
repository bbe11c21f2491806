// SPDX-License-Identifier: MIT
// Compressed blocks (docs/format.md §3), by what this Node.js can do.

import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { crc32c } from '../decode/crc32c.js';
import { Kernel } from '../decode/kernel.js';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_KIND,
  BLOCK_OFFSET,
  FIRST_LONG_TAG,
  LIMITS,
  LONG_TAG,
} from '../format/constants.js';

/** `auto`: zstd where Node.js has it, else gzip. */
export type Compression = 'auto' | 'zstd' | 'gzip' | 'none';

/** One block around whole blocks of records, or null when it would not be smaller. */
export type CompressBlocks = (blocks: Uint8Array) => Promise<Uint8Array | null>;

/** Of use only while there are rings: a sixteenth of what a capture of many stacks weighs. */
const RING_TAGS = [LONG_TAG.ring_stack, LONG_TAG.ring_tails]
  .map((tag) => 1 << (tag - FIRST_LONG_TAG))
  .reduce((a, b) => a | b);

// A tenth smaller than at 3, for three times the time (0.2 s for 2.8 million events, on threads beside), and quicker to decompress.
const ZSTD_LEVEL = 9;
const GZIP_LEVEL = 4;

/** Since Node 22.15; not in the type definitions of Node 20. */
interface ZstdModule {
  readonly zstdCompress?: (
    data: Uint8Array,
    options: { readonly params: Readonly<Record<number, number>> },
    callback: (error: Error | null, result: Buffer) => void,
  ) => void;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}
const { zstdCompress, constants } = zlib as unknown as ZstdModule;
const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);

export const hasZstd = zstdCompress !== undefined;

/** `columns`: a quarter to a third smaller, and half as long again to read (docs/overhead.md). */
export function compressor(compression: Compression, columns = false): CompressBlocks {
  switch (compression === 'auto' ? (hasZstd ? 'zstd' : 'gzip') : compression) {
    case 'zstd':
      return around(BLOCK_KIND.zstd, zstd, columns);
    case 'gzip':
      return around(BLOCK_KIND.gzip, (blocks) => gzip(blocks, { level: GZIP_LEVEL }), columns);
    default:
      return async () => null;
  }
}

function around(
  kind: number,
  compress: (blocks: Uint8Array) => Promise<Uint8Array>,
  inColumns: boolean,
): CompressBlocks {
  const kernel = inColumns ? new Kernel() : null;
  return async (blocks) => {
    const columns = kernel?.split(blocks, RING_TAGS);
    const payload = await compress(columns ? encodeBlock(BLOCK_KIND.columns, columns) : blocks);
    const smaller = payload.length + BLOCK_HEADER_BYTES < blocks.length;
    return smaller && payload.length <= LIMITS.kMaxBlockBytes ? encodeBlock(kind, payload) : null;
  };
}

function zstd(blocks: Uint8Array): Promise<Uint8Array> {
  if (!zstdCompress) throw new Error('this Node.js has no zstd: use 22.15 or later, or gzip');
  const params = { [constants.ZSTD_c_compressionLevel ?? 100]: ZSTD_LEVEL };
  return new Promise((resolve, reject) => {
    zstdCompress(blocks, { params }, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** §3: the header and the payload. */
export function encodeBlock(kind: number, payload: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_HEADER_BYTES + payload.length);
  const view = new DataView(block.buffer);
  view.setUint32(BLOCK_OFFSET.payload_bytes, payload.length, true);
  block[BLOCK_OFFSET.kind] = kind;
  block.set(payload, BLOCK_HEADER_BYTES);
  view.setUint32(BLOCK_OFFSET.crc, crc32c(block, BLOCK_OFFSET.kind, block.length), true);
  return block;
}
