// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sizeHistogram } from '../../ts/report/histogram.js';

describe('sizeHistogram', () => {
  test('nothing has no bins', () => {
    expect(sizeHistogram([])).toEqual([]);
  });

  test('bins are equally wide on a logarithmic scale', () => {
    const sizes = [1, 10, 100, 1000, 10_000].map((size) => [size, 1] as const);
    expect(sizeHistogram(sizes, 4)).toEqual([
      { min_bytes: 0, max_bytes: 9, count: 1 },
      { min_bytes: 10, max_bytes: 99, count: 1 },
      { min_bytes: 100, max_bytes: 999, count: 1 },
      { min_bytes: 1000, max_bytes: 10_000, count: 2 },
    ]);
  });

  test('one size is one bin or a few empty ones below it', () => {
    const bins = sizeHistogram([[4096, 7]]);
    expect(bins.at(-1)).toMatchObject({ max_bytes: 4096, count: 7 });
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(7);
  });

  test('sizes of zero are in the first bin, also alone', () => {
    expect(sizeHistogram([[0, 3]])).toEqual([{ min_bytes: 0, max_bytes: 0, count: 3 }]);
    expect(
      sizeHistogram([
        [0, 3],
        [1e6, 1],
      ])[0]?.count,
    ).toBe(3);
  });

  test('every size is in the bin that says so', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.nat(2 ** 31), fc.integer({ min: 1, max: 9 })), {
      selector: ([size]) => size,
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 12 }), (sizes, count) => {
        const bins = sizeHistogram(sizes, count);
        expect(bins.length).toBeLessThanOrEqual(count);
        for (const [index, bin] of bins.entries()) {
          const inside = sizes.filter(([size]) => size >= bin.min_bytes && size <= bin.max_bytes);
          expect(bin.count).toBe(inside.reduce((sum, [, times]) => sum + times, 0));
          if (index > 0) expect(bin.min_bytes).toBe((bins[index - 1]?.max_bytes ?? 0) + 1);
        }
      }),
    );
  });
});
