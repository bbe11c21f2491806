// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { Measures } from '../../ts/capture/recording.js';
import { Recording } from '../../ts/capture/recording.js';
import { pprof } from '../../ts/report/export/pprof.js';
import { traceEvents } from '../../ts/report/export/trace-events.js';
import { textOf } from './export/export-input.js';
import { recorded } from './recorded.js';

const SECOND = 1_000_000_000n;

/** The small capture as two processes: the one that began later is given first. */
function two() {
  const read = [2, 1].map((pid) => {
    const { capture, stacks, peak, totals, timelines } = recorded();
    const from = capture.end({ metadata: { pid, command: ['/usr/bin/node', `w${pid}.js`] } });
    const header = { ...from.header, startUnixNs: BigInt(pid) * SECOND };
    const measures: Measures = { peak, totals, timelines };
    return { pass: { end: { ...from, header }, stacks }, profile: peak.peak(), measures };
  });
  return new Recording(read);
}

const alone = () => recorded().stats;

test('processes are in the order of their starts, each with a root of its own', () => {
  const { tree, processes } = two().tree().toJSON();
  expect(processes).toEqual(['node w1.js (pid 1)', 'node w2.js (pid 2)']);
  expect(tree.children.map((node) => [node.function, node.bytes])).toEqual([
    ['node w1.js (pid 1)', 4593],
    ['node w2.js (pid 2)', 4593],
  ]);
  expect(tree).toMatchObject({ bytes: 9186, own_bytes: 0 });
});

test('inverted, the process is the last caller', () => {
  const { tree } = two().tree({ inverted: true }).toJSON();
  const chain: string[] = [];
  for (let at = tree.children[0]; at !== undefined; at = at.children[0]) chain.push(at.function);
  expect(chain.at(-1)).toMatch(/^node w\d\.js \(pid \d\)$/);
});

test('a single capture is as it was: no process, the same numbers', () => {
  const { capture, stacks, peak, totals, timelines, stats } = recorded();
  const measures = { peak, totals, timelines };
  const pass = { end: capture.end(), stacks };
  const recording = new Recording([{ pass, profile: peak.peak(), measures }]);
  expect(recording.stats()).toEqual(stats);
  expect(recording.tree().toJSON()).not.toHaveProperty('processes');
  expect(recording.flamegraph()).not.toHaveProperty('processes');
});

test('statistics are sums, peaks each at its own moment', () => {
  const stats = two().stats({ top: 1 });
  const single = alone();
  expect(stats.peak_memory).toBe(single.peak_memory * 2);
  expect(stats.total_num_allocations).toBe(single.total_num_allocations * 2);
  expect(stats.leaked_bytes).toBe(single.leaked_bytes * 2);
  const counts = stats.allocation_size_histogram.map((bin) => bin.count);
  expect(counts).toEqual(single.allocation_size_histogram.map((bin) => bin.count * 2));
  const size = stats.top_allocations_by_size[0]?.size;
  expect(size).toBe((single.top_allocations_by_size[0]?.size ?? 0) * 2);
  expect(stats.processes?.map(({ pid, peak_memory }) => [pid, peak_memory])).toEqual([
    [1, single.peak_memory],
    [2, single.peak_memory],
  ]);
  expect(stats.notes[0]).toContain('2 processes, each at its own peak');
});

test('over time the sum counts, on one clock', () => {
  // Each has samples at 1 and 2 s, of 3593 and 4090 bytes, and ends at 2 s; the second begins a second later.
  const { process, peak } = two().timeline;
  expect(process.time_ms).toEqual([1000, 2000, 2000, 2000, 3000, 3000]);
  expect(process.heap).toEqual([3593, 4090, 0, 3593, 4090, 0]);
  expect(peak.bytes).toBe(4090);
});

test('threads say of which process they are, and rows of a table can be told apart by them', () => {
  const table = two().table({ splitThreads: true });
  const { rows, processes } = table.toJSON();
  expect(new Set(rows.map((row) => row.thread))).toEqual(
    new Set(['thread 1 of 1', 'thread 2 of 1', 'thread 1 of 2', 'thread 2 of 2']),
  );
  expect(new Set(table.processes?.values())).toEqual(new Set(processes));
  const merged = two().table().toJSON().rows;
  expect(merged).toHaveLength(rows.length / 2);
});

test('the summary has a row for each process', () => {
  const { rows } = two().summary();
  const row = rows.find((each) => each.function === 'node w1.js (pid 1)');
  expect(row).toMatchObject({ total_bytes: 4593, own_bytes: 0 });
});

test('exports tell them apart: labels in pprof, processes in trace events', () => {
  const input = two().exportInput();
  const { traceEvents: events } = JSON.parse(textOf(traceEvents(input)));
  const names = events.filter((event: { name: string }) => event.name === 'process_name');
  expect(names.map(({ pid, args }: never) => [pid, args])).toEqual([
    [1, { name: '/usr/bin/node w1.js' }],
    [2, { name: '/usr/bin/node w2.js' }],
  ]);
  const heaps = events.filter((event: { name: string }) => event.name === 'heap');
  // Microseconds after the first began; the last of each is its peak.
  const times = heaps.map(({ pid, ts }: { pid: number; ts: number }) => [pid, ts]);
  expect(times).toEqual([
    [1, 1e6],
    [1, 2e6],
    [1, 1.5e6],
    [2, 2e6],
    [2, 3e6],
    [2, 2.5e6],
  ]);
  expect([...pprof(input)][0]?.length).toBeGreaterThan(0);
});
