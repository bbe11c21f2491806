// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { crc32c } from '../../ts/decode/crc32c.js';

const crc = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length);

// RFC 3720, appendix B.4.
it.each([
  [new Uint8Array(32), 0x8a9136aa],
  [new Uint8Array(32).fill(0xff), 0x62a8ab43],
  [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  [Buffer.from('123456789'), 0xe3069283],
  [new Uint8Array(0), 0],
])('standard vector %#', (bytes, expected) => {
  expect(crc(bytes)).toBe(expected);
});

it('parts make the whole, at every cut', () => {
  const bytes = Uint8Array.from({ length: 50 }, (_, i) => i * i);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const first = crc32c(bytes, 0, cut);
    expect(crc32c(bytes, cut, bytes.length, first)).toBe(crc(bytes));
  }
});
