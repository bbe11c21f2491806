// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli), sixteen bytes at a time.

const POLYNOMIAL: u32 = 0x82f63b78;
const STEP: usize = 16;
const TABLE_BYTES: usize = 256 * 4;
/** Tables of 256: table k advances a byte over k more zero bytes, so sixteen bytes take sixteen look-ups. */
const TABLES: usize = memory.data(16 * 256 * 4, 64);

function makeTables(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(TABLES + i * 4, crc);
  }
  for (let at: usize = TABLE_BYTES; at < STEP * TABLE_BYTES; at += 4) {
    const previous = load<u32>(TABLES + at - TABLE_BYTES);
    store<u32>(TABLES + at, (previous >>> 8) ^ table(0, previous));
  }
}

/** What the lowest byte of `word` comes to, `zeros` bytes before the end. */
@inline
function table(zeros: usize, word: u32): u32 {
  return load<u32>(TABLES + zeros * TABLE_BYTES + <usize>((word & 0xff) << 2));
}

@inline
function word(zeros: usize, bytes: u32): u32 {
  return (
    table(zeros + 3, bytes) ^
    table(zeros + 2, bytes >> 8) ^
    table(zeros + 1, bytes >> 16) ^
    table(zeros, bytes >> 24)
  );
}

/** The CRC of the bytes from `at` to `end`, continuing `crc`: that of the bytes before, or 0. */
export function crc32c(at: usize, end: usize, crc: u32): u32 {
  if (load<u32>(TABLES + 4) == 0) makeTables();
  let c = ~crc;
  for (; at + STEP <= end; at += STEP) {
    c =
      word(12, load<u32>(at) ^ c) ^
      word(8, load<u32>(at, 4)) ^
      word(4, load<u32>(at, 8)) ^
      word(0, load<u32>(at, 12));
  }
  for (; at < end; at++) c = (c >>> 8) ^ table(0, c ^ load<u8>(at));
  return ~c;
}
