// SPDX-License-Identifier: MIT
// What the loop keeps, and what JavaScript reads of it and sets: ts/decode/kernel.ts knows the offsets. Reading an exported global costs
// JavaScript 50 ns, a number in memory one.

import { COLUMN_BYTES } from './memory';

@unmanaged
class State {
  /** Nanoseconds since the capture's start. */
  timeNs: f64;
  /** Live blocks and committed mappings: now, and at most. */
  heap: f64;
  peak: f64;
  peakTimeNs: f64;
  /** How many alloc, free and map records came up to the peak, the one that made it included. */
  peakEvent: f64;
  events: f64;
  /** How many moments there were that are worth a profile: peaks, and exits. Doubles, since there may be one at each event. */
  moments: f64;
  peakMoment: f64;
  /** 0: the program has not exited. */
  exitMoment: f64;
  allocations: f64;
  frees: f64;
  unknownFrees: f64;
  missedFrees: f64;
  foreignFrees: f64;
  thread: u32;
  nextAddress: u32;
  nextFrame: u32;
  nextNode: u32;
  nextStack: u32;
  /** Of the block that is read. */
  generation: u32;
  /** Why the loop stopped: one of STOP_… */
  stop: u32;
  /** How many events are in the buffer. */
  eventCount: u32;
  /** Which kinds of events are wanted: bit by EVENT_… */
  wanted: u32;
  keepsAddresses: u32;
  /** Blocks in the lists of those that were freed since the peak, and since the exit. */
  freedSincePeak: u32;
  freedSinceExit: u32;
}

export const state = changetype<State>(memory.data(14 * 8 + 12 * 4, 16));

state.nextAddress = 1;
state.nextFrame = 1;
state.nextNode = 1;
state.nextStack = 1;

/** Columns, side by side. */
const COLUMNS: usize = memory.data(7 * COLUMN_BYTES, 16);

/** By address id: size (f64), stack + 1 (0: not live), thread × 8 + allocator, moments when it was allocated (f64). */
export const BLOCKS: usize = COLUMNS;
export const BLOCK_BYTES: u32 = 24;
/** By address id, when addresses are kept: the address (f64). */
export const ADDRESSES: usize = COLUMNS + COLUMN_BYTES;
export const ADDRESS_BYTES: u32 = 8;
/** By node: frame, parent. */
export const NODES: usize = COLUMNS + 2 * COLUMN_BYTES;
export const NODE_BYTES: u32 = 8;
/** By stack: node, flags. */
export const STACKS: usize = COLUMNS + 3 * COLUMN_BYTES;
export const STACK_BYTES: u32 = 8;
/** By stack: size of its last alloc (f64), and the generation that this was in. */
export const SIZES: usize = COLUMNS + 4 * COLUMN_BYTES;
export const SIZE_BYTES: u32 = 16;
/** In order: size (f64), stack, thread × 8 + allocator. */
export const FREED_SINCE_PEAK: usize = COLUMNS + 5 * COLUMN_BYTES;
export const FREED_SINCE_EXIT: usize = COLUMNS + 6 * COLUMN_BYTES;
export const FREED_BYTES: u32 = 16;

export const STOP_END: u32 = 0;
export const STOP_LONG_RECORD: u32 = 1;
export const STOP_MALFORMED: u32 = 2;
export const STOP_EVENTS_FULL: u32 = 3;
