// SPDX-License-Identifier: MIT
// What the table shows: groups of entries, filtered, searched and sorted, and the lines of opened rows.

import { ALLOCATOR_NAMES } from '../../model/profile.js';
import {
  averageBytes,
  type EntryGroup,
  groupEntries,
  type TableEntries,
} from '../../report/table-rows.js';
import type { TreeNodes } from '../tree-codec.js';
import type { AppFrame } from './app-frame.js';
import { packageOf } from './filters.js';
import { frameMatcher } from './search.js';

export const SORT_COLUMNS = ['name', 'allocator', 'thread', 'bytes', 'count', 'average'] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

export interface TableState {
  readonly query: string;
  readonly regex: boolean;
  /** Empty: all of them; likewise below. */
  readonly process: string;
  readonly thread: string;
  readonly allocator: string;
  readonly package: string;
  readonly splitThreads: boolean;
  readonly sortBy: SortColumn;
  readonly descending: boolean;
}

export interface TableSource {
  readonly frames: readonly AppFrame[];
  readonly nodes: TreeNodes;
  readonly entries: TableEntries;
  readonly threads: ReadonlyMap<number, string>;
  /** Of each thread, where there are several. */
  readonly processes: ReadonlyMap<number, string>;
}

export type Line =
  | { readonly kind: 'row'; readonly group: EntryGroup; readonly isOpen: boolean }
  | { readonly kind: 'stack'; readonly bytes: number; readonly count: number }
  | { readonly kind: 'frame'; readonly frame: AppFrame }
  | { readonly kind: 'note'; readonly text: string };

/** Of an opened row; the export has all of them. */
const MAX_STACKS = 30;

export const groupKey = ({ site, allocator, thread }: EntryGroup): string =>
  `${site} ${allocator} ${thread}`;

export const allocatorName = (allocator: number): string => ALLOCATOR_NAMES[allocator] ?? '';

/** Throws SyntaxError for a broken regular expression. */
export function tableGroups(source: TableSource, state: TableState): EntryGroup[] {
  const { frames, entries, processes } = source;
  const { process, thread, allocator, query, regex } = state;
  const matches = query === '' ? () => true : frameMatcher({ text: query, regex });
  // By frame, which are fewer than entries.
  const accepted = frames.map(
    (frame) => (state.package === '' || packageOf(frame) === state.package) && matches(frame),
  );
  const accepts = (entry: number): boolean =>
    accepted[entries.site[entry] as number] === true &&
    (process === '' || processes.get(entries.thread[entry] as number) === process) &&
    (thread === '' || `${entries.thread[entry]}` === thread) &&
    (allocator === '' || allocatorName(entries.allocator[entry] as number) === allocator);
  const groups = groupEntries(entries, { splitThreads: state.splitThreads, accepts });
  return sorted(groups, source, state);
}

function sorted(groups: EntryGroup[], source: TableSource, state: TableState): EntryGroup[] {
  const { sortBy, descending } = state;
  if (sortBy === 'bytes' && descending) return groups;
  const values = new Map(groups.map((group) => [group, sortValue(group, sortBy, source)]));
  const direction = descending ? -1 : 1;
  return groups.sort((a, b) => {
    const [left = 0, right = 0] = [values.get(a), values.get(b)];
    return left === right ? 0 : left < right ? -direction : direction;
  });
}

function sortValue(group: EntryGroup, column: SortColumn, source: TableSource): string | number {
  switch (column) {
    case 'name':
      return source.frames[group.site]?.text ?? '';
    case 'allocator':
      return allocatorName(group.allocator);
    case 'thread':
      return group.thread ?? 0;
    case 'average':
      return averageBytes(group);
    default:
      return group[column];
  }
}

/** Rows, and below those that are open their stacks, allocating frame first. */
export function tableLines(
  groups: readonly EntryGroup[],
  open: ReadonlySet<string>,
  source: TableSource,
): Line[] {
  const lines: Line[] = [];
  for (const group of groups) {
    const isOpen = open.has(groupKey(group));
    lines.push({ kind: 'row', group, isOpen });
    if (isOpen) pushStacks(lines, group, source);
  }
  return lines;
}

function pushStacks(lines: Line[], group: EntryGroup, source: TableSource): void {
  const stacks = stacksOf(group, source.entries);
  for (const { node, bytes, count } of stacks.slice(0, MAX_STACKS)) {
    lines.push({ kind: 'stack', bytes, count });
    const { parent, frame } = source.nodes;
    for (let at = node; at > 0; at = parent[at] as number) {
      const shown = source.frames[frame[at] as number];
      if (shown !== undefined) lines.push({ kind: 'frame', frame: shown });
    }
  }
  const hidden = stacks.length - MAX_STACKS;
  if (hidden > 0) lines.push({ kind: 'note', text: `${hidden} smaller stacks` });
}

interface GroupStack {
  readonly node: number;
  bytes: number;
  count: number;
}

/** The largest first; threads that share a stack are one. */
function stacksOf(group: EntryGroup, entries: TableEntries): GroupStack[] {
  const byNode = new Map<number, GroupStack>();
  for (const entry of group.entries) {
    const node = entries.node[entry] as number;
    const stack = byNode.get(node) ?? { node, bytes: 0, count: 0 };
    byNode.set(node, stack);
    stack.bytes += entries.bytes[entry] as number;
    stack.count += entries.count[entry] as number;
  }
  return [...byNode.values()].sort((a, b) => b.bytes - a.bytes);
}
