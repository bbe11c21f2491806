// SPDX-License-Identifier: MIT
// What is live, and what was at the peak. Adding up by location at each event would cost more than decoding it. Instead a block is told
// from the rest by when it came: moments worth a profile (each peak, and the program's exit) are numbered, and each block knows how many
// there were when it was allocated. What was live at one of them is then: what came before it and is live, and what came before it and was
// freed since. The latter are kept until the next such moment; they cannot be more than were live at once.

import { ALLOC, FREE, MISSED_FREE, tell } from './events';
import { newRowAt, rowAt } from './memory';
import { BLOCK_BYTES, BLOCKS, FREED_BYTES, FREED_SINCE_EXIT, FREED_SINCE_PEAK, state } from './state';

/** Ties go to the last moment: that is what a peak is. */
@inline
function settle(): void {
  const events = state.events + 1;
  state.events = events;
  if (state.heap < state.peak) return;
  state.peak = state.heap;
  state.peakTimeNs = state.timeNs;
  state.peakEvent = events;
  state.peakMoment = ++state.moments;
  state.freedSincePeak = 0;
}

@inline
function keep(list: usize, index: u32, size: f64, stack: u32, owner: u32): void {
  const row = newRowAt(list, index, FREED_BYTES);
  store<f64>(row, size);
  store<u32>(row, stack, 8);
  store<u32>(row, owner, 12);
}

/** `owner` is thread × 8 + allocator. */
@inline
export function put(id: u32, stack: u32, size: f64, owner: u32): void {
  const row = newRowAt(BLOCKS, id, BLOCK_BYTES);
  if (load<u32>(row, 8) != 0) endMissed(id, row);
  store<f64>(row, size);
  store<u32>(row, stack + 1, 8);
  store<u32>(row, owner, 12);
  store<f64>(row, state.moments, 16);
  state.allocations++;
  state.heap += size;
  settle();
  tell(ALLOC, size, stack, owner, id);
}

/** F-10: an alloc where a block is live. The free that ends it has no record. */
function endMissed(id: u32, row: usize): void {
  state.missedFrees++;
  state.events--;
  tell(MISSED_FREE, 0, 0, 0, id);
  end(id, row);
}

/** False when there is no such block. */
@inline
export function remove(id: u32): bool {
  const row = rowAt(BLOCKS, id, BLOCK_BYTES);
  if (load<u32>(row, 8) == 0) return false;
  state.frees++;
  end(id, row);
  return true;
}

@inline
function end(id: u32, row: usize): void {
  const size = load<f64>(row);
  const stack = load<u32>(row, 8) - 1;
  const owner = load<u32>(row, 12);
  const birth = load<f64>(row, 16);
  store<u32>(row, 0, 8);
  if (birth < state.peakMoment) keep(FREED_SINCE_PEAK, state.freedSincePeak++, size, stack, owner);
  if (birth < state.exitMoment) keep(FREED_SINCE_EXIT, state.freedSinceExit++, size, stack, owner);
  state.heap -= size;
  // A peak is a highest moment; only a free of nothing can end at one.
  settle();
  tell(FREE, size, stack, owner, id);
}

/** A map record. */
export function changeMapped(bytes: f64): void {
  state.heap += bytes;
  settle();
}

export function markExit(): void {
  state.exitMoment = ++state.moments;
  state.freedSinceExit = 0;
}
