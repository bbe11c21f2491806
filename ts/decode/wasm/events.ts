// SPDX-License-Identifier: MIT
// Events for consumers that want each of them: a buffer that JavaScript empties. Row: number (f64), stack, thread × 8 + allocator, id, kind.

import { take } from './memory';
import { state } from './state';

export const ALLOC: u32 = 0;
export const FREE: u32 = 1;
export const UNKNOWN_FREE: u32 = 2;
export const MISSED_FREE: u32 = 3;
export const FOREIGN_FREE: u32 = 4;
export const TIME: u32 = 5;
export const THREAD: u32 = 6;
/** Of nodes and a stack: the first node is the id, their number the owner. */
export const DEFINITION: u32 = 7;

const ROW_BYTES: usize = 24;
const ROWS: u32 = 1024;
/** A record makes at most this many. */
const MOST_AT_ONCE: u32 = 3;

let buffer: usize = 0;

export function eventBuffer(): usize {
  if (buffer == 0) buffer = take(<usize>ROWS * ROW_BYTES);
  return buffer;
}

@inline
export function isFull(): bool {
  return state.eventCount > ROWS - MOST_AT_ONCE;
}

@inline
export function tell(kind: u32, number: f64, stack: u32, owner: u32, id: u32): void {
  if (((state.wanted >> kind) & 1) == 0) return;
  const at = buffer + <usize>state.eventCount * ROW_BYTES;
  state.eventCount++;
  store<f64>(at, number);
  store<u32>(at, stack, 8);
  store<u32>(at, owner, 12);
  store<u32>(at, id, 16);
  store<u32>(at, kind, 20);
}
