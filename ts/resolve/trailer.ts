// SPDX-License-Identifier: MIT
// The trailer of a finalized capture (docs/format.md §6).

import type { JsonRecord } from '../format/encode.js';
import type { CaptureScan } from './capture-scan.js';

export interface ProcessEnd {
  readonly end?: 'exec' | 'signal' | 'killed';
  readonly exit?: { readonly code: number | null; readonly signal: string | null };
}

/** The capture's own with what the caller knows; or, when it was cut off, one from what was read. */
export function trailerOf(scan: CaptureScan, { end, exit }: ProcessEnd): JsonRecord {
  const known = exit === undefined ? {} : { exit };
  if (scan.end.trailer) return { ...scan.end.trailer, ...known };
  return { ...totalsOf(scan), end: end ?? endFrom(exit), ...known };
}

/** A process that leaves no trailer was killed, or ended by a signal that it did not survive. */
function endFrom(exit: ProcessEnd['exit']): 'signal' | 'killed' {
  const signal = exit?.signal ?? null;
  return signal === null || signal === 'SIGKILL' ? 'killed' : 'signal';
}

function totalsOf({ end, totals }: CaptureScan): JsonRecord {
  const { counts, header, ringsRecovered } = end;
  const durationNs = Math.floor(end.endTimeNs);
  return {
    endUnixNs: String(header.startUnixNs + BigInt(durationNs)),
    durationNs,
    allocations: counts.allocations,
    frees: counts.frees,
    allocatedBytes: totals.allocatedBytes,
    foreignFrees: counts.foreignFrees,
    missedFrees: counts.missedFrees,
    stalls: totals.stalls,
    stallNs: totals.stallNs,
    error: null,
    peakBytes: totals.peakBytes,
    peakTimeNs: Math.floor(totals.peakTimeNs),
    peakEvent: totals.peakEvent,
    liveBytes: totals.liveBytes,
    liveBlocks: totals.liveBlocks,
    // Not in the writer's trailers: what was cut off, and what was saved.
    droppedBytes: end.bytesDropped,
    recovered: ringsRecovered,
  };
}
