// SPDX-License-Identifier: MIT
// Memory over time: samples of the process and of V8's heaps, collections and the user's marks.

import type { Consumer } from '../decode/consumer.js';
import { GC_PHASE } from '../format/constants.js';
import type { GcRecord, JsSampleRecord, MarkRecord, SampleRecord } from '../format/records.js';
import { Series } from './series.js';

/** Collections and marks beyond these are counted only; the longest collections are kept. */
const MAX_GCS = 4096;
const MAX_MARKS = 2000;

export interface GcPause {
  readonly thread: number;
  readonly type: number;
  readonly startNs: number;
  readonly endNs: number;
}

export interface GcTotal {
  readonly type: number;
  readonly count: number;
  readonly pauseNs: number;
  readonly longestNs: number;
}

export interface TimelineMark {
  readonly timeNs: number;
  readonly thread: number;
  readonly name: string;
}

export interface ProcessSeries {
  readonly timeNs: number[];
  readonly heap: number[];
  readonly rss: number[];
  readonly committed: number[];
  readonly reserved: number[];
  readonly file: number[];
}

export interface JsHeapSeries {
  readonly thread: number;
  readonly timeNs: number[];
  readonly used: number[];
  readonly total: number[];
  readonly external: number[];
}

export class TimelineAggregator implements Consumer {
  readonly #points: number;
  readonly #process: Series;
  readonly #jsHeaps = new Map<number, Series>();
  readonly #openGcs = new Map<number, GcRecord>();
  readonly #gcTotals = new Map<number, { count: number; pauseNs: number; longestNs: number }>();
  #gcs: GcPause[] = [];
  readonly #marks: TimelineMark[] = [];
  #markCount = 0;
  #rssPeak = 0;
  #rssPeakTimeNs = 0;
  #reservedPeak = 0;

  /** @param points of each series, at most; neighbours are merged beyond them. */
  constructor(points = 4000) {
    this.#points = points;
    this.#process = new Series(6, points);
  }

  onSample(sample: SampleRecord): void {
    const { timeNs, heap, rss, committed, reserved, file } = sample;
    this.#process.push([timeNs, heap, rss, committed, reserved, file]);
    if (rss > this.#rssPeak) {
      this.#rssPeak = rss;
      this.#rssPeakTimeNs = timeNs;
    }
    this.#reservedPeak = Math.max(this.#reservedPeak, reserved);
  }

  onJsSample(sample: JsSampleRecord): void {
    let series = this.#jsHeaps.get(sample.thread);
    if (series === undefined) {
      series = new Series(4, this.#points);
      this.#jsHeaps.set(sample.thread, series);
    }
    series.push([sample.timeNs, sample.heapUsed, sample.heapTotal, sample.external]);
  }

  onGc(gc: GcRecord): void {
    if (gc.phase === GC_PHASE.start) {
      this.#openGcs.set(gc.thread, gc);
      return;
    }
    const start = this.#openGcs.get(gc.thread);
    // An end without a start began before recording did: no duration can be told.
    if (start === undefined) return;
    this.#openGcs.delete(gc.thread);
    this.#close({
      thread: gc.thread,
      type: gc.gcType,
      startNs: start.timeNs,
      endNs: gc.timeNs,
    });
  }

  onMark(mark: MarkRecord): void {
    this.#markCount++;
    if (this.#marks.length < MAX_MARKS) {
      this.#marks.push({ timeNs: mark.timeNs, thread: mark.thread, name: mark.name });
    }
  }

  get rssPeak(): { bytes: number; timeNs: number } {
    return { bytes: this.#rssPeak, timeNs: this.#rssPeakTimeNs };
  }

  get reservedPeakBytes(): number {
    return this.#reservedPeak;
  }

  get markCount(): number {
    return this.#markCount;
  }

  processSeries(): ProcessSeries {
    const [timeNs, heap, rss, committed, reserved, file] = this.#process.columns();
    return {
      timeNs: timeNs ?? [],
      heap: heap ?? [],
      rss: rss ?? [],
      committed: committed ?? [],
      reserved: reserved ?? [],
      file: file ?? [],
    };
  }

  /** One per isolate, by thread. */
  jsHeapSeries(): JsHeapSeries[] {
    const threads = [...this.#jsHeaps].sort(([a], [b]) => a - b);
    return threads.map(([thread, series]) => {
      const [timeNs, used, total, external] = series.columns();
      return {
        thread,
        timeNs: timeNs ?? [],
        used: used ?? [],
        total: total ?? [],
        external: external ?? [],
      };
    });
  }

  marks(): readonly TimelineMark[] {
    return this.#marks;
  }

  /** Finished collections in order of time; the longest ones when there were very many. */
  gcs(): GcPause[] {
    return longest(this.#gcs, MAX_GCS).sort((a, b) => a.startNs - b.startNs);
  }

  gcTotals(): GcTotal[] {
    const totals = [...this.#gcTotals].map(([type, total]) => ({ type, ...total }));
    return totals.sort((a, b) => a.type - b.type);
  }

  #close(gc: GcPause): void {
    const total = this.#gcTotals.get(gc.type) ?? { count: 0, pauseNs: 0, longestNs: 0 };
    const pauseNs = gc.endNs - gc.startNs;
    total.count++;
    total.pauseNs += pauseNs;
    total.longestNs = Math.max(total.longestNs, pauseNs);
    this.#gcTotals.set(gc.type, total);
    this.#gcs.push(gc);
    if (this.#gcs.length >= MAX_GCS * 2) this.#gcs = longest(this.#gcs, MAX_GCS);
  }
}

function longest(gcs: readonly GcPause[], limit: number): GcPause[] {
  if (gcs.length <= limit) return [...gcs];
  return [...gcs].sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs)).slice(0, limit);
}
