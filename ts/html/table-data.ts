// SPDX-License-Identifier: MIT
// What is embedded in the table's page as JSON; written by render-table.ts, read by app/table-main.ts.

import type { ProfileKind } from '../model/profile.js';
import type { StatsReport } from '../report/stats-report.js';
import type { TableEntries } from '../report/table-rows.js';
import type { TimelineReport } from '../report/timeline.js';
import type { FrameRow } from './page-data.js';
import { encodeNumbers, NumberReader } from './tree-codec.js';

/** Stacks that were too small to be kept one by one. */
export interface FoldedStacks {
  readonly stacks: number;
  readonly bytes: number;
}

export interface TablePageData {
  readonly kind: ProfileKind;
  readonly strings: readonly string[];
  readonly frames: readonly FrameRow[];
  readonly nodes: number;
  /** For each node but the root: node − parent, frame. */
  readonly tree: string;
  readonly entryCount: number;
  /** For each entry: site, node, thread, allocator, bytes, count. */
  readonly entries: string;
  readonly threads: readonly (readonly [id: number, name: string])[];
  /** Of each thread, where there are several. */
  readonly processes: readonly (readonly [thread: number, name: string])[];
  readonly splitThreads: boolean;
  readonly folded: FoldedStacks;
  readonly totalBytes: number;
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
}

const COLUMNS = ['site', 'node', 'thread', 'allocator', 'bytes', 'count'] as const;

export function encodeEntries(entries: TableEntries): string {
  function* numbers() {
    for (let entry = 0; entry < entries.site.length; entry++) {
      for (const column of COLUMNS) yield entries[column][entry] as number;
    }
  }
  return encodeNumbers(numbers());
}

export function decodeEntries(text: string, size: number): TableEntries {
  const reader = new NumberReader(text);
  const entries: Record<(typeof COLUMNS)[number], number[]> = {
    site: [],
    node: [],
    thread: [],
    allocator: [],
    bytes: [],
    count: [],
  };
  for (let entry = 0; entry < size; entry++) {
    for (const column of COLUMNS) entries[column].push(reader.next());
  }
  return entries;
}
