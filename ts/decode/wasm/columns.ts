// SPDX-License-Identifier: MIT
// Blocks of columns (docs/format.md §3.2): the fields of records apart, each kind in a column of its own, and together again. Joining is
// part of reading; where it branched by record and by length of a varint, it took 13 ns an event, now 8.
// A column that is too short is found at the end of the block: until then what stands behind it is read, but never more than a block's bytes.

import { take } from './memory';
import { FLAG_BITS } from './stack-record';
import { position, varint } from './varint';

const PROLOGUES: u32 = 0;
const TAGS: u32 = 1;
const STACK: u32 = 2;
const SIZE: u32 = 3;
/** The first of four, by the mode of the address. */
const ADDRESS: u32 = 4;
/** The first of two, by whether the number is a distance. */
const FREED: u32 = 8;
const TIME: u32 = 10;
const THREAD: u32 = 11;
const HEAD: u32 = 12;
const PARENT: u32 = 13;
const FRAMES: u32 = 14;
const LENGTH: u32 = 15;
/** The first of 32, by the tag. */
const LONG: u32 = 16;
const COLUMNS: u32 = 48;
/** No column: a field that a record does not have. */
const NONE: u32 = COLUMNS;
/** Where NONE goes on: its next use need not wait for this one. */
const IGNORED: u32 = COLUMNS + 1;

const PROLOGUE_NUMBERS: u32 = 8;
const BLOCK_HEADER_BYTES: usize = 12;
const KIND_OFFSET: usize = 8;
const KIND_RECORDS: u8 = 1;
/** Above what is written before the end is looked at, a prologue or a record's tag and varints, and the lengths of all columns. */
const SLACK: usize = 256;
const MALFORMED: u32 = 0xffffffff;

/**
 * By tag, a byte each: the columns of its varints as offsets in NEXT, in their order and then NONE; the same for storing, where NONE is
 * IGNORED; how many of the first two are NONE; and what else the record is.
 */
const FIELDS: usize = memory.data(256 * 8, 16);
const STORING: u32 = 24;
const NONES: u32 = 48;
const SHAPE: u32 = 56;
const PLAIN: u32 = 0;
const STACK_SHAPE: u32 = 1;
const LONG_SHAPE: u32 = 2;
const RESERVED: u32 = 3;

/** By column: where the next byte is, and where the last one ends. */
const NEXT: usize = memory.data(50 * 4, 16);
const END: usize = memory.data(48 * 4, 16);
const NOTHING: usize = memory.data(16, 16);

let space: usize = 0;
let spaceBytes: usize = 0;
let spaceEnd: usize = 0;
/** Records in a row: a payload, or blocks with their headers. */
let rows: usize = 0;

/** Where columns are; rows of as many bytes are at `rowSpace`. */
export function columnSpace(bytes: usize): usize {
  if (space == 0) makeFields();
  if (bytes > spaceBytes || space == 0) {
    spaceBytes = max(bytes, spaceBytes * 2);
    space = take((spaceBytes + SLACK) * 2);
    rows = space + spaceBytes + SLACK;
  }
  return space;
}

export function rowSpace(): usize {
  return rows;
}

function makeFields(): void {
  for (let tag: u32 = 0; tag < 256; tag++) putFields(tag, NONE, NONE, NONE, RESERVED);
  for (let tag: u32 = 0x80; tag < 0x100; tag++) {
    const address = ADDRESS + (tag & 0x03);
    const hasStack = (tag & 0x08) == 0;
    if ((tag & 0x04) != 0) {
      putFields(tag, hasStack ? STACK : address, hasStack ? address : NONE, NONE, PLAIN);
    } else {
      putFields(tag, hasStack ? STACK : SIZE, hasStack ? SIZE : address, hasStack ? address : NONE, PLAIN);
    }
  }
  for (let tag: u32 = 0x40; tag < 0x80; tag++) {
    const id = (tag & 0x20) == 0 ? FREED + ((tag >> 4) & 1) : NONE;
    putFields(tag, id, NONE, NONE, PLAIN);
  }
  for (let tag: u32 = 0x20; tag < 0x40; tag++) putFields(tag, NONE, NONE, NONE, LONG_SHAPE);
  putFields(0x01, TIME, NONE, NONE, PLAIN);
  putFields(0x02, THREAD, NONE, NONE, PLAIN);
  putFields(0x03, NONE, NONE, NONE, PLAIN);
  putFields(0x04, HEAD, PARENT, NONE, STACK_SHAPE);
}

function putFields(tag: u32, first: u32, second: u32, third: u32, shape: u32): void {
  const at = FIELDS + (<usize>tag << 3);
  store<u64>(at, (<u64>shape) << SHAPE);
  let nones: u32 = 0;
  for (let i: usize = 0; i < 3; i++) {
    const column = i == 0 ? first : i == 1 ? second : third;
    store<u8>(at + i, column << 2);
    store<u8>(at + i + 3, (column == NONE ? IGNORED : column) << 2);
    if (column == NONE && i < 2) nones++;
  }
  store<u8>(at + 6, nones);
}

