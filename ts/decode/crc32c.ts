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
  // Words of four bytes: a load each instead of four.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let c = ~crc;
  let p = start;
  for (const last = end - 8; p <= last; p += 8) {
    const low = c ^ view.getInt32(p, true);
    const high = view.getInt32(p + 4, true);
    c =
      (t[1792 + (low & 0xff)] as number) ^
      (t[1536 + ((low >>> 8) & 0xff)] as number) ^
      (t[1280 + ((low >>> 16) & 0xff)] as number) ^
      (t[1024 + (low >>> 24)] as number) ^
      (t[768 + (high & 0xff)] as number) ^
      (t[512 + ((high >>> 8) & 0xff)] as number) ^
      (t[256 + ((high >>> 16) & 0xff)] as number) ^
      (t[high >>> 24] as number);
  }
  for (; p < end; p++) c = (c >>> 8) ^ (t[(c ^ (bytes[p] as number)) & 0xff] as number);
  return ~c >>> 0;
}
