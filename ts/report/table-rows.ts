// SPDX-License-Identifier: MIT
// Rows of the table: entries that answer for the same line and came from the same allocator. Runs in Node and in browsers.

import type { Frame } from '../model/frame.js';
import { ALLOCATOR_NAMES } from '../model/profile.js';

/** Columns of equal length; one entry for each stack, thread and allocator. */
export interface TableEntries {
  /** Frame that answers for the memory. */
  readonly site: readonly number[];
  /** The stack's leaf in the tree. */
  readonly node: readonly number[];
  readonly thread: readonly number[];
  readonly allocator: readonly number[];
  readonly bytes: readonly number[];
  readonly count: readonly number[];
}

export interface EntryGroup {
  readonly site: number;
  readonly allocator: number;
  /** null: all threads together. */
  readonly thread: number | null;
  bytes: number;
  count: number;
  /** Indexes of the entries, the largest first. */
  readonly entries: number[];
}

export interface GroupOptions {
  readonly splitThreads: boolean;
  /** Every entry unless given. */
  readonly accepts?: (entry: number) => boolean;
}

/** The largest first. */
export function groupEntries(entries: TableEntries, options: GroupOptions): EntryGroup[] {
  const { site, thread, allocator, bytes, count } = entries;
  const groups = new Map<string, EntryGroup>();
  for (let entry = 0; entry < site.length; entry++) {
    if (options.accepts?.(entry) === false) continue;
    const own = options.splitThreads ? (thread[entry] as number) : null;
    const key = `${site[entry]} ${allocator[entry]} ${own}`;
    let group = groups.get(key);
    if (group === undefined) {
      const [frame, by] = [site[entry] as number, allocator[entry] as number];
      group = { site: frame, allocator: by, thread: own, bytes: 0, count: 0, entries: [] };
      groups.set(key, group);
    }
    group.bytes += bytes[entry] as number;
    group.count += count[entry] as number;
    group.entries.push(entry);
  }
  const bySize = (a: number, b: number) => (bytes[b] as number) - (bytes[a] as number) || a - b;
  for (const group of groups.values()) group.entries.sort(bySize);
  return [...groups.values()].sort((a, b) => b.bytes - a.bytes || b.count - a.count);
}

export interface TableRow {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly package: string;
  readonly allocator: string;
  /** null: all threads together. */
  readonly thread: string | null;
  readonly bytes: number;
  readonly allocations: number;
  readonly average_bytes: number;
  /** How many different stacks lead here. */
  readonly stacks: number;
  /** Of native code: its shared library, addon or program. */
  readonly module: string;
}

export const TABLE_COLUMNS = [
  'function',
  'file',
  'line',
  'package',
  'allocator',
  'thread',
  'bytes',
  'allocations',
  'average_bytes',
  'stacks',
  'module',
] as const;

export interface RowNames {
  readonly frames: readonly Frame[];
  readonly threads: ReadonlyMap<number, string>;
  readonly entries: TableEntries;
}

export function tableRow(group: EntryGroup, { frames, threads, entries }: RowNames): TableRow {
  const frame = frames[group.site];
  return {
    function: frame?.name ?? '',
    file: frame?.file ?? '',
    line: frame?.line ?? 0,
    package: frame?.package ?? '',
    allocator: ALLOCATOR_NAMES[group.allocator] ?? '',
    thread: group.thread === null ? null : (threads.get(group.thread) ?? ''),
    bytes: group.bytes,
    allocations: group.count,
    average_bytes: averageBytes(group),
    stacks: new Set(group.entries.map((entry) => entries.node[entry])).size,
    module: frame?.module ?? '',
  };
}

export function averageBytes({ bytes, count }: { bytes: number; count: number }): number {
  return count === 0 ? 0 : Math.round(bytes / count);
}

/** Every row, the largest first. */
export function tableRows(names: RowNames, options: GroupOptions): TableRow[] {
  return groupEntries(names.entries, options).map((group) => tableRow(group, names));
}
