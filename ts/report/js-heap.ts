// SPDX-License-Identifier: MIT
// What a reader must know about a profile of the JavaScript heap: how it was sampled, and when.

import { type JsHeapAggregator, type JsHeapSnapshot, jsHeapProfile } from '../aggregate/js-heap.js';
import type { CaptureEnd } from '../decode/read-capture.js';
import type { JsHeapMoment, Profile } from '../model/profile.js';
import { sizeText } from '../model/size-text.js';
import { UsageError } from '../tracker/usage-error.js';
import type { JsHeapReport } from './js-heap-report.js';
import type { StatsReport } from './stats-report.js';
import { type ProcessName, threadText } from './thread-text.js';

export interface JsHeapView {
  readonly profile: Profile;
  readonly report: JsHeapReport;
}

/** A report's statistics with what is to be known about its profile. */
export function statsAbout(
  stats: StatsReport,
  jsHeap: JsHeapReport | undefined,
): { stats: StatsReport; js_heap?: JsHeapReport } {
  if (jsHeap === undefined) return { stats };
  const warnings = [...stats.warnings, ...jsHeap.notes];
  return { stats: { ...stats, warnings }, js_heap: jsHeap };
}

/** Of several processes, in the order of `names`. */
export function jsHeapsTogether(
  each: readonly JsHeapReport[],
  names: readonly ProcessName[],
): JsHeapReport | undefined {
  const [first] = each;
  if (first === undefined || names.length === 0) return first;
  const tag = (at: number) => names[at]?.tag ?? '';
  return {
    ...first,
    interval_bytes: Math.max(...each.map((report) => report.interval_bytes)),
    samples: each.reduce((sum, { samples }) => sum + samples, 0),
    isolates: each.flatMap(({ isolates }, i) =>
      isolates.map((isolate) => ({ ...isolate, thread: `${isolate.thread} of ${tag(i)}` })),
    ),
    notes: each.flatMap(({ notes }, i) => notes.map((note) => `${tag(i)}: ${note}`)),
  };
}

const TITLES: Record<JsHeapMoment, string> = {
  peak: 'JS heap at its highest',
  end: 'JS heap at the end',
};

const seconds = (ns: number): string => `${(ns / 1e9).toFixed(2)} s`;

/** @throws UsageError the capture has none */
export function jsHeapView(
  heaps: JsHeapAggregator,
  moment: JsHeapMoment,
  end: CaptureEnd,
): JsHeapView {
  const { threads } = end.tables;
  const snapshots = heaps.snapshots(moment, threads);
  if (snapshots.length === 0) throw nothing(heaps, end);
  const interval = Math.max(...snapshots.map((heap) => heap.interval));
  const isolates = snapshots.map((heap) => ({
    thread: threadText(heap.thread, threads.get(heap.thread)),
    time_ns: heap.timeNs,
    used_bytes: heap.used,
    samples: heap.samples,
    at_end: heap.atEnd,
    collected: heap.collected,
  }));
  const samples = snapshots.reduce((sum, heap) => sum + heap.samples, 0);
  return {
    profile: jsHeapProfile(moment, snapshots),
    report: {
      moment,
      interval_bytes: interval,
      samples,
      isolates,
      title: `${TITLES[moment]}, sampled every ${sizeText(interval)}`,
      notes: [
        `Estimated from ${samples} samples: a function's bytes are those of the objects that it allocated and that V8 had not collected. The place is where the function begins. Already a part of all memory, never to be added to it.`,
        ...momentNotes(moment, snapshots, end),
        ...problemNotes(heaps, end),
      ],
    },
  };
}

function momentNotes(
  moment: JsHeapMoment,
  snapshots: readonly JsHeapSnapshot[],
  end: CaptureEnd,
): string[] {
  const endNs = end.trailer?.durationNs ?? end.endTimeNs;
  const lines = snapshots.map((heap) => {
    const thread = threadText(heap.thread, end.tables.threads.get(heap.thread));
    return `${thread}: a heap of ${sizeText(heap.used)} ${momentText(moment, heap, endNs)}.`;
  });
  return moment === 'peak' && snapshots.length > 1
    ? [...lines, 'Each at its own highest moment: they need not have been that large together.']
    : lines;
}

function momentText(moment: JsHeapMoment, heap: JsHeapSnapshot, endNs: number): string {
  if (moment === 'peak') return `at ${seconds(heap.timeNs)}, garbage that V8 still had included`;
  if (heap.collected) return 'at the end, after a full collection';
  if (heap.atEnd) return 'at the end, garbage that V8 still had included';
  const before = seconds(Math.max(0, endNs - heap.timeNs));
  return `${before} before the end, the last that is known`;
}

function problemNotes({ problems, incomplete }: JsHeapAggregator, end: CaptureEnd): string[] {
  const lost = incomplete === 0 ? [] : [`${incomplete} profiles were damaged and are left out.`];
  const lines = problems.map(({ thread, timeNs, problem }) => {
    const name = threadText(thread, end.tables.threads.get(thread));
    return `${name}: no profile from ${seconds(timeNs)} on: ${problem}.`;
  });
  return [...lines, ...lost];
}

function nothing(heaps: JsHeapAggregator, end: CaptureEnd): UsageError {
  const what = 'the capture has no profile of the JavaScript heap';
  const [problem] = heaps.problems;
  if (problem !== undefined) {
    return new UsageError(`${what}: ${problem.problem}`, 'end the other one, and record again');
  }
  const { options, jsStacksReason } = end.metadata;
  const wanted = typeof options?.jsHeap === 'number' && options.jsHeap > 0;
  if (!wanted) return new UsageError(what, 'record it with `memtape run --js-heap app.js`');
  if (jsStacksReason !== undefined) return new UsageError(`${what}: ${jsStacksReason}`);
  return new UsageError(
    `${what}: the program ended, or was killed, before its first`,
    'the first is made at the first garbage collection, the last when the program ends',
  );
}
