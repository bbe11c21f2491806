// SPDX-License-Identifier: MIT
// Does a line of floors still rise? Judged where full collections have just shown what is really live.

/** Level or falling, rose and stopped, still rising at the end, or none of them clearly. */
export type TrendKind = 'steady' | 'flattened' | 'growing' | 'unclear';

export interface Point {
  /** Time that the process ran. */
  readonly timeNs: number;
  readonly bytes: number;
}

export interface Trend {
  readonly kind: TrendKind;
  readonly from: Point;
  readonly to: Point;
  readonly growthBytes: number;
  /** In each quarter of the time between `from` and `to`. */
  readonly quarters: readonly [number, number, number, number];
  /** The median of the slopes between any two points after the first quarter; a single step does not move it. */
  readonly bytesPerSecond: number;
}

/** What it never again fell below: floor i is the lowest of floors[i], floors[i + 1], … */
export function lastingFloors(floors: readonly number[]): number[] {
  const lasting = [...floors];
  for (let i = lasting.length - 2; i >= 0; i--) {
    // What has no sample yet (NaN) has no floor.
    if (!Number.isNaN(lasting[i])) {
      lasting[i] = Math.min(lasting[i] as number, lasting[i + 1] as number);
    }
  }
  return lasting;
}

/** The last quarter against the mean of the two before: above the one it goes on, below the other it has stopped. */
const GOES_ON = 0.6;
const HAS_STOPPED = 0.35;
/** Of the growth after the first quarter, what the median slope must explain: less is a step or two. */
const EXPLAINED = 0.25;
export const LEAST_POINTS = 4;

/**
 * @param points in order of time, where they are known to be floors
 * @param leastBytes below this, growth after the first quarter means nothing
 */
export function trendOf(points: readonly Point[], leastBytes: number): Trend {
  const nowhere = { timeNs: 0, bytes: 0 };
  const from = points[0] ?? nowhere;
  const to = points.at(-1) ?? nowhere;
  const spanNs = to.timeNs - from.timeNs;
  const at = (part: number) => valueAt(points, from.timeNs + spanNs * part);
  const quarters = [0, 1, 2, 3].map((i) => at((i + 1) / 4) - at(i / 4)) as [
    number,
    number,
    number,
    number,
  ];
  const later = points.filter(({ timeNs }) => timeNs >= from.timeNs + spanNs / 4);
  const bytesPerSecond = medianSlope(later);
  const trend = { from, to, growthBytes: to.bytes - from.bytes, quarters, bytesPerSecond };
  const explained = (bytesPerSecond * spanNs * 0.75) / 1e9;
  return { ...trend, kind: kindOf(trend, points.length, explained, leastBytes) };
}

function kindOf(
  { growthBytes, quarters: [, second, third, last] }: Omit<Trend, 'kind'>,
  points: number,
  explained: number,
  leastBytes: number,
): TrendKind {
  const later = second + third + last;
  if (later < leastBytes) return growthBytes < leastBytes ? 'steady' : 'flattened';
  if (points < LEAST_POINTS) return 'unclear';
  const before = (second + third) / 2;
  if (last <= before * HAS_STOPPED) return 'flattened';
  return last >= before * GOES_ON && explained >= later * EXPLAINED ? 'growing' : 'unclear';
}

/** On straight lines between the points. */
export function valueAt(points: readonly Point[], timeNs: number): number {
  const next = points.findIndex((point) => point.timeNs >= timeNs);
  const b = points[next] ?? points.at(-1);
  const a = points[next - 1] ?? b;
  if (a === undefined || b === undefined) return 0;
  if (next < 0 || b.timeNs === a.timeNs) return b.bytes;
  return a.bytes + ((b.bytes - a.bytes) * (timeNs - a.timeNs)) / (b.timeNs - a.timeNs);
}

/** Theil and Sen's: up to 29 % of the points may lie anywhere. In bytes a second. */
export function medianSlope(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) {
      const seconds = (b.timeNs - a.timeNs) / 1e9;
      if (seconds > 0) slopes.push((b.bytes - a.bytes) / seconds);
    }
  }
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  if (slopes.length === 0) return 0;
  if (slopes.length % 2 === 1) return slopes[middle] as number;
  return ((slopes[middle - 1] as number) + (slopes[middle] as number)) / 2;
}
