// SPDX-License-Identifier: MIT
// What the nodes of a page's tree hold themselves, by thread and allocator: once, or in slices of time. In Node only.

import { StackTreeBuilder } from '../model/stack-tree.js';
import {
  type Lives,
  mergedChanges,
  mergedEdges,
  mergedLives,
  pairedSlices,
  type SnapshotChanges,
  winners,
} from '../model/time-slices.js';
import type { FlamegraphReport, PlaceColumns } from '../report/flamegraph-report.js';
import { NumberWriter } from './tree-codec.js';

/** Who holds: a node, and a group, which is a thread and an allocator. */
export interface Places {
  readonly node: readonly number[];
  readonly group: readonly number[];
}

export interface HeldMemory {
  readonly kind: 'held';
  readonly places: Places;
  readonly bytes: readonly number[];
  readonly count: readonly number[];
}

export interface PeakMemory {
  readonly kind: 'peak';
  readonly places: Places;
  readonly edgesMs: readonly number[];
  readonly exitEdge: number | null;
  readonly peakBytes: readonly number[];
  readonly peakMs: readonly number[];
  readonly changes: SnapshotChanges;
}

export interface LeakMemory {
  readonly kind: 'leaked';
  readonly places: Places;
  readonly edgesMs: readonly number[];
  readonly exitEdge: number | null;
  readonly lives: Lives;
}

export type Memory = HeldMemory | PeakMemory | LeakMemory;

/** Thread and allocator, as indexes of the report's lists. */
export type Group = readonly [thread: number, allocator: number];

/** Of a comparison: bytes before in the place of bytes, bytes after in the place of counts. */
export function memoryOf(report: FlamegraphReport): { memory: Memory; groups: Group[] } {
  const { entries, temporal, tree } = report;
  const groups = new Groups(report);
  if (temporal !== undefined) {
    const places = groups.places(temporal.places);
    const { edges_ms: edgesMs, exit_edge: exitEdge, peaks, lives } = temporal;
    const slices = { places, edgesMs, exitEdge };
    if (lives !== undefined)
      return { memory: { kind: 'leaked', ...slices, lives }, groups: groups.all };
    if (peaks !== undefined) {
      const { bytes: peakBytes, time_ms: peakMs, changes } = peaks;
      const memory: PeakMemory = { kind: 'peak', ...slices, peakBytes, peakMs, changes };
      return { memory, groups: groups.all };
    }
  }
  if (entries !== undefined) {
    const { bytes, count } = entries;
    const memory: HeldMemory = { kind: 'held', places: groups.places(entries), bytes, count };
    return { memory, groups: groups.all };
  }
  const places = { node: tree.parent.map((_none, node) => node), group: tree.parent.map(() => 0) };
  const before = tree.self_bytes_before;
  const [bytes, count] = before ? [before, tree.self_bytes] : [tree.self_bytes, tree.self_count];
  return { memory: { kind: 'held', places, bytes, count }, groups: [] };
}

class Groups {
  readonly all: Group[] = [];
  readonly #ids = new Map<string, number>();
  readonly #threads: Map<number, number>;

  constructor({ threads = [] }: FlamegraphReport) {
    this.#threads = new Map(threads.map(({ id }, index) => [id, index]));
  }

