// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { GrowthAggregator } from '../../ts/aggregate/growth.js';
import { SiteGroups } from '../../ts/aggregate/site-groups.js';
import type { CaptureStart } from '../../ts/decode/consumer.js';
import { CaptureBuilder } from '../model/capture-builder.js';

const MS = 1_000_000;
const THREAD = 1;

/** Drives an aggregator as a capture would. */
class Log {
  readonly growth: GrowthAggregator;
  #ids = new Map<string, { id: number; stack: number; size: number }>();
  #next = 1;
  #timeNs = 0;

  constructor(...range: ConstructorParameters<typeof GrowthAggregator>) {
    this.growth = new GrowthAggregator(...range);
  }

  at(ms: number): this {
    this.#timeNs = ms * MS;
    this.growth.onTime(this.#timeNs);
    return this;
  }

  alloc(name: string, stack: number, size: number): this {
    const id = this.#next++;
    this.#ids.set(name, { id, stack, size });
    this.growth.onAlloc(stack, size, 0, THREAD, id);
    return this;
  }

  free(name: string): this {
    const block = this.#ids.get(name);
    if (!block) throw new Error(`no ${name}`);
    this.growth.onFree(block.stack, block.size, 0, THREAD, block.id);
    return this;
  }

  gc(gcType = 4): this {
    return this.gcPhase(0, gcType).gcPhase(1, gcType);
  }

  gcPhase(phase: number, gcType = 4): this {
    this.growth.onGc({ timeNs: this.#timeNs, thread: THREAD, gcType, phase });
    return this;
  }

  mark(name: string): this {
    this.growth.onMark({ timeNs: this.#timeNs, thread: THREAD, name });
    return this;
  }

  pages(stack: number, bytes: number): this {
    const delta = { class: 0, stack, bytes, ranges: Math.sign(bytes) };
    const rest = { op: 0, address: 0, length: 0, prot: 3, flags: 0, stack };
    this.growth.onMap({ timeNs: this.#timeNs, ...rest, deltas: [delta] });
    return this;
  }

  sample(rss: number): this {
    const zero = { heap: 0, liveBytes: 0, liveBlocks: 0, committed: 0, reserved: 0, file: 0 };
    this.growth.onSample({ timeNs: this.#timeNs, rss, ...zero });
    return this;
  }
}

describe('what survived', () => {
  const survived = (log: Log) => Array.from(log.growth.finish().state.survived);

  test('is what was born before a full collection and still lives', () => {
    const log = new Log().alloc('kept', 1, 100).alloc('garbage', 1, 30).alloc('late', 2, 10);
    log.at(5).gc().free('garbage').at(6).alloc('after', 1, 7);
    expect(survived(log)).toEqual([0, 100, 10]);
  });

  test('excludes what a collection let live and was freed since, by whatever', () => {
    const log = new Log().alloc('a', 1, 100).at(5).gc().at(6).free('a');
    expect(survived(log)).toEqual([0, 0]);
  });

  test('does not count what is born while the collection runs, or at its very time before it', () => {
    const log = new Log().alloc('before', 1, 100).gcPhase(0).alloc('during', 1, 20).gcPhase(1);
    expect(survived(log)).toEqual([0, 100]);
  });

  test('needs a collection that is full and has ended in the range', () => {
    expect(survived(new Log().alloc('a', 1, 100).at(5).gc(1))).toEqual([0, 0]);
    expect(survived(new Log().alloc('a', 1, 100).at(5).gcPhase(0))).toEqual([0, 0]);
    expect(survived(new Log().alloc('a', 1, 100).at(5).gcPhase(1))).toEqual([0, 0]);
    const later = new Log({ timeNs: 6 * MS }).alloc('a', 1, 100).at(5).gc().at(7);
    expect(survived(later)).toEqual([0, 0]);
  });

  test('excludes what was born before the range', () => {
    const log = new Log({ mark: 'warm' }).at(1).alloc('old', 1, 100).mark('warm');
    log.alloc('new', 1, 30).at(9).gc();
    expect(survived(log)).toEqual([0, 30]);
    expect(log.growth.finish().state.live[1]).toBe(130);
  });

  test('a later collection adds to it what came between', () => {
    const log = new Log().alloc('a', 1, 1).at(5).gc().alloc('b', 1, 20).at(9).gc();
    log.alloc('c', 1, 300);
    expect(survived(log)).toEqual([0, 21]);
  });
});

describe('the range', () => {
  test('runs from the first such mark to the first other after it', () => {
    const log = new Log({ mark: 'a' }, { mark: 'b' });
    log.at(1).mark('b').at(2).mark('a').alloc('x', 1, 5).at(3).mark('a').alloc('y', 1, 6);
    log.at(4).mark('b').alloc('z', 1, 7).at(5).mark('b');
    const { fromNs, ended, state, markNames } = log.growth.finish();
    expect([fromNs, ended, state.timeNs, state.heap]).toEqual([2 * MS, true, 4 * MS, 11]);
    expect(markNames).toEqual(['b', 'a']);
  });

  test('runs from one time to another, between records', () => {
    const log = new Log({ timeNs: 2.5 * MS }, { timeNs: 4.5 * MS });
    log.at(2).alloc('x', 1, 5).at(3).alloc('y', 1, 6).at(4).alloc('z', 1, 7).at(5).free('x');
    const { fromNs, state, slices } = log.growth.finish();
    expect([fromNs, state.timeNs, state.heap]).toEqual([2.5 * MS, 4.5 * MS, 18]);
    expect(slices.at(-1)?.endNs).toBe(4.5 * MS);
  });

  test('may never begin or end', () => {
    expect(new Log({ mark: 'no' }).at(5).growth.finish().fromNs).toBeNull();
    expect(new Log({ timeNs: 0 }, { mark: 'no' }).at(5).growth.finish().ended).toBe(false);
  });

  test('ends before Node.js frees everything, at the last exit of several', () => {
    const log = new Log();
    for (let ms = 1; ms <= 400; ms++) log.at(ms).alloc(`${ms}`, 1, 1000);
    log.mark('memtape:exit').free('1').at(402).mark('memtape:exit');
    for (let ms = 2; ms <= 390; ms++) log.free(`${ms}`);
    const { state, slices, markNames } = log.at(500).growth.finish();
    expect([state.heap, state.timeNs]).toEqual([399_000, 402 * MS]);
    expect(slices.at(-1)?.endNs).toBe(402 * MS);
    expect(markNames).toEqual([]);
  });

  test('that was asked for may go on to what comes after the exit', () => {
    const log = new Log({ timeNs: 0 }, { timeNs: 5 * MS });
    log.at(1).alloc('a', 1, 100).mark('memtape:exit').at(3).free('a').at(6);
    expect(log.growth.finish().state.heap).toBe(0);
  });

  test('of a process that was killed ends with its last event', () => {
    const log = new Log();
    for (let ms = 1; ms <= 400; ms++) log.at(ms).alloc(`${ms}`, 1, 1000);
    const { state } = log.growth.finish();
    expect([state.heap, state.timeNs]).toEqual([400_000, 400 * MS]);
  });
});

describe('slices', () => {
  test('have the floors of their time, blocks and pages together', () => {
    const log = new Log().at(1).alloc('a', 1, 100).pages(2, 4096).at(200);
    log.alloc('b', 1, 50).free('a').at(400).pages(2, -4096).at(600);
    const { slices } = log.growth.finish();
    expect(slices.length).toBeLessThanOrEqual(64);
    const at = (ms: number) => slices.find(({ endNs }) => endNs > ms * MS);
    expect(Array.from(at(100)?.floors ?? [])).toEqual([0, 100, 4096]);
    expect(Array.from(at(300)?.floors ?? [])).toEqual([0, 50, 4096]);
    expect(Array.from(at(500)?.floors ?? [])).toEqual([0, 50, 0]);
    expect([at(100), at(300), at(500)].map((slice) => slice?.heap)).toEqual([4196, 4146, 50]);
    // Between them both blocks lived.
    expect(Math.max(...slices.map(({ heapTop }) => heapTop))).toBe(4246);
  });

  test('stay few however long the range, and keep the lowest', () => {
    const log = new Log();
    for (let second = 0; second < 3600; second += 7) {
      log.at(second * 1000).alloc(`${second}`, 1, 1000);
      log.sample(second === 1400 ? 5 : 1_000_000);
      if (second === 2100) log.pages(2, -300).pages(2, 300);
    }
    const { slices } = log.growth.finish();
    expect(slices.length).toBeGreaterThan(30);
    expect(slices.length).toBeLessThanOrEqual(64);
    expect(Math.min(...slices.map(({ rss }) => rss).filter((rss) => rss > 0))).toBe(5);
    expect(slices.filter(({ floors }) => floors[2] === -300)).toHaveLength(1);
    for (let i = 1; i < slices.length; i++) {
      expect(slices[i]?.endNs).toBeGreaterThan(slices[i - 1]?.endNs ?? 0);
    }
  });
});

describe('standing still', () => {
  const halted = (...range: ConstructorParameters<typeof GrowthAggregator>) => {
    const log = new Log(...range);
    log.growth.onMetadata({ options: { intervalMs: 10 } });
    for (let ms = 0; ms <= 1000; ms += 10) log.at(ms).sample(ms);
    // Nothing for an hour.
    for (let ms = 3_601_000; ms <= 3_602_000; ms += 10) log.at(ms).sample(ms);
    return log.growth.finish();
  };

  test('is no time: slices before and after it are of one length', () => {
    const { slices, state } = halted();
    expect(slices.length).toBeGreaterThan(30);
    const before = slices.filter(({ endNs }) => endNs <= 1000 * MS).length;
    expect(before / slices.length).toBeGreaterThan(0.4);
    expect(before / slices.length).toBeLessThan(0.6);
    for (let i = 1; i < slices.length; i++) {
      expect(slices[i]?.endNs).toBeGreaterThan(slices[i - 1]?.endNs ?? 0);
      expect(slices[i]?.ranNs).toBeGreaterThan(slices[i - 1]?.ranNs ?? 0);
    }
    // As much as is no more than a delay counts.
    expect(slices.at(-1)?.ranNs).toBeCloseTo(2250 * MS, -3);
    expect(state.stoodStillNs).toBeCloseTo((3_602_000 - 2250) * MS, -3);
  });

  test('counts where it is in the range', () => {
    const from = (ms: number, to: number) =>
      halted({ timeNs: ms * MS }, { timeNs: to * MS }).state.stoodStillNs / MS;
    expect(from(100, 900)).toBeCloseTo(0, 3);
    expect(from(500, 2000)).toBeCloseTo(750, 3);
    expect(from(3_601_500, 3_601_900)).toBeCloseTo(0, 3);
  });

  test('is not told from idleness where nobody says how often there should be samples', () => {
    const log = new Log().at(1000).sample(1).at(3_600_000).sample(2);
    expect(log.growth.finish().state.stoodStillNs).toBe(0);
  });
});

describe('births', () => {
  test('tell the age of what lives, to one part in 32', () => {
    const log = new Log();
    log.at(100).alloc('old', 1, 10).at(5000).alloc('gone', 1, 1000).at(9000).alloc('young', 1, 20);
    log.free('gone').at(10_000);
    const { births, moments } = log.growth.finish().state;
    expect(births.bytes.reduce((a, b) => a + b)).toBe(30);
    expect(births.count.reduce((a, b) => a + b)).toBe(2);
    const bornAt = (bytes: number) => (births.bytes.indexOf(bytes) * births.binNs) / MS;
    expect(Math.abs(bornAt(10) - 100)).toBeLessThan(10_000 / 32);
    expect(Math.abs(bornAt(20) - 9000)).toBeLessThan(10_000 / 32);
    expect((moments[1] ?? 0) / 30 / MS).toBeCloseTo((10 * 100 + 20 * 9000) / 30, 3);
  });
});

describe('sites', () => {
  test('join the tiers of a line, and keep lines, dependencies and native code apart', () => {
    const capture = new CaptureBuilder();
    const main = capture.js('main', '/app/main.js', 1);
    const called = capture.tables.addFunction([
      capture.text('f'),
      capture.text('/app/a.js'),
      1,
      1,
      1,
    ]);
    const tier = (kind: number, line: number) => capture.tables.addFrame(kind, called, 0, line, 1);
    const native = capture.native('/usr/bin/node', 16);
    const dependency = capture.js('d', '/app/node_modules/d/index.js', 2);
    const buffer = capture.js('alloc', 'node:buffer', 3);
    const groups = new SiteGroups(capture.tables);
    const of = (...frames: number[]) => groups.of(capture.stack(frames));
    const interpreted = of(native, buffer, tier(1, 7), main);
    expect(of(native, tier(4, 7), main)).toBe(interpreted);
    expect(of(dependency, tier(2, 7), main)).toBe(interpreted);
    const others = [of(tier(1, 8), main), of(main), of(native, dependency), of(native), of(buffer)];
    expect(new Set([interpreted, ...others]).size).toBe(6);
    expect(groups.of(capture.stack([native, main], 2))).toBe(groups.of(capture.stack([main], 2)));
  });
});

describe('isolates', () => {
  test('a collection in one says nothing of what another allocated', () => {
    const capture = new CaptureBuilder();
    const frame = capture.js('f', '/app/a.js', 1);
    const stack = capture.stack([frame]);
    const thread = { osTid: 1, name: '', startNs: 0, endNs: null };
    capture.tables.threads.set(1, { thread: 1, kind: 'main', workerId: 0, ...thread });
    capture.tables.threads.set(2, { thread: 2, kind: 'worker', workerId: 1, ...thread });
    capture.tables.threads.set(3, { thread: 3, kind: 'libuv_pool', workerId: 0, ...thread });
    const growth = new GrowthAggregator();
    growth.onStart({ tables: capture.tables } as CaptureStart);
    growth.onAlloc(stack, 1, 0, 1, 1);
    growth.onAlloc(stack, 20, 0, 2, 2);
    growth.onAlloc(stack, 300, 0, 3, 3);
    const gc = (thread: number) => {
      for (const phase of [0, 1]) growth.onGc({ timeNs: MS, thread, gcType: 4, phase });
    };
    gc(1);
    expect(growth.finish().state.survived[1]).toBe(301);
  });
});
