// SPDX-License-Identifier: MIT
// Payloads of compressed blocks (docs/format.md F-8), never more than kMaxInflatedBytes.

import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { BLOCK_KIND, LIMITS } from '../format/constants.js';

/** Since Node 22.15; not in the type definitions of Node 20. */
type ZstdDecompress = (data: Uint8Array, options: zlib.ZlibOptions) => Uint8Array;
const nativeZstd = (zlib as { zstdDecompressSync?: ZstdDecompress }).zstdDecompressSync;

/**
 * Of output at a time, for each byte of input: enough that the output is rarely put together from parts. With Node's own choice, 16 KiB
 * at a time, decompressing takes a third more time, with 1 MiB an eighth.
 */
const CHUNK_RATIO = 4;
const MIN_CHUNK_BYTES = 1024;

/** The decompressed payload, or null when it is damaged or too large. */
export function inflate(kind: number, payload: Uint8Array): Uint8Array | null {
  const chunkSize = Math.max(payload.length * CHUNK_RATIO, MIN_CHUNK_BYTES);
  const options = { maxOutputLength: LIMITS.kMaxInflatedBytes, chunkSize };
  try {
    if (kind === BLOCK_KIND.gzip) return zlib.gunzipSync(payload, options);
    return nativeZstd ? nativeZstd(payload, options) : portableZstd(payload);
  } catch {
    return null;
  }
}

/** For Node without zstd. */
export function portableZstd(payload: Uint8Array): Uint8Array {
  if (!isOneModestFrame(payload)) throw new RangeError('not one zstd frame of modest size');
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new Decompress((part) => {
    length += part.length;
    if (length > LIMITS.kMaxInflatedBytes) throw new RangeError('zstd content too large');
    parts.push(part);
  });
  stream.push(payload, true);
  return Buffer.concat(parts, length);
}

/**
 * Whether the payload is exactly one frame whose window fits the limit (RFC 8878 §3.1.1): fzstd allocates the window that
 * a frame asks for, up to 2 GiB, before it reads on.
 */
function isOneModestFrame(payload: Uint8Array): boolean {
  const byte = (at: number): number => payload[at] ?? 0;
  const descriptor = byte(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const sizeAt = (singleSegment ? 5 : 6) + dictionaryBytes;
  let window = sizeBytes === 2 ? 256 : 0;
  for (let i = 0; i < sizeBytes; i++) window += byte(sizeAt + i) * 256 ** i;
  if (!singleSegment) {
    const base = 2 ** (10 + (byte(5) >> 3));
    // fzstd keeps as much as the frame announces, or the window when it announces nothing.
    window = Math.max(window, base + (base / 8) * (byte(5) & 7));
  }
  if (window > LIMITS.kMaxInflatedBytes) return false;

  let p = sizeAt + sizeBytes;
  for (let last = false; !last && p + 3 <= payload.length; ) {
    const header = byte(p) | (byte(p + 1) << 8) | (byte(p + 2) << 16);
    const runLength = ((header >> 1) & 3) === 1;
    last = (header & 1) !== 0;
    p += 3 + (runLength ? 1 : header >> 3);
  }
  return p + ((descriptor & 4) !== 0 ? 4 : 0) === payload.length;
}
