// SPDX-License-Identifier: MIT
// The time of a capture, cut into slices, and how slices become longer ones without a number becoming wrong. Runs in Node and
// in browsers.

/** Slice i lasts from edges[i] to edges[i + 1]. */
export interface Slices {
  readonly edges: readonly number[];
  /** The edge at which the program exited; null when it did not. */
  readonly exitEdge: number | null;
}

/**
 * What was live when the heap was highest in a slice, as changes to the same of the slice before: columns of equal length, in order
 * of slices. A place is whatever memory is added up by.
 */
export interface SnapshotChanges {
  readonly slice: number[];
  readonly place: number[];
  readonly bytes: number[];
  readonly count: number[];
}

/** What was allocated in one slice and freed in a later one. */
export interface Lives {
  readonly place: number[];
  readonly born: number[];
  /** NEVER when it was not freed. */
  readonly died: number[];
  readonly bytes: number[];
  readonly count: number[];
}

export const NEVER = -1;

/** For each slice the one that it becomes part of when neighbours are merged. The edge of the exit stays one. */
export function pairedSlices(count: number, exitEdge: number | null): Int32Array {
  const to = new Int32Array(count);
  let next = 0;
  for (let slice = 0; slice < count; next++) {
    to[slice++] = next;
    if (slice < count && slice !== exitEdge) to[slice++] = next;
  }
  return to;
}

export function mergedEdges({ edges, exitEdge }: Slices, to: Int32Array): Slices {
  const kept = edges.filter((_edge, i) => i === 0 || i >= to.length || to[i] !== to[i - 1]);
  const moved = exitEdge === null || exitEdge >= to.length ? kept.length - 1 : to[exitEdge];
  return { edges: kept, exitEdge: exitEdge === null ? null : (moved ?? null) };
}

/** Which of the slices that become one has the highest peak; of equal ones the last, as everywhere. */
export function winners(peaks: readonly number[], to: Int32Array): number[] {
  const winner: number[] = [];
  for (let slice = 0; slice < peaks.length; slice++) {
    const merged = to[slice] as number;
    const best = winner[merged];
    if (best === undefined || (peaks[slice] as number) >= (peaks[best] as number)) {
      winner[merged] = slice;
    }
  }
  return winner;
}

/** The changes between the snapshots that stay. Those after the last one belong to the slice that comes next. */
export function mergedChanges(
  changes: SnapshotChanges,
  winner: readonly number[],
): SnapshotChanges {
  const merged: SnapshotChanges = { slice: [], place: [], bytes: [], count: [] };
  const { slice, place, bytes, count } = changes;
  let target = 0;
  let inTarget = new Map<number, number>();
  for (let i = 0; i < slice.length; i++) {
    while (target < winner.length && (winner[target] as number) < (slice[i] as number)) {
      target++;
      inTarget = new Map();
    }
    const where = place[i] as number;
    const at = inTarget.get(where);
    if (at === undefined) {
      inTarget.set(where, merged.slice.push(target) - 1);
      merged.place.push(where);
      merged.bytes.push(bytes[i] as number);
      merged.count.push(count[i] as number);
    } else {
      merged.bytes[at] = (merged.bytes[at] as number) + (bytes[i] as number);
      merged.count[at] = (merged.count[at] as number) + (count[i] as number);
    }
  }
  const isChange = (_none: number, i: number) => merged.bytes[i] !== 0 || merged.count[i] !== 0;
  return {
    slice: merged.slice.filter(isChange),
    place: merged.place.filter(isChange),
    bytes: merged.bytes.filter(isChange),
    count: merged.count.filter(isChange),
  };
}

/** What dies in the slice that it was born in was never live at an edge, and is left out. */
export function mergedLives(lives: Lives, to: Int32Array): Lives {
  const merged: Lives = { place: [], born: [], died: [], bytes: [], count: [] };
  const known = new Map<number, number>();
  const slices = to.length + 1;
  for (let i = 0; i < lives.place.length; i++) {
    const place = lives.place[i] as number;
    const born = to[lives.born[i] as number] as number;
    const end = lives.died[i] as number;
    const died = end === NEVER ? NEVER : (to[end] as number);
    if (born === died) continue;
    const key = (place * slices + born) * slices + died + 1;
    const at = known.get(key);
    if (at === undefined) {
      known.set(key, merged.place.push(place) - 1);
      merged.born.push(born);
      merged.died.push(died);
      merged.bytes.push(lives.bytes[i] as number);
      merged.count.push(lives.count[i] as number);
    } else {
      merged.bytes[at] = (merged.bytes[at] as number) + (lives.bytes[i] as number);
      merged.count[at] = (merged.count[at] as number) + (lives.count[i] as number);
    }
  }
  return merged;
}
