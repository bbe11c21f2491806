// SPDX-License-Identifier: MIT
// Captures and rings written by hand, from docs/format.md alone.

import { crc32c } from '../../ts/decode/crc32c.js';
import { ByteWriter } from '../../ts/format/byte-writer.js';
import {
  ALLOC_TAG,
  BLOCK_HEADER_BYTES,
  FREE_LOW_BITS,
  FREE_TAG,
  LONG_TAG,
  MAGIC,
  RECENT_STACKS,
  RINGS_MAGIC,
  SHORT_TAG,
  STACK_FLAG_BITS,
} from '../../ts/format/constants.js';

export const CAPTURE_ID = 0x1234_5678_9abc_def0n;
const START_UNIX_NS = 1_700_000_000_000_000_000n;

/** Numbers that look random and are the same every time. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function fileHeader({ pid = 0 } = {}): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(8, 1, true);
  view.setUint32(12, 64, true);
  view.setBigUint64(16, CAPTURE_ID, true);
  view.setBigUint64(24, BigInt(pid), true);
  view.setBigUint64(32, START_UNIX_NS, true);
  view.setUint32(60, crc32c(bytes, 0, 60), true);
  return bytes;
}

export function block(kind: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length, true);
  bytes[8] = kind;
  bytes.set(payload, BLOCK_HEADER_BYTES);
  view.setUint32(4, crc32c(bytes, 8, bytes.length), true);
  return bytes;
}

interface Next {
  address: number;
  string: number;
  function: number;
  frame: number;
  node: number;
  stack: number;
}

/** Writes records; starts a new block when told to. */
export class SampleCapture {
  readonly next: Next = { address: 1, string: 1, function: 1, frame: 1, node: 1, stack: 1 };
  readonly #parts: Uint8Array[];
  readonly #payload = new ByteWriter();
  #timeNs = 0;
  #thread = 0;

  constructor(header = fileHeader()) {
    this.#parts = [header];
    this.#begin();
  }

  /** The file so far. */
  bytes(): Uint8Array {
    this.endBlock();
    return Buffer.concat(this.#parts);
  }

  endBlock(): void {
    this.#parts.push(block(1, this.#payload.copy()));
    this.#begin();
  }

  /** Bytes that are no block of ours. */
  raw(bytes: Uint8Array): void {
    this.endBlock();
    this.#parts.push(bytes);
  }

  long(tag: number, ...fields: readonly (number | string)[]): void {
    const record = new ByteWriter();
    for (const field of fields) {
      if (typeof field === 'number') record.varint(field);
      else record.text(field);
    }
    this.#long(tag, record);
  }

  string(text: string): number {
    const record = new ByteWriter();
    record.utf8(text, Number.POSITIVE_INFINITY);
    this.#long(LONG_TAG.string, record);
    return this.next.string++;
  }

  module(module: number, path: string, buildId: string): void {
    const id = this.string(path);
    this.long(LONG_TAG.module, module, id, buildId, 0x1000, 0x2000, 0, 1);
  }

  function(name: string, file: string, line: number, column: number): number {
    const ids = [this.string(name), this.string(file)];
    this.long(LONG_TAG.function, ...ids, line, column, 1);
    return this.next.function++;
  }

  frame(kind: number, ...fields: readonly number[]): number {
    this.long(LONG_TAG.frame, kind, ...fields);
    return this.next.frame++;
  }

  /** A stack of these frames, leaf last. */
  stack(...frames: readonly number[]): number {
    this.#payload.byte(SHORT_TAG.stack);
    this.#payload.varints(frames.length << STACK_FLAG_BITS, this.next.node, ...frames);
    this.next.node += frames.length;
    return this.next.stack++;
  }

  thread(thread: number): void {
    this.#payload.byte(SHORT_TAG.thread);
    this.#payload.varint(thread);
    this.#thread = thread;
  }

  time(microseconds: number): void {
    this.#payload.byte(SHORT_TAG.time);
    this.#payload.varint(microseconds);
    this.#timeNs += microseconds * 1000;
  }

  /** An unaligned new address, so that no state of the block matters. */
  allocNew(allocator: number, stack: number, size: number, address: number): number {
    this.#payload.byte(ALLOC_TAG | (allocator << 4) | 3);
    this.#payload.varints(stack + RECENT_STACKS, size, address);
    return this.next.address++;
  }

  allocKnown(allocator: number, stack: number, size: number, id: number): void {
    this.#payload.byte(ALLOC_TAG | (allocator << 4) | 1);
    this.#payload.varints(stack + RECENT_STACKS, size, id);
  }

  free(id: number): void {
    this.#payload.byte(FREE_TAG | (id & 15));
    this.#payload.varint(id >> FREE_LOW_BITS);
  }

  foreignFree(): void {
    this.#payload.byte(SHORT_TAG.foreign_free);
  }

  /** An anonymous mmap that commits `length` bytes. */
  mmap(address: number, length: number, stack: number): void {
    const record = new ByteWriter();
    record.varints(0, address, length, 3, 0x22, stack, 1);
    record.varints(0, stack);
    record.zigzag(length);
    record.zigzag(1);
    this.#long(LONG_TAG.map, record);
  }

  json(tag: number, json: Readonly<Record<string, unknown>>): void {
    const record = new ByteWriter();
    record.utf8(JSON.stringify(json), Number.POSITIVE_INFINITY);
    this.#long(tag, record);
  }

  #long(tag: number, record: ByteWriter): void {
    this.#payload.byte(tag);
    this.#payload.varint(record.size);
    this.#payload.append(record.view());
  }