@inline
function nextOf(column: u32): usize {
  return load<u32>(NEXT + (<usize>column << 2));
}

@inline
function setNext(column: u32, at: usize): void {
  store<u32>(NEXT + (<usize>column << 2), <u32>at);
}

@inline
function endOf(column: u32): usize {
  return load<u32>(END + (<usize>column << 2));
}

/** The bytes of a varint, or of ten that are none. */
@inline
function varintBytes(at: usize): usize {
  const ends = ~load<u64>(at) & 0x8080808080808080;
  if (ends == 0) return load<u8>(at, 8) < 0x80 ? 9 : 10;
  return <usize>(ctz(ends) >> 3) + 1;
}

// --- Columns → rows. `row` is where the next byte goes; functions return where the one behind goes. ---

/** The payload of a block of columns is in the column space. False when the columns' lengths do not come to its bytes. */
export function beginJoin(bytes: usize): bool {
  spaceEnd = space + bytes;
  let at = space;
  for (let i: u32 = 0; i < COLUMNS; i++) {
    const length = varint(at);
    at = position;
    if (at > spaceEnd || length > <u64>bytes) return false;
    store<u32>(END + (<usize>i << 2), <u32>length);
  }
  for (let i: u32 = 0; i < COLUMNS; i++) {
    const length = endOf(i);
    if (length > spaceEnd - at) return false;
    setNext(i, at);
    at += length;
    store<u32>(END + (<usize>i << 2), <u32>at);
  }
  setNext(NONE, NOTHING);
  return at == spaceEnd;
}

/** Puts together the next block's payload, in the row space. Returns its bytes, 0 behind the last block, or MALFORMED. */
export function joinNext(): u32 {
  if (nextOf(TAGS) == endOf(TAGS)) return areAtEnd() ? 0 : MALFORMED;
  const limit = rows + (spaceEnd - space);
  const end = joinBlock(limit);
  if (end == 0 || end > limit) return MALFORMED;
  for (let i: u32 = 0; i < COLUMNS; i++) if (nextOf(i) > endOf(i)) return MALFORMED;
  return <u32>(end - rows);
}

function areAtEnd(): bool {
  for (let i: u32 = 0; i < COLUMNS; i++) if (nextOf(i) != endOf(i)) return false;
  return true;
}

function joinBlock(limit: usize): usize {
  let row = rows;
  for (let i: u32 = 0; i < PROLOGUE_NUMBERS; i++) row = join(PROLOGUES, row);
  let tags = nextOf(TAGS);
  for (; row < limit && row != 0; tags++) {
    const tag = <u32>load<u8>(tags);
    const fields = load<u64>(FIELDS + (<usize>tag << 3));
    store<u8>(row, tag);
    if (fields >> SHAPE == PLAIN) {
      row = joinField(fields, 0, row + 1);
      row = joinField(fields, 8, row);
      if (((fields >> 16) & 0xff) != NONE << 2) row = joinField(fields, 16, row);
      row -= <usize>(fields >> NONES);
    } else {
      if (tag == 0) break;
      row = joinShape(<u32>(fields >> SHAPE), tag, row + 1, limit);
    }
  }
  if (load<u8>(tags) != 0) return 0;
  setNext(TAGS, tags + 1);
  return row;
}

/** Copies more than the varint has, and then moves on by what it has: nothing branches on that. NONE takes a byte. */
@inline
function joinField(fields: u64, shift: u32, row: usize): usize {
  return row + joinAt(NEXT + <usize>((fields >> shift) & 0xff), NEXT + <usize>((fields >> (shift + STORING)) & 0xff), row);
}

@inline
function join(column: u32, row: usize): usize {
  const next = NEXT + (<usize>column << 2);
  return row + joinAt(next, next, row);
}

@inline
function joinAt(next: usize, storedNext: usize, row: usize): usize {
  const at = <usize>load<u32>(next);
  const word = load<u64>(at);
  store<u64>(row, word);
  const ends = ~word & 0x8080808080808080;
  let bytes = <usize>(ctz(ends) >> 3) + 1;
  if (ends == 0) {
    bytes = varintBytes(at);
    store<u16>(row, load<u16>(at, 8), 8);
  }
  store<u32>(storedNext, <u32>(at + bytes));
  return bytes;
}

function joinShape(shape: u32, tag: u32, row: usize, limit: usize): usize {
  if (shape == LONG_SHAPE) return joinLong(LONG + tag - 0x20, row, limit);
  if (shape != STACK_SHAPE) return 0;
  const count = varint(nextOf(HEAD)) >> FLAG_BITS;
  row = join(HEAD, row);
  row = join(PARENT, row);
  return joinFrames(count, row, limit);
}

