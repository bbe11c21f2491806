// SPDX-License-Identifier: MIT
// Makes a table smaller without losing a byte: the smallest stacks become "(folded)", by thread and allocator.

import type { TableReport } from '../report/table.js';
import type { TableEntries } from '../report/table-rows.js';
import { FOLDED_FRAME } from './fold.js';
import type { FoldedStacks } from './table-data.js';
import type { TreeNodes } from './tree-codec.js';

export interface FoldedTable {
  readonly frames: TableReport['frames'];
  readonly nodes: TreeNodes;
  readonly entries: TableEntries;
  readonly folded: FoldedStacks;
}

/** Keeps the `keep` largest entries; what only the others used goes with them. */
export function foldSmallStacks({ frames, tree, entries }: TableReport, keep: number): FoldedTable {
  const order = entries.bytes.map((_bytes, entry) => entry);
  order.sort((a, b) => (entries.bytes[b] as number) - (entries.bytes[a] as number) || a - b);
  const kept = order.slice(0, keep);
  const used = new Renumbering();
  const isUsed = new Uint8Array(tree.parent.length);
  for (const entry of kept) {
    for (let node = entries.node[entry] as number; node !== 0; node = tree.parent[node] as number) {
      if (isUsed[node] === 1) break;
      isUsed[node] = 1;
    }
  }
  const nodes = { parent: [0], frame: [0] };
  const places = new Uint32Array(tree.parent.length);
  for (let node = 1; node < tree.parent.length; node++) {
    if (isUsed[node] === 0) continue;
    const above = places[tree.parent[node] as number] as number;
    places[node] = nodes.parent.push(above) - 1;
    nodes.frame.push(used.id(tree.frame[node] as number));
  }
  const rows = kept.map((entry) => ({
    site: used.id(entries.site[entry] as number),
    node: places[entries.node[entry] as number] as number,
    ...numbersOf(entries, entry),
  }));
  const rest = order.slice(keep);
  const merged = mergedEntries(entries, rest);
  const foldedSite = merged.length > 0 ? used.id(frames.length) : 0;
  rows.push(...merged.map((entry) => ({ site: foldedSite, node: 0, ...entry })));
  const all = [...frames, FOLDED_FRAME];
  return {
    frames: used.order.map((frame) => all[frame] ?? FOLDED_FRAME),
    nodes,
    entries: columnsOf(rows),
    folded: { stacks: rest.length, bytes: merged.reduce((sum, { bytes }) => sum + bytes, 0) },
  };
}

interface EntryNumbers {
  readonly thread: number;
  readonly allocator: number;
  bytes: number;
  count: number;
}

function numbersOf({ thread, allocator, bytes, count }: TableEntries, entry: number): EntryNumbers {
  return {
    thread: thread[entry] as number,
    allocator: allocator[entry] as number,
    bytes: bytes[entry] as number,
    count: count[entry] as number,
  };
}

function mergedEntries(entries: TableEntries, which: readonly number[]): EntryNumbers[] {
  const merged = new Map<string, EntryNumbers>();
  for (const entry of which) {
    const own = numbersOf(entries, entry);
    const sum = merged.get(`${own.thread} ${own.allocator}`);
    if (sum === undefined) merged.set(`${own.thread} ${own.allocator}`, own);
    else {
      sum.bytes += own.bytes;
      sum.count += own.count;
    }
  }
  return [...merged.values()];
}

function columnsOf(rows: readonly ({ site: number; node: number } & EntryNumbers)[]): TableEntries {
  return {
    site: rows.map((row) => row.site),
    node: rows.map((row) => row.node),
    thread: rows.map((row) => row.thread),
    allocator: rows.map((row) => row.allocator),
    bytes: rows.map((row) => row.bytes),
    count: rows.map((row) => row.count),
  };
}

/** Frames in order of use; 0 stays the root. */
class Renumbering {
  readonly order = [0];
  readonly #ids = new Map([[0, 0]]);

  id(frame: number): number {
    let id = this.#ids.get(frame);
    if (id === undefined) {
      id = this.order.push(frame) - 1;
      this.#ids.set(frame, id);
    }
    return id;
  }
}
