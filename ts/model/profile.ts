// SPDX-License-Identifier: MIT
// The result of one pass: how much each (stack, thread, allocator) held or allocated.

import { ALLOCATORS } from '../format/constants.js';

export type ProfileKind =
  | 'peak'
  | 'leaked'
  | 'temporary'
  | 'allocated'
  /** Sampled, and of the JavaScript heap: memory that the others have in mappings. */
  | 'js_heap_peak'
  | 'js_heap_end';

/** Columns of equal length; one row per stack, thread and allocator. */
export interface ProfileRows {
  readonly size: number;
  readonly stack: Uint32Array;
  readonly thread: Uint32Array;
  readonly allocator: Uint8Array;
  readonly bytes: Float64Array;
  readonly count: Float64Array;
}

/** At its highest, or when the thread or the program ended. */
export type JsHeapMoment = 'peak' | 'end';

export interface Profile {
  readonly kind: ProfileKind;
  readonly rows: ProfileRows;
  readonly totalBytes: number;
  readonly totalCount: number;
}

/** The format's allocators, the calls that can commit pages, and V8 for its objects. */
export const ALLOCATOR_NAMES = [...ALLOCATORS, 'mmap', 'mremap', 'mprotect', 'JS heap'] as const;

export const ALLOCATOR_MMAP = ALLOCATORS.length;
export const ALLOCATOR_MREMAP = ALLOCATORS.length + 1;
export const ALLOCATOR_MPROTECT = ALLOCATORS.length + 2;
export const ALLOCATOR_JS_HEAP = ALLOCATORS.length + 3;

/** Adds up threads and allocators, for reports that only ask about stacks. */
export function bytesByStack(rows: ProfileRows): Map<number, { bytes: number; count: number }> {
  const sums = new Map<number, { bytes: number; count: number }>();
  for (let row = 0; row < rows.size; row++) {
    const stack = rows.stack[row] as number;
    const sum = sums.get(stack);
    if (sum === undefined) {
      sums.set(stack, { bytes: rows.bytes[row] as number, count: rows.count[row] as number });
      continue;
    }
    sum.bytes += rows.bytes[row] as number;
    sum.count += rows.count[row] as number;
  }
  return sums;
}
