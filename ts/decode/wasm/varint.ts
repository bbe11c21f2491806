// SPDX-License-Identifier: MIT
// Varints (docs/format.md F-1). The first byte is mostly the only one; the rest of a longer one is read without a branch for each byte.

/** Behind every end: what is compared with it is malformed. */
const NOWHERE: usize = 0xffffffff;

/** Behind the number that was read last. */
export let position: usize = 0;

@inline
export function varint(at: usize): u64 {
  const first = <u64>load<u8>(at);
  if (first < 0x80) {
    position = at + 1;
    return first;
  }
  return longVarint(at);
}

@inline
function longVarint(at: usize): u64 {
  const bytes = load<u64>(at);
  const ends = ~bytes & 0x8080808080808080;
  if (ends == 0) return longestVarint(at);
  position = at + 1 + <usize>(ctz(ends) >> 3);
  // Seven bits of each byte up to the one that ends it, moved together two, four and eight bytes at a time.
  let bits = bytes & (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f;
  bits = (bits & 0x007f007f007f007f) | ((bits & 0x7f007f007f007f00) >> 1);
  bits = (bits & 0x00003fff00003fff) | ((bits & 0x3fff00003fff0000) >> 2);
  return (bits & 0x000000000fffffff) | ((bits & 0x0fffffff00000000) >> 4);
}

/** Of nine or ten bytes. */
function longestVarint(at: usize): u64 {
  let value: u64 = 0;
  for (let i: usize = 0; i < 10; i++) {
    const byte = <u64>load<u8>(at + i);
    value |= (byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    position = i == 9 && byte > 1 ? NOWHERE : at + i + 1;
    return value;
  }
  position = NOWHERE;
  return value;
}
