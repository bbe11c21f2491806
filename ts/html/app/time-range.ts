// SPDX-License-Identifier: MIT
// A range of slices: how a link says it, and what is in it.

import type { PageSlices } from '../page-data.js';

/** From the start of slice `from` to the start of slice `to`. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Everything up to the exit: what comes later is Node.js taking itself down. */
export function wholeRange({ edgesMs, exitEdge }: PageSlices): TimeRange {
  return { from: 0, to: exitEdge === null || exitEdge === 0 ? edgesMs.length - 1 : exitEdge };
}

/** `1200-3400`, in milliseconds; anything else is the whole. */
export function rangeFromText(text: string, slices: PageSlices): TimeRange {
  const [, from, to] = /^([\d.]+)-([\d.]+)$/.exec(text) ?? [];
  if (from === undefined || to === undefined) return wholeRange(slices);
  return rangeBetween(slices, Number(from), Number(to));
}

/** Empty for the whole. */
export function rangeText(range: TimeRange, slices: PageSlices): string {
  const whole = wholeRange(slices);
  if (range.from === whole.from && range.to === whole.to) return '';
  return `${slices.edgesMs[range.from]}-${slices.edgesMs[range.to]}`;
}

/** The nearest edges, and never the same one twice. */
export function rangeBetween({ edgesMs }: PageSlices, fromMs: number, toMs: number): TimeRange {
  const last = edgesMs.length - 1;
  const from = Math.min(nearestEdge(edgesMs, Math.min(fromMs, toMs)), last - 1);
  return { from, to: Math.max(nearestEdge(edgesMs, Math.max(fromMs, toMs)), from + 1) };
}

/** Of the slice with the highest peak; of equal ones the last. */
export function peakSlice(peakBytes: readonly number[], from: number, to: number): number {
  let best = from;
  for (let slice = from; slice < to; slice++) {
    if ((peakBytes[slice] as number) >= (peakBytes[best] as number)) best = slice;
  }
  return best;
}

function nearestEdge(edgesMs: readonly number[], ms: number): number {
  let low = 0;
  let high = edgesMs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edgesMs[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  const before = edgesMs[low - 1];
  return before !== undefined && ms - before < (edgesMs[low] as number) - ms ? low - 1 : low;
}
