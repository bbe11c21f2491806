// SPDX-License-Identifier: MIT
// Leak, warm-up or fragmentation: which it is, and the numbers that say so.

import type { Growth, Slice } from '../aggregate/growth.js';
import { sizeText } from '../model/size-text.js';
import {
  LEAST_POINTS,
  lastingFloors,
  type Point,
  type Trend,
  trendOf,
  valueAt,
} from './leaks-trend.js';

export type Verdict = 'leak' | 'warm-up' | 'fragmentation' | 'steady' | 'undecided';

export interface Judgement {
  readonly verdict: Verdict;
  /** Sentences, the decisive one first. */
  readonly why: readonly string[];
  /** Of live memory, where full collections have shown it. */
  readonly live: Trend;
}

/** Growth below both of these says nothing: V8 and malloc take and give such amounts by themselves. */
const LEAST_BYTES = 256_000;
const LEAST_SHARE = 0.01;
const LEAST_GAP = 16_000_000;
const LEAST_GAP_SHARE = 0.25;
/** Live memory that grows half as fast as what is lost around it is not the problem. */
const GAP_OUTGROWS = 2;
const LEAST_SLICES = 8;
/** What a process has after it has started: the rest is judged. */
const STARTED = 0.25;

/** The slices whose floors count. */
export interface Proof {
  readonly at: readonly number[];
  /** Whether full collections ended in them, often enough to tell what is kept from what is garbage. */
  readonly byGcs: boolean;
}

/** Slices in which a full collection ended, and the first, where the range begins; all of them where there are too few. */
export function proofOf(slices: readonly Slice[]): Proof {
  const at = slices.flatMap(({ fullGcs }, i) =>
    i === 0 || fullGcs > (slices[i - 1]?.fullGcs ?? 0) ? [i] : [],
  );
  // V8 frees Buffers in the background: how low a floor really is, the next slice shows.
  if (at.at(-1) === slices.length - 1 && at.length > LEAST_POINTS) at.pop();
  const byGcs = at.length >= LEAST_POINTS;
  return { at: byGcs ? at : Array.from(slices.keys()), byGcs };
}

/** A series of floors as points where `proof` says that they are what is really live. */
export function provenPoints(
  slices: readonly Slice[],
  floors: readonly number[],
  proof: Proof,
): Point[] {
  const lasting = lastingFloors(floors);
  return proof.at.map((i) => ({
    timeNs: slices[i]?.ranNs ?? 0,
    bytes: lasting[i] as number,
  }));
}

