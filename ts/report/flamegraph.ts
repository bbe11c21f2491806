// SPDX-License-Identifier: MIT
// A profile as a tree with everything its page shows beside it.

import type { LeakSlices } from '../aggregate/slice-leaks.js';
import type { PeakSlices } from '../aggregate/slice-peaks.js';
import type { Frame, SourcedFrame } from '../model/frame.js';
import type { NamedStacks } from '../model/named-stacks.js';
import { ALLOCATOR_NAMES, type Profile, type ProfileRows } from '../model/profile.js';
import { StackTreeBuilder } from '../model/stack-tree.js';
import type { EntryColumns, FlamegraphReport, ThreadName } from './flamegraph-report.js';
import { statsAbout } from './js-heap.js';
import type { JsHeapReport } from './js-heap-report.js';
import { processNames } from './processes.js';
import type { StatsReport } from './stats-report.js';
import { temporalColumns } from './temporal.js';
import { type ProcessName, type Threads, threadText, workerOf } from './thread-text.js';
import type { TimelineReport } from './timeline.js';

export interface FlamegraphInput {
  readonly profile: Profile;
  readonly stacks: NamedStacks;
  readonly stats: StatsReport;
  readonly timeline: TimelineReport;
  readonly threads?: Threads;
  /** Where it is about several. */
  readonly processes?: readonly ProcessName[];
  /** For a report on any range of time. */
  readonly slices?: PeakSlices | LeakSlices;
  /** For the window's title; the command unless given. */
  readonly title?: string;
  /** Names of threads: each gets a frame at the root of its stacks. */
  readonly threadName?: (thread: number) => string;
  /** When the profile is of the JavaScript heap. */
  readonly jsHeap?: JsHeapReport;
  /** The text of each frame's line. */
  readonly sourceLines?: (frames: readonly Frame[]) => readonly (string | undefined)[];
}

export function flamegraphReport(input: FlamegraphInput): FlamegraphReport {
  const { profile, stacks, stats, timeline } = input;
  const builder = new StackTreeBuilder();
  const place = stacks.placer(builder, input.threadName);
  const entries = entryColumns(profile.rows, place);
  for (const [entry, node] of entries.node.entries()) {
    builder.add(node, entries.bytes[entry] as number, entries.count[entry] as number);
  }
  const temporal = input.slices && temporalColumns(input.slices, place);
  const tree = builder.finish();
  const frames = stacks.frames.all();
  const lines = input.sourceLines?.(frames) ?? [];
  return {
    title: input.title ?? stats.metadata.command_line,
    kind: profile.kind,
    ...processNames(input.processes),
    frames: frames.map((frame, id) => sourced(frame, lines[id])),
    tree: {
      parent: Array.from(tree.parent),
      frame: Array.from(tree.frame),
      self_bytes: Array.from(tree.selfBytes),
      self_count: Array.from(tree.selfCount),
    },
    entries,
    threads: threadNames([...entries.thread, ...(temporal?.places.thread ?? [])], input.threads),
    allocators: ALLOCATOR_NAMES,
    ...(temporal && { temporal }),
    timeline,
    ...statsAbout(stats, input.jsHeap),
  };
}

function entryColumns(
  rows: ProfileRows,
  place: (stack: number, thread: number) => number,
): EntryColumns {
  return {
    node: Array.from(rows.stack, (stack, row) => place(stack, rows.thread[row] as number)),
    thread: Array.from(rows.thread),
    allocator: Array.from(rows.allocator),
    bytes: Array.from(rows.bytes),
    count: Array.from(rows.count),
  };
}

function threadNames(
  used: readonly number[],
  infos: FlamegraphInput['threads'],
): readonly ThreadName[] {
  const ids = [...new Set(used)].sort((a, b) => a - b);
  return ids.map((id) => {
    const info = infos?.get(id);
    const worker = workerOf(info);
    return {
      id,
      name: threadText(id, info),
      kind: info?.kind ?? 'unknown',
      ...(worker !== null && { worker }),
      ...(info?.process && { process: info.process.name }),
    };
  });
}

const sourced = (frame: Frame, source: string | undefined): SourcedFrame =>
  source === undefined ? frame : { ...frame, source };
