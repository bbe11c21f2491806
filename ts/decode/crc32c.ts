// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli). node:zlib only knows the other polynomial.

const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256: table k advances a byte over k more zero bytes, so eight bytes take eight look-ups. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
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

/** The CRC of bytes[start, end), continuing `crc`: that of the bytes before, or 0. */
export function crc32c(bytes: Uint8Array, start: number, end: number, crc = 0): number {
  const t = TABLES;
  let c = ~crc;
  let p = start;
  for (const last = end - 8; p <= last; p += 8) {
    c =
      (t[1792 + ((c ^ (bytes[p] as number)) & 0xff)] as number) ^
      (t[1536 + (((c >>> 8) ^ (bytes[p + 1] as number)) & 0xff)] as number) ^
      (t[1280 + (((c >>> 16) ^ (bytes[p + 2] as number)) & 0xff)] as number) ^
      (t[1024 + ((c >>> 24) ^ (bytes[p + 3] as number))] as number) ^
      (t[768 + (bytes[p + 4] as number)] as number) ^
      (t[512 + (bytes[p + 5] as number)] as number) ^
      (t[256 + (bytes[p + 6] as number)] as number) ^
      (t[bytes[p + 7] as number] as number);
  }
  for (; p < end; p++) c = (c >>> 8) ^ (t[(c ^ (bytes[p] as number)) & 0xff] as number);
  return ~c >>> 0;
}
