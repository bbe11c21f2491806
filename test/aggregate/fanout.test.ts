// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { fanout } from '../../ts/aggregate/fanout.js';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { TimelineAggregator } from '../../ts/aggregate/timeline.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { BlockFeed } from '../support/block-feed.js';

const MARK = { timeNs: 1, thread: 1, name: 'here' };

describe('fanout', () => {
  test('one consumer is used as it is', () => {
    const peak = new PeakAggregator();
    expect(fanout([peak])).toBe(peak);
  });

  test('nobody is an empty consumer', () => {
    expect(Object.keys(fanout([]))).toEqual([]);
  });

  test('only what somebody listens to exists', () => {
    const both = fanout([{ onMark: () => undefined }, { onTime: () => undefined }]);
    expect(Object.keys(both).sort()).toEqual(['onMark', 'onTime']);
  });

  test('everybody hears every event, in order, with all its arguments', () => {
    const heard: unknown[] = [];
    const listener = (name: string): RecordConsumer => ({
      onAlloc: (...args) => heard.push([name, 'alloc', ...args]),
      onFree: (...args) => heard.push([name, 'free', ...args]),
      onTime: (time) => heard.push([name, 'time', time]),
      onMissedFree: (id) => heard.push([name, 'missed', id]),
      onMark: (mark) => heard.push([name, 'mark', mark]),
    });
    const both = fanout([listener('a'), listener('b')]);
    both.onTime?.(5);
    both.onAlloc?.(1, 2, 3, 4, 5);
    both.onMissedFree?.(5);
    both.onFree?.(1, 2, 3, 4, 5);
    both.onMark?.(MARK);
    const events = [
      ['time', 5],
      ['alloc', 1, 2, 3, 4, 5],
      ['missed', 5],
      ['free', 1, 2, 3, 4, 5],
      ['mark', MARK],
    ];
    expect(heard).toEqual(
      events.flatMap((event) => [
        ['a', ...event],
        ['b', ...event],
      ]),
    );
  });

  test('aggregators together say what each says alone', () => {
    const peak = new PeakAggregator();
    const totals = new TotalsAggregator();
    const timeline = new TimelineAggregator();
    const all = fanout([peak, totals, timeline]);
    const feed = new BlockFeed(all);
    feed.free(feed.alloc(1, 100));
    feed.alloc(2, 30);
    feed.mark(MARK);
    expect(peak.peakBytes).toBe(100);
    expect(totals.allocations).toBe(2);
    expect(timeline.marks()).toEqual([MARK]);
  });
});
