// SPDX-License-Identifier: MIT
// Rewrites a capture with its blocks compressed (docs/format.md §3, kinds 2 and 3), beside it and then
// over it by rename: at no moment is there less than one whole capture.
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { checksumHolds, isPlausibleLength, kindAt, payloadBytesAt } from '../decode/block-frame.js';
import { ByteWindow } from '../decode/byte-window.js';
import { crc32c } from '../decode/crc32c.js';
import { parseFileHeader } from '../decode/file-header.js';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_KIND,
  BLOCK_OFFSET,
  LIMITS,
  MAX_FILE_HEADER_BYTES,
} from '../format/constants.js';

/** Blocks that are compressed together: enough for the window, little enough for memory. */
const GROUP_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Groups in work at once; zlib runs each on a thread of its own. */
const PARALLEL = 2;

type Compress = (bytes: Uint8Array) => Promise<Uint8Array>;

/** zstd where Node has it (22.15), else gzip. Level 1 of gzip is the last that keeps up with a disk. */
function compressor(): { readonly kind: number; readonly compress: Compress } {
  const { zstdCompress } = zlib as { zstdCompress?: typeof zlib.gzip };
  if (zstdCompress !== undefined) {
    const zstd = promisify(zstdCompress as (b: Uint8Array, done: zlib.CompressCallback) => void);
    return { kind: BLOCK_KIND.zstd, compress: (bytes) => zstd(bytes) as Promise<Uint8Array> };
  }
  const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
  return { kind: BLOCK_KIND.gzip, compress: (bytes) => gzip(bytes, { level: 1 }) };
}

function block(kind: number, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(BLOCK_HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length, BLOCK_OFFSET.payload_bytes);
  bytes[BLOCK_OFFSET.kind] = kind;
  bytes.set(payload, BLOCK_HEADER_BYTES);
  bytes.writeUInt32LE(crc32c(bytes, BLOCK_OFFSET.kind, bytes.length), BLOCK_OFFSET.crc);
  return bytes;
}

/** A whole block at the window's start, or null at the end (filler included). Throws on damage. */
async function nextBlock(window: ByteWindow): Promise<Uint8Array | null> {
  if (!(await window.ensure(1))) return null;
  if (!(await window.ensure(BLOCK_HEADER_BYTES))) throw new Damaged();
  const payloadBytes = payloadBytesAt(window.bytes, window.start);
  if (payloadBytes === 0) return null;
  const length = BLOCK_HEADER_BYTES + payloadBytes;
  const whole = isPlausibleLength(payloadBytes) && (await window.ensure(length));
  if (!whole || !checksumHolds(window.bytes, window.start, payloadBytes)) throw new Damaged();
  const bytes = window.bytes.slice(window.start, window.start + length);
  window.skip(length);
  return bytes;
}

class Damaged extends Error {}

/** Runs of plain blocks to compress, and blocks that are compressed already. */
async function* groups(window: ByteWindow): AsyncGenerator<{ plain: boolean; bytes: Uint8Array }> {
  let run: Uint8Array[] = [];
  let runBytes = 0;
  const flush = () => {
    const bytes = Buffer.concat(run);
    [run, runBytes] = [[], 0];
    return { plain: true, bytes };
  };
  for (let next = await nextBlock(window); next !== null; next = await nextBlock(window)) {
    const plain = kindAt(next, 0) === BLOCK_KIND.records;
    if (runBytes > 0 && !plain) yield flush();
    if (!plain) {
      yield { plain, bytes: next };
      continue;
    }
    run.push(next);
    runBytes += next.length;
    if (runBytes >= GROUP_BYTES) yield flush();
  }
  if (runBytes > 0) yield flush();
}

async function rewrite(source: FileHandle, target: FileHandle): Promise<void> {
  const { kind, compress } = compressor();
  const read = async (buffer: Uint8Array, offset: number, length: number) =>
    (await source.read(buffer, offset, length)).bytesRead;
  const window = new ByteWindow(read, { chunkBytes: CHUNK_BYTES });
  await window.ensure(MAX_FILE_HEADER_BYTES);
  const { headerBytes } = parseFileHeader(window.bytes.subarray(window.start, window.end));
  await target.appendFile(window.bytes.slice(window.start, window.start + headerBytes));
  window.skip(headerBytes);

  const inWork: Promise<Uint8Array>[] = [];
  const writeFirst = async () => {
    const bytes = await inWork.shift();
    if (bytes !== undefined) await target.appendFile(bytes);
  };
  for await (const { plain, bytes } of groups(window)) {
    inWork.push(plain ? pack(kind, compress, bytes) : Promise.resolve(bytes));
    if (inWork.length > PARALLEL) await writeFirst();
  }
  while (inWork.length > 0) await writeFirst();
}

/** One compressed block, or the blocks as they were when compressing them gains nothing. */
async function pack(kind: number, compress: Compress, bytes: Uint8Array): Promise<Uint8Array> {
  const packed = await compress(bytes);
  const most = Math.min(bytes.length - BLOCK_HEADER_BYTES, LIMITS.kMaxBlockBytes);
  return packed.length < most ? block(kind, packed) : bytes;
}

/**
 * Compresses a capture in place. A damaged or torn one stays as it is, so that nothing a reader could
 * still save gets lost; so does one whose compressed form finds no room on the disk.
 * @returns why the capture stayed as it was, or null
 * @throws FormatError the file is not a capture
 */
export async function compressCapture(path: string): Promise<string | null> {
  const temporary = `${path}.${process.pid}.tmp`;
  const { mode } = await stat(path);
  const source = await open(path, 'r');
  try {
    const target = await open(temporary, 'wx', mode);
    try {
      await rewrite(source, target);
    } finally {
      await target.close();
    }
    await rename(temporary, path);
    return null;
  } catch (error) {
    await rm(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof Damaged) return 'its end is damaged';
    if (code === 'ENOSPC' || code === 'EDQUOT') return 'there is no room for it on the disk';
    if (code === 'EACCES' || code === 'EROFS') return 'its folder cannot be written';
    throw error;
  } finally {
    await source.close();
  }
}
