// SPDX-License-Identifier: MIT
// The payload of one block of records (docs/format.md §3.1-§5): hot records in wasm/, long ones in long-records.ts.

import { FIRST_LONG_TAG, LAST_LONG_TAG, LIMITS } from '../format/constants.js';
import { ByteCursor } from './byte-cursor.js';
import { ColumnReader } from './columns.js';
import type { RecordConsumer } from './consumer.js';
import { newCounts } from './counts.js';
import { EventReplay } from './event-replay.js';
import { FormatError } from './format-error.js';
import { COLUMN, DOUBLE, INTEGER, Kernel, STOP } from './kernel.js';
import { LiveBlocks } from './live-blocks.js';
import { LongRecords } from './long-records.js';
import { Tables } from './tables.js';

/** §5; the others are the kernel's. */
const isLongTag = (tag: number): boolean => tag >= FIRST_LONG_TAG && tag <= LAST_LONG_TAG;

export class BlockDecoder {
  readonly #kernel = new Kernel();
  readonly tables = new Tables(this.#kernel);
  readonly live = new LiveBlocks(this.#kernel);
  readonly columns = new ColumnReader(this.#kernel);
  readonly counts = newCounts();
  readonly long: LongRecords;

  readonly #events: EventReplay;
  readonly #cursor = new ByteCursor();
  /** Bytes that could have defined something up to here; a prologue cannot know of more identifiers. */
  #plausibleIds = 1;
  #problem = '';
  /** Where the long record is that #longRecords met. */
  #malformedAt = 0;

  constructor(consumer: RecordConsumer, options: { keepAddresses: boolean }) {
    this.#kernel.integers[INTEGER.keepsAddresses] = Number(options.keepAddresses);
    this.#events = new EventReplay(this.#kernel, consumer);
    this.long = new LongRecords(this.tables, this.counts, this.live, consumer);
  }

  /** Nanoseconds since the capture's start. */
  get timeNs(): number {
    return this.#kernel.doubles[DOUBLE.timeNs] as number;
  }

  /** Of an address id, when they are kept; else 0. */
  address(id: number): number {
    return this.#kernel.numbers[this.#kernel.row(COLUMN.addresses, id) / 2] as number;
  }

  /** `payloadBytes` that will not be decoded: definitions in them are missing, but their ids were given. */
  skip(payloadBytes: number): void {
    this.#plausibleIds += payloadBytes;
  }

  /**
   * Decodes the payload bytes[start, end). Returns null, or what was malformed (F-18): the records before it took effect.
   */
  decode(bytes: Uint8Array, start: number, end: number): FormatError | null {
    this.counts.blocks++;
    this.#plausibleIds += end - start;
    const records = this.#guarded(() => this.#prologue(bytes, start, end));
    const stopped = records < 0 ? start : this.#records(bytes, start, records, end);
    this.#count();
    if (stopped < 0) return null;
    this.counts.malformedBlocks++;
    const message = this.#problem || 'malformed record';
    this.#problem = '';
    return new FormatError(message, stopped - start, records < 0 ? '§3.1' : '§4');
  }

  /** What `read` returns, or -1 when it meets a malformed field. */
  #guarded(read: () => number): number {
    try {
      return read();
    } catch (error) {
      return this.#refused(error);
    }
  }

  #refused(error: unknown): -1 {
    if (!(error instanceof FormatError)) throw error;
    this.#problem = error.message;
    return -1;
  }

  #prologue(bytes: Uint8Array, start: number, end: number): number {
    const cursor = this.#cursor.reset(bytes, start, end);
    const timeNs = cursor.varint();
    const thread = cursor.below(LIMITS.kMaxThreads, 'thread');
    const bound = Math.min(LIMITS.kMaxId, this.#plausibleIds) + 1;
    const ids = [0, 0, 0, 0, 0, 0].map(() => cursor.below(bound, 'prologue for identifier'));
    const [address = 0, string = 0, fn = 0, frame = 0, node = 0, stack = 0] = ids;
    if (ids.includes(0)) throw cursor.malformed('identifier 0 as the next one');
    Object.assign(this.tables.next, { address, string, function: fn, frame, node, stack });
    const { integers } = this.#kernel;
    integers[INTEGER.nextAddress] = address;
    integers[INTEGER.nextNode] = node;
    integers[INTEGER.nextStack] = stack;
    this.live.reserve(address);
    this.setThread(thread);
    this.setTime(timeNs);
    return cursor.position;
  }

  setThread(thread: number): void {
    this.#kernel.setThread(thread);
    this.#events.tell();
  }

  setTime(timeNs: number): void {
    this.#kernel.setTime(timeNs);
    this.#events.tell();
  }

  /** All records of a block, the first at `p`; -1, or where a malformed one starts. */
  #records(bytes: Uint8Array, start: number, p: number, end: number): number {
    const kernel = this.#kernel;
    kernel.beginBlock();
    // Where a byte of `bytes` is in the kernel's memory.
    const shift = kernel.input(bytes, start, end) - start;
    let at = p;
    while (at >= 0) {
      kernel.integers[INTEGER.nextFrame] = this.tables.next.frame;
      const record = kernel.run(at + shift, end + shift) - shift;
      const stop = kernel.integers[INTEGER.stop] as number;
      this.#takeIds();
      this.#events.tell();
      if (stop === STOP.end) return -1;
      if (stop === STOP.malformed) return record;
      at = record;
      if (stop === STOP.eventsFull) continue;
      at = this.#longRecords(bytes, record, end);
      if (at < 0) return this.#malformedAt;
    }
    return -1;
  }

