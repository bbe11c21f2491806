// SPDX-License-Identifier: MIT
// The loop over the records of a block (docs/format.md §4). It runs for every event; what is rare (§5) is left to JavaScript, which goes on
// behind it. Reads may pass the end by a record: nothing takes effect then.

import { changeMapped, markExit, put, remove } from './blocks';
import { FOREIGN_FREE, isFull, TIME, tell, THREAD, UNKNOWN_FREE } from './events';
import { cover, MAX_ID, newRowAt, take } from './memory';
import { addNode, addStack, beginStacks, stackRecord } from './stack-record';
import {
  ADDRESS_BYTES,
  ADDRESSES,
  BLOCKS,
  NODES,
  SIZE_BYTES,
  SIZES,
  STOP_END,
  STOP_EVENTS_FULL,
  STOP_LONG_RECORD,
  STOP_MALFORMED,
  state,
} from './state';
import { position, varint } from './varint';

export { beginJoin, columnSpace, joinNext, rowSpace, split } from './columns';
export { crc32c } from './crc32c';
export { eventBuffer } from './events';
export { outOfMemory } from './memory';
export { addNode, addStack, changeMapped, markExit, put, remove };

const RECENT_STACKS: u32 = 120;
const LATEST_ALLOCS: u32 = 32;
const HISTORY_MASK: u32 = 4095;
/** A power of two above RECENT_STACKS. */
const STACK_MASK: u32 = 127;
const ALLOCATED: usize = memory.data(4096 * 4, 16);
const FREED: usize = memory.data(4096 * 4, 16);
const CURRENT_STACKS: usize = memory.data(128 * 4, 16);
const NO_STACK: u32 = 0xffffffff;
const MAX_SIZE: u64 = 1 << 53;
const MAX_THREAD: u64 = 1 << 24;
/** A record and its varints, several times. */
const SLACK: usize = 64;

let input: usize = 0;
let inputBytes: usize = 0;
let stack: u32 = NO_STACK;
let stackChanges: u32 = 0;
let allocated: u32 = 0;
let freed: u32 = 0;
let lastNewWord: u64 = 0;

export const stateAddress: usize = changetype<usize>(state);
export const columns: usize = BLOCKS;

/** Where a payload of that many bytes goes. */
export function inputBuffer(bytes: usize): usize {
  if (bytes > inputBytes) {
    inputBytes = max(bytes, inputBytes * 2);
    input = take(inputBytes + SLACK);
  }
  return input;
}

/** Behind a prologue, which sets the identifiers: what §4.3 says is empty then. */
export function beginBlock(): void {
  state.generation++;
  cover(BLOCKS, state.nextAddress);
  cover(NODES, state.nextNode);
  stack = NO_STACK;
  stackChanges = 0;
  allocated = 0;
  freed = 0;
  lastNewWord = 0;
  beginStacks();
}

/** Returns where it stopped: at a long record, at one that is malformed, at the next one when the buffer of events is full, or at `end`. */
export function run(at: usize, end: usize): usize {
  while (at < end) {
    if (isFull()) {
      state.stop = STOP_EVENTS_FULL;
      return at;
    }
    const tag = <u32>load<u8>(at);
    let next: usize;
    if (tag >= 0x80) {
      next = alloc(tag, at + 1, end);
    } else if (tag >= 0x40) {
      next = free(tag, at + 1, end);
    } else if (tag >= 0x20) {
      state.stop = STOP_LONG_RECORD;
      return at;
    } else {
      next = shortRecord(tag, at + 1, end);
    }
    if (next == 0) {
      state.stop = STOP_MALFORMED;
      return at;
    }
    at = next;
  }
  state.stop = STOP_END;
  return at;
}

