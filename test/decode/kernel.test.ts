// SPDX-License-Identifier: MIT
// The kernel beside a model that is a Map.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { TotalsAggregator } from '../../ts/aggregate/totals.js';
import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { COLUMN, Kernel } from '../../ts/decode/kernel.js';
import { readCapture } from '../../ts/decode/read-capture.js';
import type { Profile } from '../../ts/model/profile.js';
import { NativeError } from '../../ts/native/native-error.js';
import { randomNumbers } from '../support/sample-capture.js';
import { block, capture, payload } from './capture-bytes.js';
import { type Block, RandomEvents, text } from './random-events.js';

/** `stack:thread:allocator bytes/count`, sorted. */
function rowsOf({ rows }: Profile): string[] {
  return Array.from({ length: rows.size }, (_none, row) => {
    const place = `${rows.stack[row]}:${rows.thread[row]}:${rows.allocator[row]}`;
    return `${place} ${rows.bytes[row]}/${rows.count[row]}`;
  }).sort();
}

function rowsOfModel(blocks: Iterable<Block>): string[] {
  const sums = new Map<string, { bytes: number; count: number }>();
  for (const { stack, thread, allocator, size } of blocks) {
    const sum = sums.get(`${stack}:${thread}:${allocator}`) ?? { bytes: 0, count: 0 };
    sums.set(`${stack}:${thread}:${allocator}`, { bytes: sum.bytes + size, count: sum.count + 1 });
  }
  // A location without bytes and blocks is none; one of empty blocks is.
  return [...sums].map(([place, { bytes, count }]) => `${place} ${bytes}/${count}`).sort();
}

/** Blocks of random records, with the model that made them. */
function randomCapture(seed: number, blocks: number, records: number) {
  const model = new RandomEvents(randomNumbers(seed));
  const parts = Array.from({ length: blocks }, () => {
    const { nextAddress, nextNode, nextStack, thread } = model;
    const next = [nextAddress, 1, 1, 1, nextNode, nextStack];
    const bytes = payload(model.block(records), next);
    // Of the prologue: time 0 takes one byte, then comes the thread.
    const rest = bytes.subarray(2);
    return block(Uint8Array.from([0, ...threadBytes(thread), ...rest]));
  });
  return { model, bytes: capture(...parts) };
}

const threadBytes = (thread: number): number[] =>
  thread < 128 ? [thread] : [(thread & 127) | 128, ((thread >> 7) & 127) | 128, thread >> 14];

/** Every event as the model tells it. */
function teller(told: string[]): RecordConsumer {
  return {
    onAlloc: (stack, size, allocator, thread, id) =>
      told.push(`alloc ${id} ${text({ stack, size, allocator, thread })}`),
    onFree: (stack, size, allocator, thread, id) =>
      told.push(`free ${id} ${text({ stack, size, allocator, thread })}`),
    onMissedFree: (id) => told.push(`missed ${id}`),
    onUnknownFree: (id) => told.push(`unknown ${id}`),
    onForeignFree: () => told.push('foreign'),
  };
}

describe('random events', () => {
  it.each([
    [1, 40, 30],
    [2, 3, 6000],
    [3, 1, 30_000],
    [4, 12, 2500],
  ])('come to what a Map says, seed %i: %i blocks of %i', async (seed, blocks, records) => {
    const { model, bytes } = randomCapture(seed, blocks, records);
    const peak = new PeakAggregator();
    const end = await readCapture(bytes, peak);
    expect(end.bytesDropped).toBe(0);
    expect(end.counts).toMatchObject(model.counts);
    expect(model.counts.unknownFrees).toBeGreaterThan(0);
    expect([peak.peakBytes, peak.peakEvent, peak.heapBytes]).toEqual([
      model.peak,
      model.peakEvent,
      model.heap,
    ]);
    expect(rowsOf(peak.peak())).toEqual(rowsOfModel(model.atPeak.values()));
    expect(rowsOf(peak.live())).toEqual(rowsOfModel(model.live.values()));
    expect(model.atExit.size).toBeGreaterThan(0);
    expect(rowsOf(peak.leaked())).toEqual(rowsOfModel(model.atExit.values()));
  });

  it('are told one by one as they are', async () => {
    const { model, bytes } = randomCapture(5, 6, 5000);
    const told: string[] = [];
    await readCapture(bytes, teller(told));
    expect(told).toEqual(model.told);
    const totals = new TotalsAggregator();
    await readCapture(bytes, totals);
    expect(totals.allocations).toBe(model.counts.allocations);
  });
});

it('knows what is live when identifiers come to need more segments than there was room for', () => {
  const kernel = new Kernel();
  const ids = [1, 5000, 16 * 4096, 40 * 4096, 200 * 4096];
  for (const id of ids) kernel.put(id, 1, id, 0);
  const sizes = ids.map((id) => kernel.numbers[kernel.row(COLUMN.blocks, id) / 2]);
  expect(sizes).toEqual(ids);
  expect(ids.map((id) => kernel.remove(id))).toEqual(ids.map(() => true));
});

it('what does not fit its memory is an error that says so', () => {
  const kernel = new Kernel();
  // A row in a segment of its own takes 96 KiB.
  const fill = () => {
    for (let id = 1; id < 2 ** 31; id += 4096) kernel.put(id, 1, 1, 0);
  };
  expect(fill).toThrow(NativeError);
  expect(fill).toThrow(/4 GB/);
});

it('without WebAssembly there is one line that says so', () => {
  const read = ['--jitless', 'dist/cli.js', 'summary', 'test/golden/example.bin'];
  const { status, stderr } = spawnSync(process.execPath, read, { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr.replace(/^Warning: .*\n/, '')).toBe(
    'memtape: reading a capture needs WebAssembly, which this Node.js runs without\n' +
      'hint: start it without --jitless\n',
  );
});