  #begin(): void {
    const { address, string, function: fn, frame, node, stack } = this.next;
    this.#payload.clear();
    this.#payload.varints(this.#timeNs, this.#thread, address, string, fn, frame, node, stack);
  }
}

/** Random allocs, frees and maps on `stacks` stacks, in blocks of about `perBlock` events. */
export function addEvents(
  capture: SampleCapture,
  {
    events,
    perBlock,
    stacks,
    seed = 1,
  }: { events: number; perBlock: number; stacks: number; seed?: number },
): void {
  const random = randomNumbers(seed);
  const live: number[] = [];
  const free: number[] = [];
  for (let i = 0; i < events; i++) {
    const choice = random(100);
    const stack = 1 + random(stacks);
    const last = live.length - 1;
    if (choice < 45 || live.length === 0) {
      const size = random(4) === 0 ? random(2 ** 32) : random(200);
      const known = free.length > 0 && random(2) === 0 ? free.pop() : undefined;
      if (known !== undefined) capture.allocKnown(random(8), stack, size, known);
      live.push(known ?? capture.allocNew(random(8), stack, size, 0x7f00_0000_0001 + i * 16));
    } else if (choice < 85) {
      const at = random(live.length);
      const id = live[at] ?? 0;
      live[at] = live[last] ?? 0;
      live.pop();
      capture.free(id);
      free.push(id);
    } else if (choice < 90) {
      capture.foreignFree();
    } else if (choice < 93) {
      capture.mmap(0x5000_0000_0000 + i * 65_536, 4096 * (1 + random(16)), stack);
    } else if (choice < 95) {
      capture.allocKnown(1, stack, 7, live[last] ?? 0); // a missed free
    } else if (choice < 97) {
      capture.thread(1 + random(4));
    } else {
      capture.time(random(5000));
    }
    if (i % perBlock === perBlock - 1) capture.endBlock();
  }
}

export type RingRecord =
  | { kind: 'free'; stamp: number; address: number }
  | {
      kind: 'alloc';
      stamp: number;
      address: number;
      size: number;
      allocator: number;
      stack: number;
    }
  | { kind: 'map'; stamp: number; op: number; stack: number; words: readonly number[] }
  | { kind: 'variable'; stamp: number; words: number };

const RING_BYTES = 4096;

/** FILE.rings with one slot for each thread (docs/format.md §7). Three ticks are a microsecond. */
export function ringsFile(
  rings: readonly { thread: number; records: readonly RingRecord[]; tail?: number }[],
  captureId = CAPTURE_ID,
): Uint8Array {
  const slotBytes = 4096 + RING_BYTES;
  const bytes = new Uint8Array(4096 + rings.length * slotBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(RINGS_MAGIC);
  view.setUint16(8, 1, true);
  view.setUint32(12, slotBytes, true);
  view.setBigUint64(16, captureId, true);
  view.setBigUint64(24, 500n, true);
  view.setBigUint64(32, 3_000_000n, true);
  view.setBigUint64(40, START_UNIX_NS, true);
  view.setUint32(48, rings.length, true);
  for (const [i, { thread, records, tail = 0 }] of rings.entries()) {
    const slot = 4096 + i * slotBytes;
    let head = tail;
    for (const word of records.flatMap(ringWords)) {
      view.setBigUint64(slot + 4096 + (head % RING_BYTES), word, true);
      head += 8;
    }
    view.setBigUint64(slot, BigInt(head), true);
    view.setBigUint64(slot + 64, BigInt(tail), true);
    view.setUint32(slot + 128, thread, true);
  }
  return bytes;
}

function ringWords(record: RingRecord): bigint[] {
  const stamp = BigInt(record.stamp + 500);
  switch (record.kind) {
    case 'free':
      return [stamp, 1n | (BigInt(record.address) << 16n)];
    case 'alloc': {
      const { address, size, allocator, stack } = record;
      const word = 2n | (BigInt(allocator) << 8n) | (BigInt(address) << 16n);
      return [stamp, word, BigInt(size), BigInt(stack)];
    }
    case 'map': {
      const word = 3n | (BigInt(record.op) << 8n) | (BigInt(record.stack) << 32n);
      return [stamp, word, ...record.words.map(BigInt)];
    }
    case 'variable': {
      const rest = Array.from({ length: record.words - 2 }, () => 0xffffn);
      return [stamp, 16n | (BigInt(record.words) << 32n), ...rest];
    }
  }
}
