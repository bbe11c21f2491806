// SPDX-License-Identifier: MIT
// Memory by function, file and line.

import { frameTotals } from '../model/frame-totals.js';
import type { NamedStacks } from '../model/named-stacks.js';
import type { Profile, ProfileKind } from '../model/profile.js';
import type { JsHeapReport } from './js-heap-report.js';
import { processNames } from './processes.js';
import { sumBySite } from './sites.js';
import type { ProcessName } from './thread-text.js';

export interface SummaryRow {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  /** Allocated by this line and by everything it called; recursion counts once. */
  readonly total_bytes: number;
  /** Allocated by this line itself, or by native code on its behalf. */
  readonly own_bytes: number;
  readonly allocations: number;
  readonly package: string;
  /** Of native code: its shared library, addon or program. */
  readonly module: string;
}

/** In the order in which a table of them reads best. */
export const SUMMARY_FIELDS = [
  'function',
  'file',
  'line',
  'package',
  'total_bytes',
  'own_bytes',
  'allocations',
  'module',
] as const;

export interface SummaryReport {
  readonly rows: readonly SummaryRow[];
  readonly kind: ProfileKind;
  readonly total_bytes: number;
  readonly total_allocations: number;
  /** How many rows there are, those beyond `maxRows` included. */
  readonly row_count: number;
  /** Where it is about several. */
  readonly processes?: readonly string[];
  /** When it is about the JavaScript heap. */
  readonly js_heap?: JsHeapReport;
}

export const SUMMARY_COLUMNS = ['total_bytes', 'own_bytes', 'allocations', 'function'] as const;
export type SummaryColumn = (typeof SUMMARY_COLUMNS)[number];

export interface SummaryOptions {
  /** All rows unless given. */
  readonly maxRows?: number;
  readonly sortBy?: SummaryColumn;
  /** Where it is about several. */
  readonly processes?: readonly ProcessName[];
  /** When the profile is of the JavaScript heap. */
  readonly jsHeap?: JsHeapReport;
}

export function summaryReport(
  profile: Profile,
  stacks: NamedStacks,
  options: SummaryOptions = {},
): SummaryReport {
  const tree = stacks.tree(profile.rows);
  const own = new Map<number, number>();
  for (const sum of sumBySite(profile, (stack) => stacks.site(stack)).sums) {
    own.set(sum.frame, sum.bytes);
  }
  const frames = stacks.frames.all();
  const totals = frameTotals(tree, frames.length);
  const rows: SummaryRow[] = [];
  for (const [id, frame] of frames.entries()) {
    const allocations = totals.count[id] as number;
    const bytes = totals.bytes[id] as number;
    const ownBytes = own.get(id) ?? 0;
    if (id === 0 || (allocations === 0 && bytes === 0)) continue;
    // A label says something about stacks; only as an allocator, such as "(no stack)", is it a place.
    if (frame.kind === 'label' && !own.has(id)) continue;
    rows.push({
      function: frame.name,
      file: frame.file,
      line: frame.line,
      total_bytes: bytes,
      own_bytes: ownBytes,
      allocations,
      package: frame.package,
      module: frame.module,
    });
  }
  rows.sort((a, b) => compareRows(a, b, options.sortBy ?? 'total_bytes'));
  return {
    rows: rows.slice(0, options.maxRows ?? rows.length),
    kind: profile.kind,
    total_bytes: profile.totalBytes,
    total_allocations: profile.totalCount,
    row_count: rows.length,
    ...processNames(options.processes),
    ...(options.jsHeap !== undefined && { js_heap: options.jsHeap }),
  };
}

function compareRows(a: SummaryRow, b: SummaryRow, column: SummaryColumn): number {
  if (column !== 'function') {
    const bySize = b[column] - a[column] || b.total_bytes - a.total_bytes;
    if (bySize !== 0) return bySize;
  }
  const textA = `${a.function}\0${a.file}\0${a.line}`;
  const textB = `${b.function}\0${b.file}\0${b.line}`;
  return textA < textB ? -1 : textA > textB ? 1 : 0;
}
