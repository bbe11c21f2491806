// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { Series } from '../../ts/aggregate/series.js';
import { TimelineAggregator } from '../../ts/aggregate/timeline.js';
import { GC_PHASE } from '../../ts/format/constants.js';

const gc = (timeNs: number, phase: number, thread = 1, gcType = 1) => ({
  timeNs,
  thread,
  gcType,
  phase,
});

describe('TimelineAggregator', () => {
  test('keeps samples and the highest RSS', () => {
    const timeline = new TimelineAggregator();
    const rest = { liveBytes: 0, liveBlocks: 0, committed: 3, reserved: 4, file: 5 };
    timeline.onSample({ timeNs: 10, rss: 100, heap: 50, ...rest });
    timeline.onSample({ timeNs: 20, rss: 300, heap: 40, ...rest });
    timeline.onSample({ timeNs: 30, rss: 200, heap: 60, ...rest });
    expect(timeline.processSeries()).toEqual({
      timeNs: [10, 20, 30],
      heap: [50, 40, 60],
      rss: [100, 300, 200],
      committed: [3, 3, 3],
      reserved: [4, 4, 4],
      file: [5, 5, 5],
    });
    expect(timeline.rssPeak).toEqual({ bytes: 300, timeNs: 20 });
    expect(timeline.reservedPeakBytes).toBe(4);
  });

  test('keeps V8 heaps apart by thread', () => {
    const timeline = new TimelineAggregator();
    const rest = { malloced: 0, heapLimit: 0, spaces: [] };
    timeline.onJsSample({ timeNs: 2, thread: 7, heapTotal: 9, heapUsed: 8, external: 1, ...rest });
    timeline.onJsSample({ timeNs: 1, thread: 1, heapTotal: 5, heapUsed: 4, external: 0, ...rest });
    expect(timeline.jsHeapSeries()).toEqual([
      { thread: 1, timeNs: [1], used: [4], total: [5], external: [0] },
      { thread: 7, timeNs: [2], used: [8], total: [9], external: [1] },
    ]);
  });

  test('pairs the start and end of collections by thread', () => {
    const timeline = new TimelineAggregator();
    timeline.onGc(gc(5, GC_PHASE.end)); // began before recording did
    timeline.onGc(gc(10, GC_PHASE.start));
    timeline.onGc(gc(12, GC_PHASE.start, 2, 4));
    timeline.onGc(gc(15, GC_PHASE.end));
    timeline.onGc(gc(32, GC_PHASE.end, 2, 4));
    timeline.onGc(gc(40, GC_PHASE.start));
    timeline.onGc(gc(47, GC_PHASE.end));
    timeline.onGc(gc(50, GC_PHASE.start)); // never ended
    expect(timeline.gcs()).toEqual([
      { thread: 1, type: 1, startNs: 10, endNs: 15 },
      { thread: 2, type: 4, startNs: 12, endNs: 32 },
      { thread: 1, type: 1, startNs: 40, endNs: 47 },
    ]);
    expect(timeline.gcTotals()).toEqual([
      { type: 1, count: 2, pauseNs: 12, longestNs: 7 },
      { type: 4, count: 1, pauseNs: 20, longestNs: 20 },
    ]);
  });

  test('of very many collections the longest stay and all are counted', () => {
    const timeline = new TimelineAggregator();
    for (let i = 0; i < 20_000; i++) {
      timeline.onGc(gc(i * 100, GC_PHASE.start));
      timeline.onGc(gc(i * 100 + (i === 777 ? 99 : 1), GC_PHASE.end));
    }
    const kept = timeline.gcs();
    expect(kept.length).toBeLessThanOrEqual(4096);
    expect(kept.some((pause) => pause.startNs === 77_700)).toBe(true);
    expect(timeline.gcTotals()).toEqual([
      { type: 1, count: 20_000, pauseNs: 20_098, longestNs: 99 },
    ]);
  });

  test('marks beyond the limit are counted', () => {
    const timeline = new TimelineAggregator();
    for (let i = 0; i < 2500; i++) timeline.onMark({ timeNs: i, thread: 1, name: `m${i}` });
    expect(timeline.marks()).toHaveLength(2000);
    expect(timeline.markCount).toBe(2500);
  });
});

describe('Series', () => {
  test('keeps everything while it fits', () => {
    const series = new Series(2, 8);
    for (let i = 0; i < 8; i++) series.push([i, i * 10]);
    expect(series.columns()).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 10, 20, 30, 40, 50, 60, 70],
    ]);
  });

  test('stays bounded, ordered, and keeps the highest and the lowest point', () => {
    const series = new Series(2, 64);
    const heights: number[] = [];
    for (let i = 0; i < 100_000; i++) {
      const height = i === 31_415 ? 5000 : i === 27_182 ? -5000 : (i * 7919) % 1000;
      heights.push(height);
      series.push([i, height]);
    }
    const [times = [], kept = []] = series.columns();
    expect(times.length).toBeLessThanOrEqual(64);
    expect(times.length).toBeGreaterThan(16);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(Math.max(...kept)).toBe(5000);
    expect(Math.min(...kept)).toBe(-5000);
    expect(kept).toEqual(times.map((time) => heights[time]));
  });

  test('the last points are there before a group is complete', () => {
    const series = new Series(2, 4);
    for (let i = 0; i < 9; i++) series.push([i, i]);
    expect(series.columns()[0]?.at(-1)).toBe(8);
  });
});
