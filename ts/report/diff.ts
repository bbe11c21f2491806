// SPDX-License-Identifier: MIT
// Two captures compared: what grew, what is new, what is gone, by the place that answers for the memory.

import type { NamedStacks } from '../model/named-stacks.js';
import type { Profile, ProfileKind } from '../model/profile.js';
import { type Match, type MatchInput, matchSites, type SidePlace } from './diff-match.js';
import { ownSiteOf, sumBySite, viaText } from './sites.js';

export type DiffStatus = 'new' | 'grew' | 'same' | 'shrank' | 'gone';

export interface DiffRow {
  readonly status: DiffStatus;
  readonly function: string;
  /** As the later capture has it, else the earlier. */
  readonly file: string;
  /** Of most of the memory; 0 where it is unknown, null where the capture has no such site. */
  readonly line_before: number | null;
  readonly line_after: number | null;
  readonly package: string;
  /** The innermost function through which most of it was allocated, when that is another one. */
  readonly via: string;
  readonly bytes_before: number;
  readonly bytes_after: number;
  readonly bytes_change: number;
  readonly allocations_before: number;
  readonly allocations_after: number;
}

export interface DiffReport {
  readonly kind: ProfileKind;
  readonly bytes_before: number;
  readonly bytes_after: number;
  readonly bytes_change: number;
  readonly allocations_before: number;
  readonly allocations_after: number;
  /** Largest change first, whichever its sign. */
  readonly rows: readonly DiffRow[];
  /** How many rows there are, those beyond `maxRows` included. */
  readonly row_count: number;
  /** How many of them are the same in both. */
  readonly same_count: number;
}

export interface DiffSide {
  readonly profile: Profile;
  readonly stacks: NamedStacks;
  /** The program's working directory; empty when unknown. */
  readonly cwd: string;
}

export interface DiffOptions {
  /** All rows unless given. */
  readonly maxRows?: number;
}

/** `before` and `after` are profiles of one kind. */
export function diffReport(
  before: DiffSide,
  after: DiffSide,
  options: DiffOptions = {},
): DiffReport {
  const rows = matchSites(places(before), places(after)).map(diffRow).sort(compareRows);
  return {
    kind: after.profile.kind,
    bytes_before: before.profile.totalBytes,
    bytes_after: after.profile.totalBytes,
    bytes_change: after.profile.totalBytes - before.profile.totalBytes,
    allocations_before: before.profile.totalCount,
    allocations_after: after.profile.totalCount,
    rows: rows.slice(0, options.maxRows ?? rows.length),
    row_count: rows.length,
    same_count: rows.filter((row) => row.status === 'same').length,
  };
}

function places({ profile, stacks, cwd }: DiffSide): MatchInput {
  const { sums, largestStack } = sumBySite(profile, ownSiteOf(stacks));
  return {
    cwd,
    places: sums.map((sum) => ({
      frame: stacks.frames.get(sum.frame),
      bytes: sum.bytes,
      count: sum.count,
      via: viaText(stacks, sum.frame, largestStack.get(sum.frame) ?? 0),
    })),
  };
}

function diffRow(match: Match): DiffRow {
  const { frame, via } = (match.after ?? match.before) as SidePlace;
  const bytesBefore = match.before?.bytes ?? 0;
  const bytesAfter = match.after?.bytes ?? 0;
  return {
    status: statusOf(match, bytesAfter - bytesBefore),
    function: frame.name,
    file: frame.file,
    line_before: match.before?.frame.line ?? null,
    line_after: match.after?.frame.line ?? null,
    package: frame.package,
    via,
    bytes_before: bytesBefore,
    bytes_after: bytesAfter,
    bytes_change: bytesAfter - bytesBefore,
    allocations_before: match.before?.count ?? 0,
    allocations_after: match.after?.count ?? 0,
  };
}

function statusOf({ before, after }: Match, change: number): DiffStatus {
  if (before === null) return 'new';
  if (after === null) return 'gone';
  return change > 0 ? 'grew' : change < 0 ? 'shrank' : 'same';
}

function compareRows(a: DiffRow, b: DiffRow): number {
  const byChange = Math.abs(b.bytes_change) - Math.abs(a.bytes_change);
  if (byChange !== 0) return byChange;
  const byBytes = b.bytes_after - a.bytes_after;
  if (byBytes !== 0) return byBytes;
  const textA = `${a.function}\0${a.file}\0${a.line_after ?? a.line_before}`;
  const textB = `${b.function}\0${b.file}\0${b.line_after ?? b.line_before}`;
  return textA < textB ? -1 : textA > textB ? 1 : 0;
}
