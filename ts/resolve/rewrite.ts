// SPDX-License-Identifier: MIT
// Copies a capture's blocks, regrouped and compressed.

import type { FileHandle } from 'node:fs/promises';
import { kindAt, payloadBytesAt } from '../decode/block-frame.js';
import { ColumnReader } from '../decode/columns.js';
import { crc32c } from '../decode/crc32c.js';
import { inflate } from '../decode/inflate.js';
import { Kernel } from '../decode/kernel.js';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_KIND,
  FILE_HEADER_BYTES,
  HEADER_FLAG_FINALIZED,
  HEADER_OFFSET,
  LONG_TAG,
} from '../format/constants.js';
import { type BlockSink, GROUP_BYTES } from './block-sink.js';
import type { BlockRange } from './capture-scan.js';
import { encodeBlock } from './compress.js';
import { firstRecord, lastRecord } from './skim.js';

export async function readRange(
  file: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error('the capture became shorter while it was read');
    done += bytesRead;
  }
  return bytes;
}

/** The file header, marked as finalized. */
export function finalizedHeader(header: Uint8Array): Uint8Array {
  const bytes = header.slice();
  const view = new DataView(bytes.buffer);
  const flags = view.getUint32(HEADER_OFFSET.flags, true);
  view.setUint32(HEADER_OFFSET.flags, flags | HEADER_FLAG_FINALIZED, true);
  view.setUint32(HEADER_OFFSET.crc, crc32c(bytes, 0, FILE_HEADER_BYTES - 4), true);
  return bytes;
}

/** Copies the ranges; `onProgress` is told the bytes that were read. */
export async function copyBlocks(
  file: FileHandle,
  ranges: readonly BlockRange[],
  sink: BlockSink,
  onProgress: (bytes: number) => void,
): Promise<void> {
  for (const { offset, bytes, kind } of joined(ranges)) {
    const blocks = await readRange(file, offset, bytes);
    if (kind === BLOCK_KIND.records) await sink.add(blocks);
    else await sink.addAsIs(blocks);
    onProgress(bytes);
  }
}

/** Neighbours of one kind become one range, to be read at once. */
function joined(ranges: readonly BlockRange[]): BlockRange[] {
  const result: BlockRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last && range.kind === last.kind && last.bytes + range.bytes <= GROUP_BYTES) {
      result[result.length - 1] = { ...last, bytes: last.bytes + range.bytes };
    } else {
      result.push(range);
    }
  }
  return result;
}

/** Blocks of records for blocks of columns. */
function inRows(blocks: Uint8Array): Uint8Array {
  const result: Uint8Array[] = [];
  for (let at = 0; at < blocks.length; ) {
    const end = at + BLOCK_HEADER_BYTES + payloadBytesAt(blocks, at);
    if (kindAt(blocks, at) !== BLOCK_KIND.columns) result.push(blocks.subarray(at, end));
    else result.push(...blocksOf(blocks.subarray(at + BLOCK_HEADER_BYTES, end)));
    at = end;
  }
  return Buffer.concat(result);
}

const blocksOf = (columns: Uint8Array): Uint8Array[] =>
  Array.from(new ColumnReader(new Kernel()).payloads(columns), (payload) =>
    encodeBlock(BLOCK_KIND.records, payload),
  );

/** The blocks of the range that ends a capture, without the trailer record at their end. */
export async function withoutTrailer(file: FileHandle, range: BlockRange): Promise<Uint8Array> {
  const block = await readRange(file, range.offset, range.bytes);
  const payload = block.subarray(BLOCK_HEADER_BYTES);
  const isCompressed = range.kind === BLOCK_KIND.zstd || range.kind === BLOCK_KIND.gzip;
  const inside = isCompressed ? inflate(range.kind, payload) : block;
  if (!inside) return block;
  const opened = inRows(inside);
  let start = 0;
  for (let at = 0; at < opened.length; at += BLOCK_HEADER_BYTES + payloadBytesAt(opened, at)) {
    start = at;
  }
  const last = opened.subarray(start + BLOCK_HEADER_BYTES);
  const trailer = lastRecord(last, LONG_TAG.trailer);
  if (trailer < 0) return opened;
  const before = opened.subarray(0, start);
  if (trailer === firstRecord(last)) return before;
  return Buffer.concat([before, encodeBlock(BLOCK_KIND.records, last.subarray(0, trailer))]);
}
