// SPDX-License-Identifier: MIT
// A profile as a tree with everything its page shows beside it.

import type { Frame, SourcedFrame } from '../model/frame.js';
import type { NamedStacks } from '../model/named-stacks.js';
import type { Profile } from '../model/profile.js';
import type { FlamegraphReport } from './flamegraph-report.js';
import type { StatsReport } from './stats-report.js';
import type { TimelineReport } from './timeline.js';

export interface FlamegraphInput {
  readonly profile: Profile;
  readonly stacks: NamedStacks;
  readonly stats: StatsReport;
  readonly timeline: TimelineReport;
  /** For the window's title; the command unless given. */
  readonly title?: string;
  /** Names of threads: each gets a frame at the root of its stacks. */
  readonly threadName?: (thread: number) => string;
  /** The text of each frame's line. */
  readonly sourceLines?: (frames: readonly Frame[]) => readonly (string | undefined)[];
}

export function flamegraphReport(input: FlamegraphInput): FlamegraphReport {
  const { profile, stacks, stats, timeline } = input;
  const tree = stacks.tree(profile.rows, input.threadName);
  const frames = stacks.frames.all();
  const lines = input.sourceLines?.(frames) ?? [];
  return {
    title: input.title ?? stats.metadata.command_line,
    kind: profile.kind,
    frames: frames.map((frame, id) => sourced(frame, lines[id])),
    tree: {
      parent: Array.from(tree.parent),
      frame: Array.from(tree.frame),
      self_bytes: Array.from(tree.selfBytes),
      self_count: Array.from(tree.selfCount),
    },
    timeline,
    stats,
  };
}

const sourced = (frame: Frame, source: string | undefined): SourcedFrame =>
  source === undefined ? frame : { ...frame, source };
