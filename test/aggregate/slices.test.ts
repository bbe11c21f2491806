// SPDX-License-Identifier: MIT
// Slices of time against brute force: for every two edges, what a reader of the page would see.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Locations } from '../../ts/aggregate/location-table.js';
import { PeakAggregator } from '../../ts/aggregate/peak.js';
import { type LeakSlices, SliceLeaks } from '../../ts/aggregate/slice-leaks.js';
import { type PeakSlices, SlicePeaks } from '../../ts/aggregate/slice-peaks.js';
import type { RecordConsumer } from '../../ts/decode/consumer.js';
import { IntervalMap } from '../../ts/decode/interval-map.js';
import { EXIT_MARK } from '../../ts/format/constants.js';
import { ALLOCATOR_MMAP } from '../../ts/model/profile.js';
import {
  mergedChanges,
  mergedEdges,
  mergedLives,
  NEVER,
  pairedSlices,
  winners,
} from '../../ts/model/time-slices.js';
import { BlockFeed } from '../support/block-feed.js';
import { COMMITTED, mapCall, SliceOracle, type Sums } from './slice-oracle.js';

type Step =
  | { readonly kind: 'wait'; readonly us: number }
  | {
      readonly kind: 'alloc';
      readonly stack: number;
      readonly size: number;
      readonly thread: number;
    }
  | { readonly kind: 'free'; readonly which: number }
  | {
      readonly kind: 'map';
      readonly call: 'mmap' | 'munmap' | 'mprotect';
      readonly page: number;
      readonly pages: number;
      readonly prot: number;
      readonly stack: number;
    }
  | { readonly kind: 'exit' };

const small = (max: number) => fc.integer({ min: 0, max });
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), us: small(2500) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('alloc' as const),
      stack: fc.integer({ min: 1, max: 4 }),
      // Few sizes: equal peaks must be common.
      size: fc.constantFrom(0, 100, 200, 4096),
      thread: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('free' as const), which: small(1000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      call: fc.constantFrom('mmap' as const, 'munmap' as const, 'mprotect' as const),
      page: small(6),
      pages: fc.integer({ min: 1, max: 4 }),
      prot: fc.constantFrom(0, 3),
      stack: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('exit' as const) }) },
);

/** Feeds the same events to all. */
function replay(steps: readonly Step[], consumers: readonly RecordConsumer[]): void {
  const feed = new BlockFeed(...consumers);
  const writer = new IntervalMap();
  const live: number[] = [];
  let timeNs = 0;
  const wait = (us: number) => {
    timeNs += us * 1000;
    feed.time(timeNs);
  };
  for (const step of steps) {
    if (step.kind === 'wait') wait(step.us);
    else if (step.kind === 'alloc') live.push(feed.alloc(step.stack, step.size, 0, step.thread));
    else if (step.kind === 'free') {
      const [id] = live.splice(step.which % Math.max(1, live.length), 1);
      if (id !== undefined) feed.free(id);
    } else if (step.kind === 'map') {
      const call = mapCall(step.call, step.page, step.pages, step.prot, step.stack);
      const deltas = writer.apply(call);
      feed.map({ ...call, timeNs, deltas });
    } else {
      wait(1);
      feed.mark({ timeNs, thread: 1, name: EXIT_MARK });
      wait(1);
    }
  }
}

const placeText = ({ stack, thread, allocator }: Locations, place: number) =>
  `${stack[place]}:${thread[place]}:${allocator[place]}`;

class Adder {
  readonly sums: Sums = new Map();
  readonly #locations: Locations;

  constructor(locations: Locations) {
    this.#locations = locations;
  }

