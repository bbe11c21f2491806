// SPDX-License-Identifier: MIT
// The framing of blocks (docs/format.md §3), on bytes that are in memory.

import { BLOCK_HEADER_BYTES, BLOCK_OFFSET, LIMITS } from '../format/constants.js';
import { crc32c } from './crc32c.js';

/** payload_bytes of the block header at `at`. */
export function payloadBytesAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

export const kindAt = (bytes: Uint8Array, at: number): number =>
  bytes[at + BLOCK_OFFSET.kind] as number;

export const isPlausibleLength = (payloadBytes: number): boolean =>
  payloadBytes > 0 && payloadBytes <= LIMITS.kMaxBlockBytes;

/** Whether the block at `at`, whose payload is in `bytes`, has the checksum that its header says. */
export function checksumHolds(bytes: Uint8Array, at: number, payloadBytes: number): boolean {
  const end = at + BLOCK_HEADER_BYTES + payloadBytes;
  return (
    payloadBytesAt(bytes, at + BLOCK_OFFSET.crc) === crc32c(bytes, at + BLOCK_OFFSET.kind, end)
  );
}
