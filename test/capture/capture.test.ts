// SPDX-License-Identifier: MIT
import { readdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CaptureRecord } from '../../ts/capture/records.js';
import { FRAME_KIND, LONG_TAG } from '../../ts/format/constants.js';
import {
  FormatError,
  openCapture,
  renderDiff,
  renderFlamegraph,
  renderLeaks,
  renderStats,
  renderSummary,
  renderTable,
  renderTree,
  UsageError,
} from '../../ts/index.js';
import { folderOf, temporaryFolder } from '../support/folder.js';
import { addEvents, SampleCapture } from '../support/sample-capture.js';

/** main (line 3) → load (line 14, column 5) allocates: 1000 bytes, 500 of them freed; 300 stay. */
function sample({ trailer = true, frees = true } = {}): Uint8Array {
  const capture = new SampleCapture();
  capture.json(LONG_TAG.metadata, { command: ['node', 'app.js'], pid: 42, node: '24.1.0' });
  const id = capture.string('main');
  capture.long(LONG_TAG.thread_start, 1, 42, 1, 0);
  capture.long(LONG_TAG.thread_name, 1, id);
  const frames = [
    capture.frame(FRAME_KIND.interpreted, capture.function('main', '/app/main.js', 1, 1), 3, 2),
    capture.frame(FRAME_KIND.baseline, capture.function('load', '/app/load.js', 10, 1), 14, 5),
  ];
  const both = capture.stack(...frames);
  const outer = capture.stack(frames[0] as number);
  capture.thread(1);
  capture.time(100);
  const first = capture.allocNew(0, both, 500, 0x1001);
  capture.time(100);
  capture.allocNew(1, both, 200, 0x2001);
  capture.endBlock();
  capture.time(300);
  capture.allocNew(0, outer, 300, 0x3001);
  capture.time(500);
  if (frees) capture.free(first);
  capture.foreignFree();
  capture.long(LONG_TAG.sample, 9000, 1000, 500, 2, 0, 4096, 0);
  capture.long(LONG_TAG.gc, 1, 1, 0);
  capture.time(7);
  capture.long(LONG_TAG.gc, 1, 1, 1);
  capture.long(LONG_TAG.mark, 1, capture.string('loaded'));
  const end = { end: 'exit', durationNs: 2_000_000, exit: { code: 3, signal: null } };
  if (trailer) capture.json(LONG_TAG.trailer, { ...end, peakBytes: 1000 });
  return capture.bytes();
}

const file = (bytes: Uint8Array) => join(folderOf({ 'a.bin': bytes }), 'a.bin');

/** How often this process has the file open. */
function openTimes(path: string): number {
  const folder = '/proc/self/fd';
  const target = realpathSync(path);
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === target;
    } catch {
      return false;
    }
  }).length;
}

describe('metadata', () => {
  test('is there when the capture is open', async () => {
    const capture = await openCapture(file(sample()));
    expect(capture.metadata).toMatchObject({
      version: '1.0',
      command: ['node', 'app.js'],
      pid: 42,
      node: '24.1.0',
      cwd: null,
      startTime: new Date(1_700_000_000_000),
    });
    await capture.close();
  });

  test('the end says how it went', async () => {
    const capture = await openCapture(file(sample()));
    expect(await capture.end()).toMatchObject({
      end: 'exit',
      exitCode: 3,
      truncated: false,
      durationNs: 2_000_000,
      allocations: 3,
      frees: 1,
      foreignFrees: 1,
      threads: [{ thread: 1, kind: 'main', name: 'main' }],
      warnings: [],
    });
    await capture.close();
  });

  test('one that was cut off says so, and is read anew each time', async () => {
    const path = file(sample({ trailer: false }));
    const capture = await openCapture(path);
    expect(await capture.end()).toMatchObject({
      end: 'truncated',
      truncated: true,
      exitCode: null,
    });
    expect((await capture.peak()).totalBytes).toBe(1000);
    writeFileSync(path, sample({ trailer: false, frees: false }));
    expect((await capture.leaked()).totalBytes).toBe(1000);
    await capture.close();
  });
});

