// SPDX-License-Identifier: MIT
// Stack records (docs/format.md §4.5): the tree of frames grows by them, on real programs once for each dozen events.

import { DEFINITION, tell } from './events';
import { MAX_ID, newRowAt, rowAt } from './memory';
import { NODE_BYTES, NODES, STACK_BYTES, STACKS, state } from './state';
import { position, varint } from './varint';

const PREDICTED_FRAMES: u32 = 4096;
export const FLAG_BITS: u32 = 4;
const PREDICTED: usize = memory.data(4096 * 4, 16);
/** Some definition was lost that the block's predictions build on (F-22). */
let isUnpredictable: bool = false;

export function beginStacks(): void {
  memory.fill(PREDICTED, 0, PREDICTED_FRAMES * 4);
  isUnpredictable = false;
}

/** The fields at `at`; returns the position behind them, or 0 when they are malformed. */
export function stackRecord(at: usize, end: usize): usize {
  const head = varint(at);
  const distance = varint(position);
  const count = head >> FLAG_BITS;
  const first = state.nextNode;
  at = position;
  // A frame takes at least a byte, so that a length that is not true reserves nothing.
  if (at > end || head > MAX_ID || count > <u64>(end - at)) return 0;
  if (distance < 1 || distance > first || count > MAX_ID - first) return 0;
  if (state.nextStack >= MAX_ID) return 0;
  const parent = first - <u32>distance;
  at = addNodes(at, end, parent, <u32>count);
  if (at == 0) return 0;
  const node = count == 0 ? parent : state.nextNode - 1;
  const stack = addStack(node, <u32>head & ((1 << FLAG_BITS) - 1));
  tell(DEFINITION, 0, stack, <u32>count, first);
  return at;
}

/** Its id. */
export function addStack(node: u32, flags: u32): u32 {
  const row = newRowAt(STACKS, state.nextStack, STACK_BYTES);
  store<u32>(row, node);
  store<u32>(row, flags, 4);
  return state.nextStack++;
}

/** Its id. */
export function addNode(parent: u32, frame: u32): u32 {
  putNode(state.nextNode, parent, frame);
  return state.nextNode++;
}

@inline
function putNode(node: u32, parent: u32, frame: u32): void {
  const row = newRowAt(NODES, node, NODE_BYTES);
  store<u32>(row, frame);
  store<u32>(row, parent, 4);
}

/** All of them, or none: the record may be malformed. */
function addNodes(at: usize, end: usize, parent: u32, count: u32): usize {
  const first = state.nextNode;
  const nextFrame = <u64>state.nextFrame;
  let above = load<u32>(rowAt(NODES, parent, NODE_BYTES));
  if (parent != 0 && above == 0) isUnpredictable = true;
  let node = first;
  for (; node < first + count; node++) {
    const frame = varint(at);
    at = position;
    if (at > end || frame >= nextFrame) return forget(first, node);
    const cell = PREDICTED + ((above & (PREDICTED_FRAMES - 1)) << 2);
    above = frame == 0 && !isUnpredictable ? load<u32>(cell) : <u32>frame;
    store<u32>(cell, above);
    putNode(node, node == first ? parent : node - 1, above);
  }
  state.nextNode = node;
  return at;
}

/** What never was reads as "none". */
function forget(first: u32, end: u32): usize {
  for (let node = first; node < end; node++) putNode(node, 0, 0);
  return 0;
}
