// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli). node:zlib only knows the other polynomial.

const POLYNOMIAL = 0x82f63b78;

/** Bytes at a time. */
const STEP = 16;
/** Tables of 256: table k advances a byte over k more zero bytes, so sixteen bytes take sixteen look-ups. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(STEP * 256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[i] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256] as number;
    tables[i] = (previous >>> 8) ^ (tables[previous & 0xff] as number);
  }
  return tables;
}

/** What the bytes of `w` come to; its last byte takes the table at `at`. */
const word = (w: number, at: number): number =>
  (TABLES[at + 768 + (w & 0xff)] as number) ^
  (TABLES[at + 512 + ((w >>> 8) & 0xff)] as number) ^
  (TABLES[at + 256 + ((w >>> 16) & 0xff)] as number) ^
  (TABLES[at + (w >>> 24)] as number);

/** The CRC of bytes[start, end), continuing `crc`: that of the bytes before, or 0. */
export function crc32c(bytes: Uint8Array, start: number, end: number, crc = 0): number {
  const t = TABLES;
  // Words of four bytes: a load each instead of four.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let c = ~crc;
  let p = start;
  for (const last = end - STEP; p <= last; p += STEP) {
    c =
      word(c ^ view.getInt32(p, true), 3072) ^
      word(view.getInt32(p + 4, true), 2048) ^
      word(view.getInt32(p + 8, true), 1024) ^
      word(view.getInt32(p + 12, true), 0);
  }
  for (; p < end; p++) c = (c >>> 8) ^ (t[(c ^ (bytes[p] as number)) & 0xff] as number);
  return ~c >>> 0;
}