  add(place: number, bytes: number, count: number): void {
    const text = placeText(this.#locations, place);
    const [sum, blocks] = this.sums.get(text) ?? [0, 0];
    // Pages are counted by ranges, which the oracle does not know.
    const isPage = this.#locations.allocator[place] === ALLOCATOR_MMAP;
    const next: [number, number] = [sum + bytes, blocks + (isPage ? 0 : count)];
    if (next[0] === 0 && next[1] === 0) this.sums.delete(text);
    else this.sums.set(text, next);
  }
}

function peakBetween({ peaks, changes, locations }: PeakSlices, from: number, to: number) {
  const inRange = peaks.slice(from, to);
  const best = inRange.lastIndexOf(Math.max(...inRange));
  const adder = new Adder(locations);
  for (const [i, slice] of changes.slice.entries()) {
    if (slice > from + best) continue;
    adder.add(changes.place[i] as number, changes.bytes[i] as number, changes.count[i] as number);
  }
  return { bytes: inRange[best], live: adder.sums };
}

function leakedBetween({ lives, locations }: LeakSlices, from: number, to: number): Sums {
  const adder = new Adder(locations);
  for (const [i, place] of lives.place.entries()) {
    const [born, died] = [lives.born[i] as number, lives.died[i] as number];
    if (born < from || born >= to || (died !== NEVER && died < to)) continue;
    adder.add(place, lives.bytes[i] as number, lives.count[i] as number);
  }
  return adder.sums;
}

const withoutEmpty = (sums: Sums): Sums =>
  new Map([...sums].filter(([, [bytes, count]]) => bytes !== 0 || count !== 0));

function everyRange(edges: readonly number[], check: (from: number, to: number) => void): void {
  for (let from = 0; from < edges.length - 1; from++) {
    for (let to = from + 1; to < edges.length; to++) check(from, to);
  }
}

/** As for a page that would be too large. */
function mergedPeaks(found: PeakSlices): PeakSlices {
  const to = pairedSlices(found.peaks.length, found.slices.exitEdge);
  const winner = winners(found.peaks, to);
  return {
    ...found,
    slices: mergedEdges(found.slices, to),
    peaks: winner.map((slice) => found.peaks[slice] as number),
    changes: mergedChanges(found.changes, winner),
  };
}

function mergedLeaks(found: LeakSlices): LeakSlices {
  const to = pairedSlices(found.slices.edges.length - 1, found.slices.exitEdge);
  const lives = mergedLives(found.lives, to);
  expect(lives.died.every((at, i) => at === NEVER || at > (lives.born[i] ?? at))).toBe(true);
  return { ...found, slices: mergedEdges(found.slices, to), lives };
}

/** A limit of 0 makes the aggregators merge slices whenever they can. */
describe.each([
  ['slices of a millisecond', Number.POSITIVE_INFINITY, 0],
  ['slices merged while reading', 0, 0],
  ['slices merged afterwards', Number.POSITIVE_INFINITY, 1],
  ['slices merged twice', Number.POSITIVE_INFINITY, 2],
])('%s', (_name, limit, merges) => {
  const steps = fc.array(STEP, { minLength: 1, maxLength: 60 });

  test('the peak between every two edges is that of brute force', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [peaks, oracle] = [new SlicePeaks(limit), new SliceOracle()];
        replay(all, [peaks, oracle]);
        let found = peaks.finish();
        for (let i = 0; i < merges; i++) found = mergedPeaks(found);
        const { edges } = found.slices;
        const event = (edge: number) =>
          edge === edges.length - 1 ? oracle.events : oracle.firstAt(edges[edge] as number);
        everyRange(edges, (from, to) => {
          const expected = oracle.peak(event(from), event(to));
          const { bytes, live } = peakBetween(found, from, to);
          expect(bytes).toBe(expected.bytes);
          expect(live).toEqual(withoutEmpty(expected.live));
        });
      }),
      { numRuns: 60 },
    );
  });

  test('what was allocated and not freed between every two edges is that of brute force', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [leaks, oracle] = [new SliceLeaks(limit), new SliceOracle()];
        replay(all, [leaks, oracle]);
        let found = leaks.finish();
        for (let i = 0; i < merges; i++) found = mergedLeaks(found);
        const { edges, exitEdge } = found.slices;
        const event = (edge: number) =>
          edge === edges.length - 1 ? oracle.events : oracle.firstAt(edges[edge] as number);
        everyRange(edges, (from, to) => {
          const expected = oracle.leaked(event(from), event(to));
          expect(leakedBetween(found, from, to)).toEqual(withoutEmpty(expected));
        });
        const exit = oracle.exits.at(-1);
        expect(exitEdge === null ? undefined : event(exitEdge)).toBe(exit);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the whole capture', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const next = random(3);
  const steps = Array.from({ length: 30_000 }, (_none, i): Step => {
    const roll = next();
    if (i === 29_000) return { kind: 'exit' };
    if (roll < 0.2) return { kind: 'wait', us: Math.floor(next() * 900) };
    if (roll < 0.6)
      return { kind: 'alloc', stack: 1 + Math.floor(next() * 50), size: 100, thread: 1 };
    return { kind: 'free', which: Math.floor(next() * 1e6) };
  });
  const [whole, peaks, leaks] = [new PeakAggregator(), new SlicePeaks(), new SliceLeaks()];
  replay(steps, [whole, peaks, leaks]);
  const rowsOf = ({ rows }: ReturnType<PeakAggregator['peak']>) =>
    new Map(
      Array.from({ length: rows.size }, (_none, row) => [
        `${rows.stack[row]}:${rows.thread[row]}:${rows.allocator[row]}`,
        [rows.bytes[row], rows.count[row]],
      ]),
    );

  test('has the peak of the other reports, and what they say leaked', () => {
    const [byPeak, byLeak] = [peaks.finish(), leaks.finish()];
    const { live, bytes } = peakBetween(byPeak, 0, byPeak.peaks.length);
    expect(bytes).toBe(whole.peakBytes);
    expect(live).toEqual(rowsOf(whole.peak()));
    const exit = byLeak.slices.exitEdge;
    expect(exit).not.toBeNull();
    expect(leakedBetween(byLeak, 0, exit as number)).toEqual(rowsOf(whole.leaked()));
  });

  test('has at most 1,024 slices, however long it is', () => {
    const { edges } = peaks.finish().slices;
    expect(edges.length).toBeGreaterThan(513);
    expect(edges.length).toBeLessThanOrEqual(1027);
    const long = new SlicePeaks();
    for (let hour = 0; hour < 100; hour++) long.onTime(hour * 3.6e12);
    expect(long.finish().slices.edges.length).toBeLessThanOrEqual(1027);
  });
});

