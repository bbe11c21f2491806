// SPDX-License-Identifier: MIT
// The timeline as Chrome's trace events, which Perfetto and DevTools read: counters, collections, marks.

import { threadText } from '../thread-text.js';
import { gcTypeName } from '../timeline.js';
import type { ExportChunks, ExportInput, ProcessTimes } from './input.js';

interface TraceEvent {
  readonly ph: 'C' | 'X' | 'i' | 'M';
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds since recording began. */
  readonly ts?: number;
  readonly dur?: number;
  readonly s?: 'p' | 't';
  readonly args?: Readonly<Record<string, string | number>>;
}

export function* traceEvents(input: ExportInput): ExportChunks {
  const { command_line, node_version, memtape_version, start_time } = input.stats.metadata;
  const otherData = { command_line, node_version, start_time, memtape: memtape_version };
  const head = { displayTimeUnit: 'ms', otherData };
  yield `${JSON.stringify(head).slice(0, -1)},"traceEvents":[\n`;
  let separator = '';
  for (const event of eventsOf(input)) {
    yield separator + JSON.stringify(event);
    separator = ',\n';
  }
  yield '\n]}\n';
}

function* eventsOf({ times }: ExportInput): Generator<TraceEvent> {
  for (const process of times) {
    const { timeline, pid, offsetNs } = process;
    yield* nameEvents(process);
    yield* counterEvents(process);
    for (const gc of timeline.gcs()) {
      yield {
        ph: 'X',
        name: gcTypeName(gc.type),
        cat: 'gc',
        pid,
        tid: gc.thread,
        ts: microseconds(offsetNs + gc.startNs),
        dur: microseconds(gc.endNs - gc.startNs),
      };
    }
    for (const { timeNs, thread: tid, name } of timeline.marks()) {
      yield { ph: 'i', s: 'p', name, cat: 'mark', pid, tid, ts: microseconds(offsetNs + timeNs) };
    }
  }
}

/** Names for the process and each thread that something happened on. */
function* nameEvents({ timeline, threads, pid, command }: ProcessTimes): Generator<TraceEvent> {
  const name = (what: string, tid: number, text: string): TraceEvent => ({
    ph: 'M',
    name: what,
    pid,
    tid,
    args: { name: text },
  });
  yield name('process_name', 0, command);
  const used = [...timeline.gcs(), ...timeline.marks()].map(({ thread }) => thread);
  for (const thread of new Set(used)) {
    yield name('thread_name', thread, threadText(thread, threads.get(thread)));
  }
}

/** Each counter has a track of its own: some contain others, so they must not be stacked. */
function* counterEvents(process: ProcessTimes): Generator<TraceEvent> {
  const { timeline, threads, pid, offsetNs, peak } = process;
  const counter = (name: string, ns: number, bytes: number): TraceEvent => ({
    ph: 'C',
    name,
    pid,
    tid: 0,
    ts: microseconds(offsetNs + ns),
    args: { bytes },
  });
  const series = timeline.processSeries();
  const columns = { heap: series.heap, RSS: series.rss, 'committed mappings': series.committed };
  for (const [name, values] of Object.entries(columns)) {
    for (const [i, ns] of series.timeNs.entries()) yield counter(name, ns, values[i] ?? 0);
  }
  // The peak lies between two samples.
  yield counter('heap', peak.timeNs, peak.bytes);
  for (const { thread, timeNs, used, total, external } of timeline.jsHeapSeries()) {
    const suffix = ` (${threadText(thread, threads.get(thread))})`;
    const heaps = { 'V8 heap used': used, 'V8 heap': total, 'V8 external': external };
    for (const [name, values] of Object.entries(heaps)) {
      for (const [i, ns] of timeNs.entries()) yield counter(name + suffix, ns, values[i] ?? 0);
    }
  }
}

const microseconds = (ns: number): number => Math.round(ns) / 1000;
