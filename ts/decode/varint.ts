// SPDX-License-Identifier: MIT
// Varints of hot records (docs/format.md F-1). Callers read the first byte themselves: mostly it is the only one.

/** Set by the functions below: the position behind the number. */
export let varintEnd = 0;

/** The rest of an identifier whose first byte, at p - 1, is `first` >= 0x80; -1 when it is beyond kMaxId. */
export function idTail(bytes: Uint8Array, p: number, first: number): number {
  let byte = bytes[p] as number;
  let value = (first & 0x7f) | ((byte & 0x7f) << 7);
  let length = 1;
  if (byte >= 0x80) {
    byte = bytes[p + 1] as number;
    value |= (byte & 0x7f) << 14;
    length = 2;
    if (byte >= 0x80) {
      byte = bytes[p + 2] as number;
      value |= (byte & 0x7f) << 21;
      length = 3;
      if (byte >= 0x80) {
        byte = bytes[p + 3] as number;
        value = byte > 7 ? -1 : value | (byte << 28);
        length = 4;
      }
    }
  }
  varintEnd = p + length;
  return value;
}

/** The rest of a number whose first byte, at p - 1, is `first` >= 0x80. Infinity when it is too long. */
export function varintTail(bytes: Uint8Array, p: number, first: number): number {
  let value = first & 0x7f;
  let byte = bytes[p] as number;
  if (byte < 0x80) {
    varintEnd = p + 1;
    return value | (byte << 7);
  }
  value |= (byte & 0x7f) << 7;
  byte = bytes[p + 1] as number;
  if (byte < 0x80) {
    varintEnd = p + 2;
    return value | (byte << 14);
  }
  value |= (byte & 0x7f) << 14;
  // From here on the number may pass 31 bits, where shifts would wrap.
  let scale = 2 ** 21;
  for (let i = 2; i < 9; i++) {
    byte = bytes[p + i] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      varintEnd = p + i + 1;
      return i === 8 && byte > 1 ? Number.POSITIVE_INFINITY : value;
    }
    scale *= 128;
  }
  varintEnd = p + 9;
  return Number.POSITIVE_INFINITY;
}