  /** Definitions mostly come several in a row, so the kernel is entered anew only behind the last one. The position there, or -1. */
  #longRecords(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    try {
      while (at < end && isLongTag(bytes[at] as number)) {
        this.#malformedAt = at;
        at = this.#longRecord(bytes, at, end);
        if (at < 0) return -1;
      }
      return at;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** What the kernel has defined since the last time. */
  #takeIds(): void {
    const { next } = this.tables;
    const { integers } = this.#kernel;
    next.address = integers[INTEGER.nextAddress] as number;
    next.node = integers[INTEGER.nextNode] as number;
    next.stack = integers[INTEGER.nextStack] as number;
    this.live.reserve(next.address);
  }

  /** Returns the position behind it, or -1. */
  #longRecord(bytes: Uint8Array, at: number, end: number): number {
    const cursor = this.#cursor.reset(bytes, at + 1, end);
    const length = cursor.varint();
    const start = cursor.position;
    if (length > LIMITS.kMaxRecordBytes || length > end - start) return -1;
    this.long.decode(bytes[at] as number, cursor.reset(bytes, start, start + length), this.timeNs);
    return start + length;
  }

  #count(): void {
    const { doubles } = this.#kernel;
    this.counts.allocations = doubles[DOUBLE.allocations] as number;
    this.counts.frees = doubles[DOUBLE.frees] as number;
    this.counts.unknownFrees = doubles[DOUBLE.unknownFrees] as number;
    this.counts.missedFrees = doubles[DOUBLE.missedFrees] as number;
    this.counts.foreignFrees = doubles[DOUBLE.foreignFrees] as number;
  }

  // --- For events that do not come from a block (§7). ---

  /** An address that was not seen before; returns its id. */
  newAddress(address: number): number {
    const id = this.tables.next.address++;
    this.#kernel.putAddress(id, address);
    return id;
  }

  alloc(id: number, stack: number, size: number, allocator: number, thread: number): void {
    this.live.put(id, stack, size, allocator, thread);
    this.#events.tell();
    this.#count();
  }

  /** False when no block is live there. */
  free(id: number): boolean {
    const isLive = this.live.remove(id);
    this.#events.tell();
    this.#count();
    return isLive;
  }

  foreignFree(): void {
    this.#kernel.foreignFree();
    this.#events.tell();
    this.#count();
  }
}
