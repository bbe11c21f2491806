// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli). node:zlib only knows the other polynomial.

import { Kernel } from './kernel.js';

/** Copied into the kernel's memory at a time: what the processor's nearest caches hold. */
const CHUNK_BYTES = 1 << 15;
let kernel: Kernel | undefined;

/** The CRC of bytes[start, end), continuing `crc`: that of the bytes before, or 0. */
export function crc32c(bytes: Uint8Array, start: number, end: number, crc = 0): number {
  kernel ??= new Kernel();
  let value = crc >>> 0;
  for (let from = start; from < end; from += CHUNK_BYTES) {
    const to = Math.min(from + CHUNK_BYTES, end);
    const at = kernel.input(bytes, from, to);
    value = kernel.crc32c(at, at + to - from, value);
  }
  return value;
}
