// SPDX-License-Identifier: MIT
// Only the rows in sight exist. All are of one height, so a division finds them: a library for rows of
// measured heights (@tanstack/virtual-core) would be 33 kB of a page that has 150.

/** Beyond what is in sight, so that scrolling shows no gap. */
const EXTRA_ROWS = 12;

export interface RowRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

export function rowsInSight(
  scrollTop: number,
  viewHeight: number,
  rowHeight: number,
  count: number,
): RowRange {
  const top = Math.min(Math.floor(scrollTop / rowHeight), count);
  const first = Math.max(0, top - EXTRA_ROWS);
  const end = Math.min(count, top + Math.ceil(viewHeight / rowHeight) + EXTRA_ROWS);
  return { first, end: Math.max(first, end) };
}