describe('profiles', () => {
  test('the peak, by stack, largest first', async () => {
    const capture = await openCapture(file(sample()));
    const peak = await capture.peak();
    expect(peak).toMatchObject({ kind: 'peak', totalBytes: 1000, totalCount: 3, timeNs: 500_000 });
    const entries = [...peak].map(({ bytes, count, allocator, thread, site }) => {
      return { bytes, count, allocator, thread, site: site.name };
    });
    expect(entries).toEqual([
      { bytes: 500, count: 1, allocator: 'malloc', thread: 1, site: 'load' },
      { bytes: 300, count: 1, allocator: 'malloc', thread: 1, site: 'main' },
      { bytes: 200, count: 1, allocator: 'calloc', thread: 1, site: 'load' },
    ]);
    expect(peak.byStack().map(({ bytes, count }) => [bytes, count])).toEqual([
      [700, 2],
      [300, 1],
    ]);
    await capture.close();
  });

  test('frames are leaf first, each with its own place', async () => {
    const capture = await openCapture(file(sample()));
    const [entry] = await capture.peak();
    expect(entry?.frames).toMatchObject([
      { kind: 'js', name: 'load', file: '/app/load.js', line: 14, column: 5 },
      { kind: 'js', name: 'main', file: '/app/main.js', line: 3, column: 2 },
    ]);
    const stacks = await capture.stacks();
    expect(stacks.size).toBe(3);
    expect(stacks.frames(entry?.stack ?? 0)).toEqual(entry?.frames);
    expect(stacks.frames(0)).toMatchObject([{ kind: 'label', name: '(no stack)' }]);
    await capture.close();
  });

  test('what is left, what went soon, what there was', async () => {
    const capture = await openCapture(file(sample()));
    expect((await capture.leaked()).totalBytes).toBe(500);
    expect((await capture.temporary(2)).totalBytes).toBe(500);
    expect((await capture.temporary()).totalBytes).toBe(0);
    expect(await capture.allocated()).toMatchObject({ totalBytes: 1000, totalCount: 3 });
    await expect(capture.temporary(-1)).rejects.toThrow(UsageError);
    await capture.close();
  });

  test('the timeline', async () => {
    const capture = await openCapture(file(sample()));
    expect(await capture.timeline()).toMatchObject({
      process: { timeNs: [1_000_000], rss: [9000], heap: [1000] },
      rssPeak: { bytes: 9000, timeNs: 1_000_000 },
      collections: [{ collection: 'scavenge', thread: 1, startNs: 1_000_000, endNs: 1_007_000 }],
      collectionTotals: [{ collection: 'scavenge', count: 1, pauseNs: 7000, longestNs: 7000 }],
      marks: [{ name: 'loaded', timeNs: 1_007_000, thread: 1 }],
    });
    await capture.close();
  });

  test('questions asked at once share a pass, and answers last longer than the file', async () => {
    const path = file(sample());
    const capture = await openCapture(path);
    const asked = [capture.peak(), capture.allocated(), capture.temporary(2)];
    const [peak, allocated] = await Promise.all(asked);
    await capture.close();
    expect([...(peak ?? [])][0]?.frames[0]?.name).toBe('load');
    expect(allocated?.totalBytes).toBe(1000);
    expect((await capture.leaked()).totalBytes).toBe(500);
    await expect(capture.timeline()).rejects.toThrow(UsageError);
  });
});

