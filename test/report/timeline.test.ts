// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { TimelineAggregator } from '../../ts/aggregate/timeline.js';
import { timelineReport } from '../../ts/report/timeline.js';

const NO_THREADS = new Map();
const PEAK = { timeNs: 1_234_567_891, bytes: 99 };
const REST = { malloced: 0, heapLimit: 0, spaces: [] };

const js = (timeNs: number, thread: number, used: number) => ({
  timeNs,
  thread,
  heapUsed: used,
  heapTotal: used * 2,
  external: 1,
  ...REST,
});

describe('timelineReport', () => {
  test('times are milliseconds with microseconds', () => {
    const report = timelineReport({
      timeline: new TimelineAggregator(),
      peak: PEAK,
      threads: NO_THREADS,
    });
    expect(report.peak).toEqual({ time_ms: 1234.568, bytes: 99 });
  });

  test('V8 heaps of all isolates are added up, each until its thread ends', () => {
    const timeline = new TimelineAggregator();
    timeline.onJsSample(js(1e6, 1, 100));
    timeline.onJsSample(js(2e6, 5, 30));
    timeline.onJsSample(js(3e6, 1, 110));
    timeline.onJsSample(js(6e6, 1, 120));
    const threads = new Map([
      [1, { endNs: null }],
      [5, { endNs: 4e6 }],
    ]);
    expect(timelineReport({ timeline, peak: PEAK, threads }).js_heap).toEqual({
      time_ms: [1, 2, 3, 4, 6],
      used: [100, 130, 140, 110, 120],
      total: [200, 260, 280, 220, 240],
      external: [1, 2, 2, 1, 1],
    });
  });

  test('collections and marks have names', () => {
    const timeline = new TimelineAggregator();
    timeline.onGc({ timeNs: 1e6, thread: 1, gcType: 4, phase: 0 });
    timeline.onGc({ timeNs: 3.5e6, thread: 1, gcType: 4, phase: 1 });
    timeline.onGc({ timeNs: 5e6, thread: 1, gcType: 64, phase: 0 });
    timeline.onGc({ timeNs: 6e6, thread: 1, gcType: 64, phase: 1 });
    timeline.onMark({ timeNs: 2e6, thread: 1, name: 'ready' });
    const report = timelineReport({ timeline, peak: PEAK, threads: NO_THREADS });
    expect(report.gcs).toEqual({
      time_ms: [1, 5],
      pause_ms: [2.5, 1],
      type: ['mark-sweep-compact', 'type 64'],
    });
    expect(report.gc_totals[0]).toEqual({
      type: 'mark-sweep-compact',
      count: 1,
      pause_ms: 2.5,
      longest_ms: 2.5,
    });
    expect(report.marks).toEqual([{ time_ms: 2, name: 'ready' }]);
  });
});