export function judge({ slices, state }: Growth): Judgement {
  const proof = proofOf(slices);
  const heap = slices.map((slice) => slice.heap);
  const points = provenPoints(slices, heap, proof);
  const noise = median(
    points.map(({ bytes }, i) => (heap[proof.at[i] as number] as number) - bytes),
  );
  const least = Math.max(LEAST_BYTES, (points.at(-1)?.bytes ?? 0) * LEAST_SHARE, noise);
  const live = trendOf(points, least);
  const facts = [liveText(live), ...survivedText(state.fullGcs, sum(state.survived))];
  const more = [...jsTexts(slices, proof)];
  if (slices.length < LEAST_SLICES) {
    return { verdict: 'undecided', why: ['The range is too short to tell.', ...facts], live };
  }
  const gap = rssGap(slices) ?? jsGap(slices, proof);
  const [, second, third, last] = live.quarters;
  if (gap !== null && gap.grownBytes >= GAP_OUTGROWS * (second + third + last)) {
    return { verdict: 'fragmentation', why: [gap.text, ...facts, ...more], live };
  }
  if (live.kind === 'growing' && proof.byGcs) {
    const also = gap === null ? [] : [gap.text];
    return { verdict: 'leak', why: [goesOnText(live), ...facts, ...more, ...also], live };
  }
  if (live.kind === 'flattened') {
    return { verdict: 'warm-up', why: [stoppedText(live), ...facts, ...more], live };
  }
  if (live.kind === 'steady') {
    return { verdict: 'steady', why: [...facts, ...more], live };
  }
  return { verdict: 'undecided', why: [unclearText(live, proof), ...facts, ...more], live };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

const sum = (numbers: Float64Array): number => numbers.reduce((a, b) => a + b, 0);
const seconds = (ns: number): string => `${(ns / 1e9).toFixed(ns < 1e11 ? 2 : 0)} s`;

function liveText({ from, to, growthBytes }: Trend): string {
  const change = `${growthBytes > 0 ? '+' : ''}${sizeText(growthBytes)}`;
  return (
    `Live memory went from ${sizeText(from.bytes)} to ${sizeText(to.bytes)} (${change}) ` +
    `in ${seconds(to.timeNs - from.timeNs)}.`
  );
}

function survivedText(fullGcs: number, bytes: number): string[] {
  if (fullGcs === 0) return ['No full collection ended in this time.'];
  const what = fullGcs === 1 ? 'One full collection' : `${fullGcs} full collections`;
  return [
    `${what} ended in this time; of what was allocated before the last, ${sizeText(bytes)} ` +
      'in blocks are still live.',
  ];
}

const shared = (quarters: Trend['quarters']): string =>
  quarters.map((bytes) => sizeText(Math.round(bytes))).join(', ');

function goesOnText({ quarters, bytesPerSecond }: Trend): string {
  return (
    `Live memory still grows at the end, by ${sizeText(Math.round(bytesPerSecond))} a second: ` +
    `its quarters brought ${shared(quarters)}.`
  );
}

function stoppedText({ quarters }: Trend): string {
  return `Growth has stopped: its quarters brought ${shared(quarters)}.`;
}

function unclearText({ quarters }: Trend, { byGcs }: Proof): string {
  if (!byGcs) {
    return (
      'Live memory grew, but with fewer than three full collections garbage cannot be told from ' +
      'what is kept: record longer, or call gc() now and then (node --expose-gc).'
    );
  }
  return `Growth slows down or comes in steps: its quarters brought ${shared(quarters)}. Record longer.`;
}

interface Gap {
  readonly grownBytes: number;
  readonly text: string;
}

/** RSS that the largest heap of its time does not explain, as it grew after the start. */
function rssGap(slices: readonly Slice[]): Gap | null {
  const gaps = lastingFloors(slices.map(({ rss, heapTop }) => rss - heapTop));
  const points = pointsOf(slices, gaps);
  const [from, to] = [startedAt(points), points.at(-1)?.bytes ?? 0];
  const rss = slices.at(-1)?.rss ?? 0;
  if (!(to - from >= Math.max(LEAST_GAP, rss * LEAST_GAP_SHARE))) return null;
  const grownBytes = Math.round(to - from);
  return {
    grownBytes,
    text:
      `RSS is ${sizeText(Math.round(to))} above everything that is allocated, ${sizeText(grownBytes)} more than ` +
      'after the start: memory that was freed in pieces too small to be given back.',
  };
}

/** The same inside V8: pages that stay because some object in each lives. */
function jsGap(slices: readonly Slice[], proof: Proof): Gap | null {
  const after = proof.at
    .map((i) => slices[i] as Slice)
    .filter(({ jsUsed }) => !Number.isNaN(jsUsed));
  const gaps = lastingFloors(after.map(({ jsTotal, jsUsed }) => jsTotal - jsUsed));
  const points = pointsOf(after, gaps);
  const [from, to] = [startedAt(points), points.at(-1)?.bytes ?? 0];
  const total = after.at(-1)?.jsTotal ?? 0;
  if (!(to - from >= Math.max(LEAST_GAP, total * LEAST_GAP_SHARE))) return null;
  return {
    grownBytes: to - from,
    text:
      `V8 keeps ${sizeText(to)} of pages beyond the objects in them after full collections, ` +
      `${sizeText(to - from)} more than after the start: its heap is fragmented.`,
  };
}

function pointsOf(slices: readonly Slice[], values: readonly number[]): Point[] {
  return slices
    .map(({ ranNs }, i) => ({ timeNs: ranNs, bytes: values[i] as number }))
    .filter(({ bytes }) => !Number.isNaN(bytes));
}

function startedAt(points: readonly Point[]): number {
  const [first, last] = [points[0]?.timeNs ?? 0, points.at(-1)?.timeNs ?? 0];
  return valueAt(points, first + (last - first) * STARTED);
}

function jsTexts(slices: readonly Slice[], proof: Proof): string[] {
  const used = proof.at.map((i) => slices[i]?.jsUsed ?? Number.NaN).filter((x) => !Number.isNaN(x));
  const [first, last] = [used[0], used.at(-1)];
  if (first === undefined || last === undefined || used.length < 2) return [];
  return [
    `Objects in V8's heap took ${sizeText(first)} after the first full collection, ${sizeText(last)} after the last.`,
  ];
}
