// SPDX-License-Identifier: MIT
// What is embedded in the page as JSON; written by render.ts, read by app/.

import type { FrameKind, SourcedFrame } from '../model/frame.js';
import type { ProfileKind } from '../model/profile.js';
import type { ThreadName } from '../report/flamegraph-report.js';
import type { StatsReport } from '../report/stats-report.js';
import type { TimelineReport } from '../report/timeline.js';
import type { Group, PackedMemory } from './memory.js';

const KINDS: readonly FrameKind[] = ['js', 'native', 'builtin', 'wasm', 'label', 'gc', 'process'];

/** kind, name, file, line, column, package, module, source; strings as indexes. */
export type FrameRow = [number, number, number, number, number, number, number, number];

export interface Folded {
  /** Frames that were too small to be kept one by one. */
  readonly frames: number;
  /** What they held themselves. */
  readonly bytes: number;
}

export interface PageSlices {
  readonly edgesMs: readonly number[];
  readonly exitEdge: number | null;
  /** Of the peak: of each slice, the highest heap and when. */
  readonly peakBytes: readonly number[];
  readonly peakMs: readonly number[];
}

export interface PageData {
  readonly title: string;
  readonly kind: ProfileKind;
  readonly strings: readonly string[];
  readonly frames: readonly FrameRow[];
  readonly nodes: number;
  /** See `encodeNodes`. */
  readonly tree: string;
  /** See `packMemory`. In a comparison bytes are those before, and counts the bytes after. */
  readonly memory: PackedMemory;
  /** Threads and allocators, as indexes of `threads` and `allocators`; none in a comparison. */
  readonly groups: readonly Group[];
  /** Where there are several. */
  readonly processes: readonly string[];
  /** `process` is an index of `processes`, or -1. */
  readonly threads: readonly (readonly [name: string, kind: ThreadName['kind'], process: number])[];
  readonly allocators: readonly string[];
  /** Only in a report over time. */
  readonly slices?: PageSlices;
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
      idOf(frame.module),
      idOf(frame.source ?? ''),
    ],
  );
  return { strings: [...ids.keys()], rows };
}

export function unpackFrames(
  rows: readonly FrameRow[],
  strings: readonly string[],
): SourcedFrame[] {
  return rows.map(([kind, name, file, line, column, owner, module, source]) => ({
    kind: KINDS[kind] ?? 'label',
    name: strings[name] ?? '',
    file: strings[file] ?? '',
    line,
    column,
    package: strings[owner] ?? '',
    module: strings[module] ?? '',
    ...(strings[source] && { source: strings[source] }),
  }));
}
