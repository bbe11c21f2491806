// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { TemporaryAggregator } from '../../ts/aggregate/temporary.js';

/** One block is allocated, `others` more come on the same thread, then the first is freed. */
function freedAfter(others: number, threshold: number): number {
  const temporary = new TemporaryAggregator(threshold);
  temporary.onAlloc(1, 100, 0, 1, 1);
  for (let i = 0; i < others; i++) temporary.onAlloc(2, 50, 0, 1, 2 + i);
  temporary.onFree(1, 100, 0, 1, 1);
  return temporary.temporary().totalCount;
}

describe('TemporaryAggregator', () => {
  test.each([
    [0, 0, 1],
    [1, 0, 0],
    [1, 1, 1],
    [2, 1, 0],
    [2, 2, 1],
    [3, 2, 0],
    [1000, 1000, 1],
    [1001, 1000, 0],
  ])('freed after %i other allocations, threshold %i: %i', (others, threshold, expected) => {
    expect(freedAfter(others, threshold)).toBe(expected);
  });

  test('a block that is never freed is not temporary', () => {
    const temporary = new TemporaryAggregator(1);
    temporary.onAlloc(1, 100, 0, 1, 1);
    expect(temporary.temporary()).toMatchObject({
      kind: 'temporary',
      totalBytes: 0,
      totalCount: 0,
    });
  });

  test('allocations of other threads do not age a block', () => {
    const temporary = new TemporaryAggregator(0);
    temporary.onAlloc(1, 100, 0, 1, 1);
    for (let i = 2; i < 200; i++) temporary.onAlloc(2, 50, 0, 2, i);
    temporary.onFree(1, 100, 0, 1, 1);
    expect(temporary.temporary()).toMatchObject({ totalBytes: 100, totalCount: 1 });
  });

  test('an address that is used again starts anew', () => {
    const temporary = new TemporaryAggregator(0);
    temporary.onAlloc(1, 100, 0, 1, 1);
    temporary.onAlloc(2, 50, 0, 1, 2);
    temporary.onFree(1, 100, 0, 1, 1); // one other allocation in between: too old
    temporary.onAlloc(3, 70, 0, 1, 1);
    temporary.onFree(3, 70, 0, 1, 1);
    const { rows } = temporary.temporary();
    expect(Array.from(rows.stack)).toEqual([3]);
    expect(Array.from(rows.bytes)).toEqual([70]);
  });

  test('high thread and address numbers grow the counters', () => {
    const temporary = new TemporaryAggregator(0);
    temporary.onAlloc(1, 8, 0, 5000, 1_000_000);
    temporary.onFree(1, 8, 0, 5000, 1_000_000);
    expect(temporary.temporary().totalCount).toBe(1);
  });

  test.each([-1, 1.5, Number.NaN])('a threshold of %s is refused', (threshold) => {
    expect(() => new TemporaryAggregator(threshold)).toThrow(RangeError);
  });
});
