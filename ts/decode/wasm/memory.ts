// SPDX-License-Identifier: MIT
// Columns in linear memory. Each is cut into segments of 4096 rows that are found through a directory and never move: little is copied when
// a column grows, and memory is taken only where there are rows.

const SEGMENT_BITS: u32 = 12;
const SEGMENT_ROWS: u32 = 1 << SEGMENT_BITS;
const ROW_MASK: u32 = SEGMENT_ROWS - 1;
const PAGE_BITS: u32 = 16;
const MIN_SEGMENTS: u32 = 16;

/** What identifiers may be (docs/format.md §8). */
export const MAX_ID: u32 = 0x7fffffff;
/** A column: the address of its directory, and how many segments that has room for. */
export const COLUMN_BYTES: i32 = 8;

let top: usize = 0;
let isFull: bool = false;

/** Whether a trap was for want of memory. */
export function outOfMemory(): bool {
  return isFull;
}

/** By a quarter at least: each growing makes JavaScript look at the memory anew. */
function grow(pages: u64, wanted: u64): bool {
  const generous = min(max(wanted, pages + pages / 4), 0xffff);
  return memory.grow(<i32>(generous - pages)) >= 0 || memory.grow(<i32>(wanted - pages)) >= 0;
}

/** Zeros, never given back. */
export function take(bytes: usize): usize {
  if (top == 0) top = (__heap_base + 63) & ~63;
  const at = top;
  const end = <u64>at + <u64>bytes;
  const pages = <u64>memory.size();
  const wanted = (end + (1 << PAGE_BITS) - 1) >> PAGE_BITS;
  if (wanted > 0xffff || (wanted > pages && !grow(pages, wanted))) {
    isFull = true;
    unreachable();
  }
  top = (<usize>end + 63) & ~63;
  return at;
}

/** Makes room in the directory for rows below `count`. */
export function cover(column: usize, count: u32): void {
  const known = load<u32>(column, 4);
  const wanted = (count + ROW_MASK) >> SEGMENT_BITS;
  if (wanted <= known) return;
  const segments = max(max(wanted, known * 2), MIN_SEGMENTS);
  const directory = take(segments * 4);
  memory.copy(directory, load<u32>(column), known * 4);
  store<u32>(column, <u32>directory);
  store<u32>(column, segments, 4);
}

/**
 * The row for reading, of a column that covers it. Rows that were never written are zeros: their segment is number 0 in the directory, and
 * scripts/build-wasm.mjs leaves as much memory free at address 0 as the largest segment has.
 */
@inline
export function rowAt(column: usize, index: u32, rowBytes: u32): usize {
  const segment = load<u32>(load<u32>(column) + ((index >> SEGMENT_BITS) << 2));
  return segment + (index & ROW_MASK) * rowBytes;
}

/** The row for writing, of any column. */
@inline
export function newRowAt(column: usize, index: u32, rowBytes: u32): usize {
  const number = index >> SEGMENT_BITS;
  let segment: u32 = 0;
  if (number < load<u32>(column, 4)) segment = load<u32>(load<u32>(column) + (number << 2));
  if (segment == 0) segment = newSegment(column, index, rowBytes);
  return segment + (index & ROW_MASK) * rowBytes;
}

function newSegment(column: usize, index: u32, rowBytes: u32): u32 {
  cover(column, index + 1);
  const segment = <u32>take(SEGMENT_ROWS * rowBytes);
  store<u32>(load<u32>(column) + ((index >> SEGMENT_BITS) << 2), segment);
  return segment;
}
