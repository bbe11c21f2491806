// SPDX-License-Identifier: MIT
// Memory by the line that answers for it and by allocator, with the stacks behind each row.

import { type Frame, isNodeInternal } from '../model/frame.js';
import type { NamedStacks } from '../model/named-stacks.js';
import type { Profile, ProfileKind } from '../model/profile.js';
import { StackTreeBuilder } from '../model/stack-tree.js';
import { statsAbout } from './js-heap.js';
import type { JsHeapReport } from './js-heap-report.js';
import { processNames } from './processes.js';
import type { StatsReport } from './stats-report.js';
import { type TableEntries, type TableRow, tableRows } from './table-rows.js';
import { type ProcessName, type Threads, threadText } from './thread-text.js';
import type { TimelineReport } from './timeline.js';

export interface TableReport {
  readonly title: string;
  readonly kind: ProfileKind;
  /** By frame id; id 0 is the root. */
  readonly frames: readonly Frame[];
  /** Of every stack; a parent's index is below its children's. */
  readonly tree: { readonly parent: readonly number[]; readonly frame: readonly number[] };
  readonly entries: TableEntries;
  /** Names of the threads in `entries`. */
  readonly threads: ReadonlyMap<number, string>;
  /** Where it is about several: those of the threads. */
  readonly processes?: ReadonlyMap<number, string>;
  readonly total_bytes: number;
  readonly total_allocations: number;
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
  /** When it is about the JavaScript heap. */
  readonly js_heap?: JsHeapReport;
  /** Its rows, for JSON.stringify and for programs. */
  toJSON(): TableData;
}

/** What `memtape table --json` prints. */
export interface TableData {
  readonly kind: ProfileKind;
  readonly total_bytes: number;
  readonly total_allocations: number;
  /** Where it is about several. */
  readonly processes?: readonly string[];
  /** When it is about the JavaScript heap. */
  readonly js_heap?: JsHeapReport;
  /** The largest first. */
  readonly rows: readonly TableRow[];
}

export interface TableOptions {
  /** Whether a row is of one thread; false unless given. */
  readonly splitThreads?: boolean;
}

export interface TableInput extends TableOptions {
  readonly profile: Profile;
  readonly stacks: NamedStacks;
  readonly threads: Threads;
  /** Where it is about several. */
  readonly processes?: readonly ProcessName[];
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
  /** When the profile is of the JavaScript heap. */
  readonly jsHeap?: JsHeapReport;
}

export function tableReport({
  profile,
  stacks,
  threads,
  timeline,
  stats,
  jsHeap,
  processes = [],
  splitThreads = false,
}: TableInput): TableReport {
  const { rows } = profile;
  const builder = new StackTreeBuilder();
  const siteOf = memoized((stack) => stacks.ownSite(stack, isOutsideNode));
  const nodeOf = memoized((stack) =>
    stacks.path(stack).reduceRight((above, frame) => builder.child(above, frame), 0),
  );
  const stackIds = Array.from(rows.stack);
  const entries: TableEntries = {
    site: stackIds.map(siteOf),
    node: stackIds.map(nodeOf),
    thread: Array.from(rows.thread),
    allocator: Array.from(rows.allocator),
    bytes: Array.from(rows.bytes),
    count: Array.from(rows.count),
  };
  const { parent, frame } = builder.finish();
  const used = [...new Set(entries.thread)].sort((a, b) => a - b);
  const { kind, totalBytes: total_bytes, totalCount: total_allocations } = profile;
  const frames = stacks.frames.all();
  const names = new Map(used.map((thread) => [thread, threadText(thread, threads.get(thread))]));
  return {
    title: stats.metadata.command_line,
    kind,
    frames,
    tree: { parent: Array.from(parent), frame: Array.from(frame) },
    entries,
    threads: names,
    ...(processes.length > 0 && { processes: processesOf(used, threads) }),
    total_bytes,
    total_allocations,
    timeline,
    ...statsAbout(stats, jsHeap),
    toJSON: () => ({
      kind,
      total_bytes,
      total_allocations,
      ...processNames(processes),
      ...(jsHeap && { js_heap: jsHeap }),
      rows: tableRows({ frames, threads: names, entries }, { splitThreads }),
    }),
  };
}

function processesOf(used: readonly number[], threads: Threads): Map<number, string> {
  return new Map(used.map((thread) => [thread, threads.get(thread)?.process?.name ?? '']));
}

/** Lines that somebody can change answer for Node.js' own functions that they called. */
function isOutsideNode({ kind, file }: Frame): boolean {
  return (kind === 'js' || kind === 'wasm') && file !== '' && !isNodeInternal(file);
}

/** A stack has a row for each thread and allocator. */
function memoized(compute: (stack: number) => number): (stack: number) => number {
  const known = new Map<number, number>();
  return (stack) => {
    let value = known.get(stack);
    if (value === undefined) {
      value = compute(stack);
      known.set(stack, value);
    }
    return value;
  };
}