test('where a record knows of pages that were mapped before the recording, the record is right', () => {
  const leaks = new SliceLeaks();
  const call = mapCall('munmap', 0, 2, 0, 7);
  const committed = (stack: number, bytes: number) => [
    { class: COMMITTED, stack, bytes, ranges: Math.sign(bytes) },
  ];
  const map = mapCall('mmap', 10, 3, 3, 7);
  leaks.onMap({ ...map, deltas: committed(7, 3 * 4096) });
  leaks.onTime(2e6);
  // These pages were never seen, and yet the record says that stack 7 lost two.
  leaks.onMap({ ...call, deltas: committed(7, -2 * 4096) });
  leaks.onTime(4e6);
  leaks.onMap({ ...mapCall('mprotect', 40, 9, 3, 5), deltas: committed(5, 4096) });
  leaks.onTime(6e6);
  const found = leaks.finish();
  const end = found.slices.edges.length - 1;
  expect(leakedBetween(found, 0, end)).toEqual(
    new Map([
      [`7:0:${ALLOCATOR_MMAP}`, [4096, 0]],
      [`5:0:${ALLOCATOR_MMAP}`, [4096, 0]],
    ]),
  );
  expect(leakedBetween(found, 0, 1)).toEqual(new Map([[`7:0:${ALLOCATOR_MMAP}`, [3 * 4096, 0]]]));
});