describe('records', () => {
  test('come in order, as objects and as columns', async () => {
    const capture = await openCapture(file(sample()));
    const records: CaptureRecord[] = [];
    let rows = 0;
    for await (const batch of capture.records()) {
      records.push(...batch);
      rows += batch.length;
      expect(batch.columns.type.length).toBe(batch.length);
      expect(batch.columns.bytes.length).toBe(batch.length);
      expect(batch.at(batch.length)).toBeUndefined();
    }
    const block = { thread: 1, stack: 1, allocator: 'malloc' };
    expect(rows).toBe(records.length);
    expect(records).toEqual([
      { type: 'alloc', timeNs: 100_000, ...block, bytes: 500, address: 0x1001 },
      {
        type: 'alloc',
        timeNs: 200_000,
        ...block,
        allocator: 'calloc',
        bytes: 200,
        address: 0x2001,
      },
      { type: 'alloc', timeNs: 500_000, ...block, stack: 2, bytes: 300, address: 0x3001 },
      { type: 'free', timeNs: 1_000_000, ...block, bytes: 500, address: 0x1001, missed: false },
      { type: 'foreign_free', timeNs: 1_000_000 },
      expect.objectContaining({ type: 'sample', timeNs: 1_000_000, rss: 9000 }),
      { type: 'gc', timeNs: 1_000_000, thread: 1, collection: 'scavenge', phase: 'start' },
      { type: 'gc', timeNs: 1_007_000, thread: 1, collection: 'scavenge', phase: 'end' },
      { type: 'mark', timeNs: 1_007_000, thread: 1, name: 'loaded' },
    ]);
    await capture.close();
  });

  test('batches stay what they were, and several loops may run at once', async () => {
    const sampled = new SampleCapture();
    const stack = sampled.stack(sampled.frame(FRAME_KIND.builtin, 0));
    expect(stack).toBe(1);
    addEvents(sampled, { events: 50_000, perBlock: 1000, stacks: 1 });
    const capture = await openCapture(file(sampled.bytes()));
    const sizes = async (keep: boolean) => {
      const batches = [];
      const seen: number[] = [];
      for await (const batch of capture.records()) {
        if (keep) batches.push(batch);
        else seen.push(...batch.columns.bytes);
      }
      return keep ? batches.flatMap(({ columns }) => [...columns.bytes]) : seen;
    };
    const [kept, seen] = await Promise.all([sizes(true), sizes(false)]);
    expect(seen.length).toBeGreaterThan(40_000);
    expect(kept).toEqual(seen);
    await capture.close();
  });

  test('may be left early, and the file can go', async () => {
    const path = file(sample());
    const capture = await openCapture(path);
    for await (const batch of capture.records()) {
      expect(batch.length).toBe(2);
      break;
    }
    expect(await capture.end()).toMatchObject({ truncated: false });
    expect(openTimes(path)).toBe(1);
    await capture.close();
    expect(openTimes(path)).toBe(0);
  });

  test('an error in the loop ends the reading', async () => {
    const capture = await openCapture(file(sample()));
    const read = async () => {
      for await (const _ of capture.records()) throw new RangeError('mine');
    };
    await expect(read()).rejects.toThrow('mine');
    await capture.close();
  });
});

describe('closing', () => {
  test('twice is once', async () => {
    const path = file(sample());
    const capture = await openCapture(path);
    await Promise.all([capture.close(), capture.close()]);
    capture[Symbol.dispose]();
    await capture[Symbol.asyncDispose]();
    expect(openTimes(path)).toBe(0);
    expect(() => capture.records()).toThrow(UsageError);
  });

  test('under a loop ends the loop with an error', async () => {
    const sampled = new SampleCapture();
    sampled.stack(sampled.frame(FRAME_KIND.builtin, 0));
    addEvents(sampled, { events: 400_000, perBlock: 10_000, stacks: 1 });
    const path = file(sampled.bytes());
    const capture = await openCapture(path);
    const read = async () => {
      for await (const _ of capture.records()) await capture.close();
    };
    await expect(read()).rejects.toThrow(UsageError);
    expect(openTimes(path)).toBe(0);
  });
});