  places({ node, thread, allocator }: PlaceColumns): Places {
    return { node, group: node.map((_none, i) => this.#id(thread[i] ?? 0, allocator[i] ?? 0)) };
  }

  #id(thread: number, allocator: number): number {
    const key = `${thread} ${allocator}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.push([this.#threads.get(thread) ?? 0, allocator]) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }
}

/** With slices twice as long. */
export function coarser(memory: PeakMemory | LeakMemory): PeakMemory | LeakMemory {
  const slices = { edges: memory.edgesMs, exitEdge: memory.exitEdge };
  const to = pairedSlices(memory.edgesMs.length - 1, memory.exitEdge);
  const { edges: edgesMs, exitEdge } = mergedEdges(slices, to);
  if (memory.kind === 'leaked') {
    return { ...memory, edgesMs, exitEdge, lives: mergedLives(memory.lives, to) };
  }
  const winner = winners(memory.peakBytes, to);
  const { changes } = memory;
  return {
    ...memory,
    edgesMs,
    exitEdge,
    peakBytes: winner.map((slice) => memory.peakBytes[slice] as number),
    peakMs: winner.map((slice) => memory.peakMs[slice] as number),
    changes: mergedChanges(changes, winner),
  };
}

/** The most that each node may hold itself in any range of time: what is large at some time must not be folded. */
export function mostBytes(memory: Memory, nodes: number): Float64Array {
  const most = new Float64Array(nodes);
  const add = (place: number, bytes: number) => {
    const node = memory.places.node[place] as number;
    most[node] = (most[node] as number) + bytes;
  };
  if (memory.kind === 'held') {
    for (const [place, bytes] of memory.bytes.entries()) add(place, bytes);
  } else if (memory.kind === 'leaked') {
    for (const [i, place] of memory.lives.place.entries())
      add(place, memory.lives.bytes[i] as number);
  } else {
    const { place, bytes } = memory.changes;
    const now = new Float64Array(memory.places.node.length);
    const highest = new Float64Array(now.length);
    for (const [i, where] of place.entries()) {
      const held = (now[where] as number) + (bytes[i] as number);
      now[where] = held;
      if (held > (highest[where] as number)) highest[where] = held;
    }
    for (const [where, held] of highest.entries()) add(where, held);
  }
  return most;
}

export interface PackedMemory {
  readonly kind: Memory['kind'];
  readonly places: number;
  /** Changes or lives. */
  readonly items: number;
  readonly data: string;
}

/**
 * For each place, in order of nodes: node − the one before, group; then bytes and count, or how many items and the items. Of a change:
 * slice − the one before, bytes, count. Of a life: born − the one before, died − born or 0 for never, bytes, count.
 * @param nodeAt where nodes of the report's tree are in the page's
 */
export function packMemory(memory: Memory, nodeAt: ArrayLike<number>): PackedMemory {
  const { places, ids } = mergedPlaces(memory.places, nodeAt);
  const writer = new NumberWriter();
  const order = places.node.map((_none, place) => place);
  order.sort((a, b) => (places.node[a] as number) - (places.node[b] as number) || a - b);
  const rows = new RowsByPlace(memory, ids, places.node.length);
  let last = 0;
  for (const place of order) {
    writer.put((places.node[place] as number) - last);
    writer.put(places.group[place] as number);
    last = places.node[place] as number;
    rows.write(place, writer);
  }
  return { kind: memory.kind, places: order.length, items: rows.items, data: writer.text() };
}

/** Places that have become the same node by folding are one. */
function mergedPlaces(
  { node, group }: Places,
  nodeAt: ArrayLike<number>,
): { places: Places; ids: Uint32Array } {
  const builder = new StackTreeBuilder();
  const ids = new Uint32Array(node.length);
  const places = { node: [] as number[], group: [] as number[] };
  for (const [place, from] of node.entries()) {
    const at = nodeAt[from] as number;
    const by = group[place] as number;
    // A builder numbers pairs, from 1.
    const id = builder.child(at, by) - 1;
    if (id === places.node.length) {
      places.node.push(at);
      places.group.push(by);
    }
    ids[place] = id;
  }
  return { places, ids };
}

type Row = [first: number, second: number, bytes: number, count: number];

class RowsByPlace {
  readonly #memory: Memory;
  readonly #rows: Row[][];
  items = 0;

  constructor(memory: Memory, ids: Uint32Array, places: number) {
    this.#memory = memory;
    this.#rows = Array.from({ length: places }, () => []);
    const add = (place: number, first: number, second: number, bytes: number, count: number) =>
      this.#rows[ids[place] as number]?.push([first, second, bytes, count]);
    if (memory.kind === 'held') {
      for (const [place, bytes] of memory.bytes.entries()) {
        add(place, 0, 0, bytes, memory.count[place] as number);
      }
    } else if (memory.kind === 'peak') {
      const { slice, place, bytes, count } = memory.changes;
      for (const [i, where] of place.entries()) {
        // What follows the last snapshot leads to none.
        if ((slice[i] as number) >= memory.peakBytes.length) continue;
        add(where, slice[i] as number, 0, bytes[i] as number, count[i] as number);
      }
    } else {
      const { place, born, died, bytes, count } = memory.lives;
      for (const [i, where] of place.entries()) {
        const end = died[i] as number;
        const length = end < 0 ? 0 : end - (born[i] as number);
        add(where, born[i] as number, length, bytes[i] as number, count[i] as number);
      }
    }
  }

  write(place: number, writer: NumberWriter): void {
    const rows = summed(this.#rows[place] ?? []);
    const { kind } = this.#memory;
    if (kind === 'held') {
      writer.put(rows[0]?.[2] ?? 0);
      writer.put(rows[0]?.[3] ?? 0);
      return;
    }
    writer.put(rows.length);
    this.items += rows.length;
    let last = 0;
    for (const [first, second, bytes, count] of rows) {
      writer.put(first - last);
      last = first;
      if (kind === 'leaked') writer.put(second);
      writer.putSigned(bytes);
      writer.putSigned(count);
    }
  }
}

/** In order, rows that tell of the same added up. */
function summed(rows: Row[]): Row[] {
  rows.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const sums: Row[] = [];
  for (const row of rows) {
    const last = sums.at(-1);
    if (last !== undefined && last[0] === row[0] && last[1] === row[1]) {
      last[2] += row[2];
      last[3] += row[3];
    } else sums.push([...row]);
  }
  return sums.filter((row) => row[2] !== 0 || row[3] !== 0);
}
