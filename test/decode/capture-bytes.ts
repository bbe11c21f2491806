// SPDX-License-Identifier: MIT
// Captures by hand: the little of the format that tests of damage need. Everything else is written by C++.

import { crc32c } from '../../ts/decode/crc32c.js';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_KIND,
  FILE_HEADER_BYTES,
  MAGIC,
} from '../../ts/format/constants.js';

export function fileHeader(change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, 1, true);
  view.setUint32(12, FILE_HEADER_BYTES, true);
  view.setBigUint64(16, 7n, true);
  change(view);
  view.setUint32(60, crc32c(bytes, 0, 60), true);
  return bytes;
}

export function block(payload: Uint8Array, kind: number = BLOCK_KIND.records): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  bytes[8] = kind;
  bytes.set(payload, BLOCK_HEADER_BYTES);
  view.setUint32(4, crc32c(bytes, 8, bytes.length), true);
  return bytes;
}

export const varint = (value: number | bigint): number[] => {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
};

/** Payload of a block of records; `next` as in the prologue: address, string, function, frame, node, stack. */
export const payload = (
  records: readonly number[],
  next: readonly number[] = [1, 1, 1, 1, 1, 1],
): Uint8Array => Uint8Array.from([0, 0, ...next.flatMap(varint), ...records]);

export const long = (tag: number, fields: readonly number[]): number[] => [
  tag,
  ...varint(fields.length),
  ...fields,
];

export const text = (value: string): number[] => [...Buffer.from(value)];

export const capture = (...blocks: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([fileHeader(), ...blocks]);