describe('what is no capture', () => {
  test.each([
    ['empty', '', FormatError],
    [
      'foreign',
      'PK something else, and long enough to have a header of sixty-four bytes',
      FormatError,
    ],
  ])('%s', async (_, content, error) => {
    const path = join(folderOf({ 'a.bin': content }), 'a.bin');
    const opened = openCapture(path);
    await expect(opened).rejects.toThrow(error);
    await expect(opened).rejects.toMatchObject({ code: 'ERR_MEMTAPE_FORMAT', path });
    expect(openTimes(path)).toBe(0);
  });

  test('missing, a folder, no path', async () => {
    const folder = temporaryFolder();
    const missing = join(folder, 'none.bin');
    await expect(openCapture(missing)).rejects.toMatchObject({ code: 'ENOENT', path: missing });
    await expect(openCapture(folder)).rejects.toMatchObject({ code: 'EISDIR', path: folder });
    await expect(openCapture(7 as unknown as string)).rejects.toThrow(UsageError);
  });

  test('one cut anywhere gives a prefix, or says that it is no capture', async () => {
    const whole = sample();
    const path = join(folderOf({}), 'a.bin');
    let opened = 0;
    const step = 5; // test/decode cuts at every byte
    const headerBytes = 64;
    for (let length = 4; length < whole.length; length += step) {
      writeFileSync(path, whole.subarray(0, length));
      try {
        const capture = await openCapture(path);
        opened++;
        const [{ truncated }, { totalBytes }] = await Promise.all([capture.end(), capture.peak()]);
        expect(truncated).toBe(true);
        expect([0, 700, 1000]).toContain(totalBytes);
        await capture.close();
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        expect(length).toBeLessThan(headerBytes);
      }
    }
    expect(opened).toBe(Math.ceil((whole.length - headerBytes) / step));
  });
});

describe('reports', () => {
  test('as data, and as text and pages', async () => {
    const capture = await openCapture(file(sample()));
    const stats = await capture.stats({ top: 1 });
    expect(stats).toMatchObject({ total_num_allocations: 3, peak_memory: 1000 });
    expect(stats.top_allocations_by_size).toEqual([
      { location: 'load:/app/load.js:14', size: 700 },
    ]);
    const summary = await capture.summary({ kind: 'leaked', sortBy: 'own_bytes', maxRows: 1 });
    expect(summary).toMatchObject({ kind: 'leaked', total_bytes: 500, row_count: 2 });
    expect(summary.rows).toMatchObject([{ function: 'main', own_bytes: 300, total_bytes: 500 }]);
    const graph = await capture.flamegraph({ title: 'of a test' });
    expect(graph).toMatchObject({ title: 'of a test', kind: 'peak' });
    await capture.close();
    expect(await renderStats(stats)).toContain('Peak memory usage:');
    expect(await renderSummary(summary)).toMatch(/main at \/app\/main\.js:3 .*500B/);
    const { html } = await renderFlamegraph(graph);
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).toContain('of a test');
  });

  test('as tables, trees and comparisons, and in the formats of other tools', async () => {
    const before = await openCapture(file(sample({ frees: false })));
    const capture = await openCapture(file(sample()));
    const [table, tree, diff, leaks, chunks] = await Promise.all([
      capture.table({ kind: 'leaked' }),
      capture.tree({ biggest: 1 }),
      capture.diff(before, { kind: 'leaked' }),
      capture.leaks({ to: { mark: 'loaded' } }),
      capture.transform('collapsed'),
    ]);
    await expect(capture.leaks({ from: { mark: 'nosuch' } })).rejects.toThrow(UsageError);
    await expect(capture.transform('nosuch')).rejects.toThrow(UsageError);
    await Promise.all([before.close(), capture.close()]);
    expect(table).toMatchObject({ kind: 'leaked', total_bytes: 500, total_allocations: 2 });
    expect((await renderTable(table)).html).toMatch(/^<!doctype html>/i);
    expect(tree).toMatchObject({ bytes: 1000, leftOut: { stacks: 1, bytes: 300 } });
    expect(await renderTree(tree)).toContain('load');
    expect(diff).toMatchObject({ bytes_before: 1000, bytes_after: 500, bytes_change: -500 });
    expect(await renderDiff(diff)).toContain('load');
    expect(leaks).toMatchObject({ to_ms: 1.007, full_gcs: 0 });
    expect(await renderLeaks(leaks)).toContain(leaks.why[0]);
    const lines = [...chunks].join('').trim().split('\n').sort();
    expect(lines).toEqual([
      'main (/app/main.js:3) 300',
      'main (/app/main.js:3);load (/app/load.js:14) 700',
    ]);
  });
});