/** The records' fields begin at `at`; returns the position behind them, or 0 when they are malformed. */
@inline
function alloc(tag: u32, at: usize, end: usize): usize {
  if ((tag & 0x08) == 0) {
    const code = varint(at);
    at = position;
    current(code < RECENT_STACKS ? recentStack(<u32>code) : namedStack(code));
  }
  if (stack >= state.nextStack) return 0;
  let size: f64;
  if ((tag & 0x04) == 0) {
    const bytes = varint(at);
    at = position;
    if (bytes >= MAX_SIZE) return 0;
    size = <f64>bytes;
    const row = newRowAt(SIZES, stack, SIZE_BYTES);
    store<f64>(row, size);
    store<u32>(row, state.generation, 8);
  } else {
    const row = newRowAt(SIZES, stack, SIZE_BYTES);
    if (load<u32>(row, 8) != state.generation) return 0;
    size = load<f64>(row);
  }
  const mode = tag & 0x03;
  const field = varint(at);
  at = position;
  if (at > end) return 0;
  let id: u32;
  if (mode == 2) {
    if (field >= freed || field > HISTORY_MASK) return 0;
    id = load<u32>(FREED + (((freed - 1 - <u32>field) & HISTORY_MASK) << 2));
  } else if (mode == 1) {
    if (field == 0 || field >= state.nextAddress) return 0;
    id = <u32>field;
  } else {
    id = newAddress(mode, field);
    if (id == 0) return 0;
  }
  store<u32>(ALLOCATED + ((allocated++ & HISTORY_MASK) << 2), id);
  put(id, stack, size, (state.thread << 3) | ((tag >> 4) & 7));
  return at;
}

/** The id of an address that has none yet; 0 when there are too many. */
@inline
function newAddress(mode: u32, field: u64): u32 {
  const id = state.nextAddress;
  if (id > MAX_ID) return 0;
  state.nextAddress = id + 1;
  let address = field;
  if (mode == 0) {
    lastNewWord += (field >> 1) ^ (0 - (field & 1));
    address = lastNewWord << 3;
  }
  if (state.keepsAddresses) putAddress(id, <f64>address);
  return id;
}

export function putAddress(id: u32, address: f64): void {
  store<f64>(newRowAt(ADDRESSES, id, ADDRESS_BYTES), address);
}

@inline
function recentStack(code: u32): u32 {
  if (code + 2 > stackChanges) return NO_STACK;
  return load<u32>(CURRENT_STACKS + (((stackChanges - 2 - code) & STACK_MASK) << 2));
}

@inline
function namedStack(code: u64): u32 {
  return code > MAX_ID ? NO_STACK : <u32>code - RECENT_STACKS;
}

@inline
function current(next: u32): void {
  stack = next;
  store<u32>(CURRENT_STACKS + ((stackChanges++ & STACK_MASK) << 2), next);
}

@inline
function free(tag: u32, at: usize, end: usize): usize {
  let id: u64 = tag & (LATEST_ALLOCS - 1);
  let isRecent = true;
  if ((tag & 0x20) == 0) {
    const high = varint(at);
    at = position;
    if (high > MAX_ID >> 4) return 0;
    isRecent = (tag & 0x10) != 0;
    id = (tag & 0x0f) | (high << 4);
  }
  if (at > end) return 0;
  if (isRecent) {
    if (id >= allocated || id > HISTORY_MASK) return 0;
    id = load<u32>(ALLOCATED + (((allocated - 1 - <u32>id) & HISTORY_MASK) << 2));
  } else if (id == 0 || id >= state.nextAddress) {
    return 0;
  }
  store<u32>(FREED + ((freed++ & HISTORY_MASK) << 2), <u32>id);
  if (!remove(<u32>id)) unknownFree(<u32>id);
  return at;
}

/** F-10: counted and ignored; a record all the same. */
function unknownFree(id: u32): void {
  state.unknownFrees++;
  state.events++;
  tell(UNKNOWN_FREE, 0, 0, 0, id);
}

function shortRecord(tag: u32, at: usize, end: usize): usize {
  if (tag == 0x04) {
    at = stackRecord(at, end);
    if (at != 0) current(state.nextStack - 1);
    return at;
  }
  if (tag == 0x03) {
    foreignFree();
    return at;
  }
  if (tag != 0x01 && tag != 0x02) return 0;
  const field = varint(at);
  if (position > end) return 0;
  if (tag == 0x01) {
    setTime(state.timeNs + <f64>field * 1000);
  } else {
    if (field >= MAX_THREAD) return 0;
    setThread(<u32>field);
  }
  return position;
}

export function foreignFree(): void {
  state.foreignFrees++;
  tell(FOREIGN_FREE, 0, 0, 0, 0);
}

/** Never backwards. */
export function setTime(timeNs: f64): void {
  if (timeNs <= state.timeNs) return;
  state.timeNs = timeNs;
  tell(TIME, timeNs, 0, 0, 0);
}

export function setThread(thread: u32): void {
  if (thread == state.thread) return;
  state.thread = thread;
  tell(THREAD, 0, 0, thread, 0);
}
