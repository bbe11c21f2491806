// SPDX-License-Identifier: MIT
// The stacks of two captures as one tree, for a flame graph of the differences.

import type { Frame } from '../model/frame.js';
import { ROOT_FRAME } from '../model/frame.js';
import { ROOT_FRAME_ID } from '../model/frame-table.js';
import { StackTreeBuilder } from '../model/stack-tree.js';
import type { DiffSide } from './diff.js';
import { siteKey } from './diff-match.js';
import type { FlamegraphReport, TreeColumns } from './flamegraph-report.js';
import type { StatsReport } from './stats-report.js';
import type { TimelineReport } from './timeline.js';

/** Lines of one function become one frame: they are what shifts between two versions. */
export function diffTree(
  before: DiffSide,
  after: DiffSide,
): { frames: Frame[]; tree: Required<TreeColumns> } {
  const builder = new StackTreeBuilder();
  const frames: Frame[] = [ROOT_FRAME];
  const ids = new Map<string, number>();
  const sums = { before: [0], after: [0], count: [0] };
  const frameIds = ({ stacks, cwd }: DiffSide): number[] =>
    stacks.frames.all().map((frame, id) => {
      if (id === ROOT_FRAME_ID) return id;
      const key = siteKey(frame, cwd);
      const unified = ids.get(key) ?? frames.push(frame) - 1;
      ids.set(key, unified);
      return unified;
    });
  const add = (side: DiffSide, visit: (place: number, bytes: number, count: number) => void) => {
    const tree = side.stacks.tree(side.profile.rows);
    const unified = frameIds(side);
    const place = new Uint32Array(tree.size);
    for (let node = 1; node < tree.size; node++) {
      const above = place[tree.parent[node] as number] as number;
      const here = builder.child(above, unified[tree.frame[node] as number] as number);
      place[node] = here;
      for (const column of Object.values(sums)) column[here] ??= 0;
      visit(here, tree.selfBytes[node] as number, tree.selfCount[node] as number);
    }
  };
  // The later capture names the frames: its lines are those that the reader has open.
  add(after, (place, bytes, count) => {
    sums.after[place] = (sums.after[place] as number) + bytes;
    sums.count[place] = (sums.count[place] as number) + count;
  });
  add(before, (place, bytes) => {
    sums.before[place] = (sums.before[place] as number) + bytes;
  });
  const { parent, frame } = builder.finish();
  return {
    frames,
    tree: {
      parent: Array.from(parent),
      frame: Array.from(frame),
      self_bytes: sums.after,
      self_count: sums.count,
      self_bytes_before: sums.before,
    },
  };
}

export interface DiffFlamegraphInput {
  readonly before: DiffSide;
  readonly after: DiffSide;
  /** Of the later capture. */
  readonly stats: StatsReport;
  readonly timeline: TimelineReport;
}

/** A flame graph report whose page colours by difference. */
export function diffFlamegraph({
  before,
  after,
  stats,
  timeline,
}: DiffFlamegraphInput): FlamegraphReport {
  const { frames, tree } = diffTree(before, after);
  return {
    title: stats.metadata.command_line,
    kind: after.profile.kind,
    frames,
    tree,
    timeline,
    stats,
  };
}
