// SPDX-License-Identifier: MIT
// Where a payload's records begin, without decoding them.

import {
  ALLOC_SAME_SIZE,
  ALLOC_SAME_STACK,
  ALLOC_TAG,
  FIRST_LONG_TAG,
  FREE_LATEST,
  FREE_TAG,
  LAST_LONG_TAG,
  SHORT_TAG,
  STACK_FLAG_BITS,
} from '../format/constants.js';

const PROLOGUE_NUMBERS = 8;

/** Where the payload's last record begins if it has this tag; -1 if not, or if the payload is damaged. */
export function lastRecord(payload: Uint8Array, tag: number): number {
  let at = firstRecord(payload);
  let last = -1;
  while (at >= 0 && at < payload.length) {
    last = at;
    at = skipRecord(payload, at);
  }
  return at === payload.length && last >= 0 && payload[last] === tag ? last : -1;
}

/** Behind the prologue. */
export function firstRecord(payload: Uint8Array): number {
  return skipNumbers(payload, 0, PROLOGUE_NUMBERS);
}

function skipRecord(payload: Uint8Array, at: number): number {
  const tag = payload[at] ?? 0;
  const next = at + 1;
  if (tag >= ALLOC_TAG) {
    const stack = (tag & ALLOC_SAME_STACK) === 0 ? 1 : 0;
    const size = (tag & ALLOC_SAME_SIZE) === 0 ? 1 : 0;
    return skipNumbers(payload, next, stack + size + 1);
  }
  if (tag >= FREE_TAG) return (tag & FREE_LATEST) !== 0 ? next : skipNumbers(payload, next, 1);
  if (tag >= FIRST_LONG_TAG && tag <= LAST_LONG_TAG) return skipLong(payload, next);
  if (tag === SHORT_TAG.foreign_free) return next;
  if (tag === SHORT_TAG.stack) return skipStack(payload, next);
  const known = tag === SHORT_TAG.time || tag === SHORT_TAG.thread;
  return known ? skipNumbers(payload, next, 1) : -1;
}

function skipLong(payload: Uint8Array, at: number): number {
  const fields = skipNumbers(payload, at, 1);
  if (fields < 0) return -1;
  const end = fields + numberAt(payload, at, fields);
  return end <= payload.length ? end : -1;
}

function skipStack(payload: Uint8Array, at: number): number {
  const head = skipNumbers(payload, at, 1);
  if (head < 0) return -1;
  return skipNumbers(payload, head, 1 + (numberAt(payload, at, head) >>> STACK_FLAG_BITS));
}

function numberAt(payload: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= at; i--) value = value * 128 + ((payload[i] ?? 0) & 0x7f);
  return value;
}

function skipNumbers(payload: Uint8Array, at: number, count: number): number {
  let next = at;
  for (let i = 0; i < count && next <= payload.length; i++) {
    while ((payload[next] ?? 0) >= 0x80) next++;
    next++;
  }
  return next <= payload.length ? next : -1;
}