/** Eight bytes at a time. */
function joinFrames(count: u64, row: usize, limit: usize): usize {
  let at = nextOf(FRAMES);
  for (; count > 0 && row < limit; ) {
    const word = load<u64>(at);
    store<u64>(row, word);
    let ends = ~word & 0x8080808080808080;
    let bytes: usize = 8;
    if (popcnt(ends) < count) {
      count -= popcnt(ends);
    } else {
      for (; count > 1; count--) ends &= ends - 1;
      bytes = <usize>(ctz(ends) >> 3) + 1;
      count = 0;
    }
    at += bytes;
    row += bytes;
  }
  setNext(FRAMES, at);
  return count == 0 ? row : 0;
}

function joinLong(column: u32, row: usize, limit: usize): usize {
  const length = varint(nextOf(LENGTH));
  row = join(LENGTH, row);
  if (row > limit || length > <u64>(limit - row)) return 0;
  const at = nextOf(column);
  if (length <= 8) store<u64>(row, load<u64>(at));
  else memory.copy(row, at, <usize>length);
  setNext(column, at + <usize>length);
  return row + <usize>length;
}

// --- Rows → columns. `row` is where a field is; functions return where the one behind is, or 0 when it is malformed. ---

/** Whether bytes are moved, or only counted. */
let isMoving: bool = false;
/** Bit by tag − 0x20: records that are left out. */
let unwanted: u32 = 0;

/**
 * Takes apart blocks of `bytes` that are in the row space: the payload of a block of columns is in the column space then. Returns its bytes,
 * or 0 if a record is malformed.
 */
export function split(bytes: usize, unwantedTags: u32): usize {
  unwanted = unwantedTags;
  isMoving = false;
  memory.fill(NEXT, 0, COLUMNS * 4);
  if (!splitBlocks(bytes)) return 0;
  let at = space;
  for (let i: u32 = 0; i < COLUMNS; i++) at = putLength(at, <u32>nextOf(i));
  for (let i: u32 = 0; i < COLUMNS; i++) {
    const length = nextOf(i);
    setNext(i, at);
    at += length;
  }
  isMoving = true;
  return splitBlocks(bytes) ? at - space : 0;
}

function putLength(at: usize, length: u32): usize {
  for (; length >= 0x80; length >>= 7) store<u8>(at++, length | 0x80);
  store<u8>(at, length);
  return at + 1;
}

function splitBlocks(bytes: usize): bool {
  let row = rows;
  const end = rows + bytes;
  while (row < end) {
    if (end - row < BLOCK_HEADER_BYTES || load<u8>(row, KIND_OFFSET) != KIND_RECORDS) return false;
    const payloadBytes = <usize>load<u32>(row);
    row += BLOCK_HEADER_BYTES;
    if (payloadBytes > end - row || splitBlock(row, row + payloadBytes) != row + payloadBytes) {
      return false;
    }
    row += payloadBytes;
  }
  return true;
}

function splitBlock(row: usize, end: usize): usize {
  for (let i: u32 = 0; i < PROLOGUE_NUMBERS; i++) row = splitVarint(PROLOGUES, row);
  while (row < end && row != 0) {
    const tag = <u32>load<u8>(row);
    const fields = load<u64>(FIELDS + (<usize>tag << 3));
    const shape = fields >> SHAPE;
    if (shape == LONG_SHAPE) {
      row = splitLong(tag, row, end);
    } else {
      row = splitBytes(TAGS, row, 1);
      const frames = shape == STACK_SHAPE ? varint(row) >> FLAG_BITS : 0;
      for (let shift: u32 = 0; shift < STORING; shift += 8) {
        row = splitVarint(<u32>((fields >> shift) & 0xff) >> 2, row);
      }
      if (shape == STACK_SHAPE) row = splitFrames(frames, row, end);
      else if (shape != PLAIN) return 0;
    }
  }
  // 0 ends the tags of a block.
  splitBytes(TAGS, NOTHING, 1);
  return row;
}

function splitVarint(column: u32, row: usize): usize {
  return column == NONE ? row : splitBytes(column, row, varintBytes(row));
}

function splitBytes(column: u32, row: usize, bytes: usize): usize {
  const at = nextOf(column);
  if (isMoving) {
    if (bytes < 16) for (let i: usize = 0; i < bytes; i++) store<u8>(at + i, load<u8>(row + i));
    else memory.copy(at, row, bytes);
  }
  setNext(column, at + bytes);
  return row + bytes;
}

function splitFrames(count: u64, row: usize, end: usize): usize {
  for (; count > 0 && row < end; count--) row = splitVarint(FRAMES, row);
  return count == 0 ? row : 0;
}

function splitLong(tag: u32, row: usize, end: usize): usize {
  const length = varint(row + 1);
  if (position > end || length > <u64>(end - position)) return 0;
  if ((unwanted >> (tag - 0x20)) & 1) return position + <usize>length;
  row = splitBytes(TAGS, row, 1);
  row = splitVarint(LENGTH, row);
  return splitBytes(LONG + tag - 0x20, row, <usize>length);
}
