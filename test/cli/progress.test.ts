// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { progressText } from '../../ts/cli/progress.js';

test.each([
  [0, 1e9, 0, '0 %'],
  [250e6, 1e9, 2000, '25 %, 125.000MB/s, 6 s left'],
  [999e6, 1e9, 10_000, '99 %, 99.900MB/s, 1 s left'],
  [1e9, 1e9, 10_000, '100 %, 100.000MB/s, 0 s left'],
  // The file grew while it was read.
  [12e8, 1e9, 1000, '100 %, 1.200GB/s, 0 s left'],
  [0, 0, 1000, '100 %'],
])('%d of %d bytes after %d ms', (done, total, elapsedMs, text) => {
  expect(progressText(done, total, elapsedMs)).toBe(text);
});
