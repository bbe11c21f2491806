// SPDX-License-Identifier: MIT
// The timeline as Chrome's trace events, which Perfetto and DevTools read: counters, collections, marks.

import { threadText } from '../thread-text.js';
import { gcTypeName } from '../timeline.js';
import type { ExportChunks, ExportInput } from './input.js';

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

function* eventsOf(input: ExportInput): Generator<TraceEvent> {
  const { pid } = input.stats.metadata;
  yield* nameEvents(input, pid);
  yield* counterEvents(input, pid);
  for (const gc of input.timeline.gcs()) {
    yield {
      ph: 'X',
      name: gcTypeName(gc.type),
      cat: 'gc',
      pid,
      tid: gc.thread,
      ts: microseconds(gc.startNs),
      dur: microseconds(gc.endNs - gc.startNs),
    };
  }
  for (const mark of input.timeline.marks()) {
    const { timeNs, thread: tid, name } = mark;
    yield { ph: 'i', s: 'p', name, cat: 'mark', pid, tid, ts: microseconds(timeNs) };
  }
}

/** Names for the process and each thread that something happened on. */
function* nameEvents(input: ExportInput, pid: number): Generator<TraceEvent> {
  const { timeline, source, stats } = input;
  const name = (what: string, tid: number, text: string): TraceEvent => ({
    ph: 'M',
    name: what,
    pid,
    tid,
    args: { name: text },
  });
  yield name('process_name', 0, stats.metadata.command_line);
  const threads = [...timeline.gcs(), ...timeline.marks()].map(({ thread }) => thread);
  for (const thread of new Set(threads)) {
    yield name('thread_name', thread, threadText(thread, source.threads.get(thread)));
  }
}

/** Each counter has a track of its own: some contain others, so they must not be stacked. */
function* counterEvents(input: ExportInput, pid: number): Generator<TraceEvent> {
  const { timeline, source, stats } = input;
  const counter = (name: string, timeUs: number, bytes: number): TraceEvent => ({
    ph: 'C',
    name,
    pid,
    tid: 0,
    ts: timeUs,
    args: { bytes },
  });
  const series = timeline.processSeries();
  const columns = { heap: series.heap, RSS: series.rss, 'committed mappings': series.committed };
  for (const [name, values] of Object.entries(columns)) {
    for (const [i, ns] of series.timeNs.entries()) {
      yield counter(name, microseconds(ns), values[i] ?? 0);
    }
  }
  // The peak lies between two samples.
  yield counter('heap', stats.peak_time_ms * 1000, stats.peak_memory);
  for (const { thread, timeNs, used, total, external } of timeline.jsHeapSeries()) {
    const suffix = ` (${threadText(thread, source.threads.get(thread))})`;
    const heaps = { 'V8 heap used': used, 'V8 heap': total, 'V8 external': external };
    for (const [name, values] of Object.entries(heaps)) {
      for (const [i, ns] of timeNs.entries()) {
        yield counter(name + suffix, microseconds(ns), values[i] ?? 0);
      }
    }
  }
}

const microseconds = (ns: number): number => Math.round(ns) / 1000;
