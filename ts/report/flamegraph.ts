// SPDX-License-Identifier: MIT
// A profile as a tree with everything its page shows beside it.

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
}

export function flamegraphReport(input: FlamegraphInput): FlamegraphReport {
  const { profile, stacks, stats, timeline } = input;
  const tree = stacks.tree(profile.rows);
  return {
    title: input.title ?? stats.metadata.command_line,
    kind: profile.kind,
    frames: stacks.frames.all(),
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
