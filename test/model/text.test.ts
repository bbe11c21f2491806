// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { printable } from '../../ts/model/printable.js';
import { sizeText } from '../../ts/model/size-text.js';

test.each([
  [0, '0B'],
  [999, '999B'],
  [1000, '1.000kB'],
  [1024, '1.024kB'],
  [73_514_000, '73.514MB'],
  [999_999, '999.999kB'],
  [999_999_600, '1.000GB'],
  [1.5e12, '1.500TB'],
  [-2500, '-2.500kB'],
])('%d bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test.each([
  ['plain ünïcode 漢字 🎞', 'plain ünïcode 漢字 🎞'],
  ['\u001b[31mred\u001b[0m', '\ufffd[31mred\ufffd[0m'],
  ['a\nb\tc\r\0', 'a\ufffdb\ufffdc\ufffd\ufffd'],
  ['\u009b2J', '\ufffd2J'],
  ['safe\u202egnp.exe', 'safe\ufffdgnp.exe'],
  ['line\u2028separator', 'line\ufffdseparator'],
])('%j is printed as %j', (text, expected) => {
  expect(printable(text)).toBe(expected);
});
