// SPDX-License-Identifier: MIT
// What is embedded in the page as JSON; written by render.ts, read by app/.

import type { FrameKind, SourcedFrame } from '../model/frame.js';
import type { ProfileKind } from '../model/profile.js';
import type { StatsReport } from '../report/stats-report.js';
import type { TimelineReport } from '../report/timeline.js';

const KINDS: readonly FrameKind[] = ['js', 'native', 'builtin', 'wasm', 'label', 'gc'];

/** kind, name, file, line, column, package, source; strings as indexes. */
export type FrameRow = [number, number, number, number, number, number, number];

export interface Folded {
  /** Frames that were too small to be kept one by one. */
  readonly frames: number;
  /** What they held themselves. */
  readonly bytes: number;
}

export interface PageData {
  readonly title: string;
  readonly kind: ProfileKind;
  readonly strings: readonly string[];
  readonly frames: readonly FrameRow[];
  readonly nodes: number;
  /** In a comparison a node's count is its bytes after, and its bytes are those before. */
  readonly tree: string;
  readonly isDifference: boolean;
  /** Whether the graph is inverted at first. */
  readonly inverted: boolean;
  readonly folded: Folded;
  readonly timeline: TimelineReport;
  readonly stats: StatsReport;
}

export function packFrames(frames: readonly SourcedFrame[]): {
  strings: string[];
  rows: FrameRow[];
} {
  const ids = new Map<string, number>();
  const idOf = (text: string): number => {
    let id = ids.get(text);
    if (id === undefined) {
      id = ids.size;
      ids.set(text, id);
    }
    return id;
  };
  const rows = frames.map(
    (frame): FrameRow => [
      KINDS.indexOf(frame.kind),
      idOf(frame.name),
      idOf(frame.file),
      frame.line,
      frame.column,
      idOf(frame.package),
      idOf(frame.source ?? ''),
    ],
  );
  return { strings: [...ids.keys()], rows };
}

export function unpackFrames(
  rows: readonly FrameRow[],
  strings: readonly string[],
): SourcedFrame[] {
  return rows.map(([kind, name, file, line, column, owner, source]) => ({
    kind: KINDS[kind] ?? 'label',
    name: strings[name] ?? '',
    file: strings[file] ?? '',
    line,
    column,
    package: strings[owner] ?? '',
    ...(strings[source] && { source: strings[source] }),
  }));
}
