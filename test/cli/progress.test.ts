// SPDX-License-Identifier: MIT
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Progress, progressText } from '../../ts/cli/progress.js';

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

describe('on a terminal', () => {
  afterEach(() => vi.restoreAllMocks());

  /** What is written to stderr, by a clock that the test sets. */
  function watch() {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(`${text}`) > 0);
    return { written, at: (ms: number) => clock.mockReturnValue(ms) };
  }

  test('a line replaces itself ten times a second, and goes at the end', () => {
    const { written, at } = watch();
    const progress = new Progress('reading a.bin', true);
    for (let ms = 0; ms <= 1000; ms++) {
      at(ms);
      progress.show(ms * 1000, 2_000_000);
    }
    progress.clear();
    expect(written).toHaveLength(7);
    expect(written[0]).toBe('\r\x1b[2Kmemtape: reading a.bin, 25 %, 1.000MB/s, 2 s left');
    expect(written[5]).toBe('\r\x1b[2Kmemtape: reading a.bin, 50 %, 1.000MB/s, 1 s left');
    expect(written[6]).toBe('\r\x1b[2K');
  });

  test('what is soon done shows nothing, and so does a pipe', () => {
    const { written, at } = watch();
    const soon = new Progress('reading a.bin', true);
    const piped = new Progress('reading a.bin', false);
    for (let ms = 0; ms < 5000; ms++) {
      at(ms);
      if (ms < 500) soon.show(ms, 5000);
      piped.show(ms, 5000);
    }
    soon.clear();
    piped.clear();
    expect(written).toEqual([]);
  });
});
