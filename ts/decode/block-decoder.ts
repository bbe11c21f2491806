// SPDX-License-Identifier: MIT
// The payload of one block of records (docs/format.md §3.1-§5): hot records here, long ones in long-records.ts.

import {
  FIRST_LONG_TAG,
  LIMITS,
  RECENT_ALLOCS,
  RECENT_FREES,
  RECENT_STACKS,
  SHORT_TAG,
} from '../format/constants.js';
import { ByteCursor } from './byte-cursor.js';
import type { RecordConsumer } from './consumer.js';
import { newCounts } from './counts.js';
import { FormatError } from './format-error.js';
import { NumberColumn } from './int-column.js';
import { LiveBlocks } from './live-blocks.js';
import { LongRecords } from './long-records.js';
import { StackRecords } from './stack-records.js';
import { Tables } from './tables.js';
import { idTail, varintEnd, varintTail } from './varint.js';

/** Hot records read at most this far beyond a block's end before that is noticed. */
export const SLACK_BYTES = 32;
const MAX_SIZE = Number.MAX_SAFE_INTEGER;
/** First high part of an address id that is beyond kMaxId. */
const MAX_HIGH = 2 ** 27;
const ALLOC_MASK = RECENT_ALLOCS - 1;
const FREE_MASK = RECENT_FREES - 1;
/** A power of two above RECENT_STACKS. */
const STACK_MASK = 127;
/** Positions are 32-bit integers. */
const MAX_POSITION = 2 ** 31 - 64;

export class BlockDecoder {
  readonly tables = new Tables();
  readonly live = new LiveBlocks();
  readonly counts = newCounts();
  readonly long: LongRecords;
  /** Of address ids, when they are kept. */
  readonly addresses: NumberColumn | null;
  timeNs = 0;
  thread = 0;

  readonly #consumer: RecordConsumer;
  readonly #cursor = new ByteCursor();
  /** Bytes that could have defined something up to here; a prologue cannot know of more identifiers. */
  #plausibleIds = 1;
  #generation = 0;
  #problem = '';
  /** By stack, side by side: the size of its last alloc, and the block that this was in. */
  readonly #sizes = new NumberColumn();
  readonly #recentAllocs = new Int32Array(RECENT_ALLOCS);
  readonly #recentFrees = new Int32Array(RECENT_FREES);
  readonly #recentStacks = new Int32Array(STACK_MASK + 1);
  readonly #stackRecords: StackRecords;

  constructor(consumer: RecordConsumer, options: { keepAddresses: boolean }) {
    this.#consumer = consumer;
    this.addresses = options.keepAddresses ? new NumberColumn() : null;
    this.long = new LongRecords(this.tables, this.counts, consumer);
    this.#stackRecords = new StackRecords(this.tables, consumer);
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
    const padded = end + SLACK_BYTES <= bytes.length && end < MAX_POSITION;
    const source = padded ? bytes : withSlack(bytes.subarray(start, end));
    const first = padded ? start : 0;
    const last = first + end - start;
    this.#plausibleIds += end - start;
    const records = this.#guarded(() => this.#prologue(source, first, last));
    const stopped = records < 0 ? first : this.#records(source, records, last);
    if (stopped < 0) return null;
    this.counts.malformedBlocks++;
    const message = this.#problem || 'malformed record';
    this.#problem = '';
    return new FormatError(message, stopped - first, records < 0 ? '§3.1' : '§4');
  }

  /** What `read` returns, or -1 when it meets a malformed field. */
  #guarded(read: () => number): number {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#problem = error.message;
      return -1;
    }
  }

  /** Foreign frees and long records. `p` is behind the tag; returns the position behind the record, or -1. */
  #rareRecord(bytes: Uint8Array, tag: number, p: number, end: number): number {
    return this.#guarded(() => this.#rareRecordFields(bytes, tag, p, end));
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
    this.setThread(thread);
    this.setTime(timeNs);
    return cursor.position;
  }

  setThread(thread: number): void {
    if (thread === this.thread) return;
    this.thread = thread;
    this.#consumer.onThread?.(thread);
  }

  setTime(timeNs: number): void {
    if (timeNs <= this.timeNs) return;
    this.timeNs = timeNs;
    this.#consumer.onTime?.(timeNs);
  }

  /**
   * All records of a block; -1, or where a malformed one starts. One long function on purpose: it runs for every event,
   * and state in locals is what makes it fast. Reads may pass `end` by SLACK_BYTES; nothing takes effect then.
   */
  #records(bytes: Uint8Array, start: number, end: number): number {
    const consumer = this.#consumer;
    const { tables, live, addresses } = this;
    const recentAllocs = this.#recentAllocs;
    const recentFrees = this.#recentFrees;
    const recentStacks = this.#recentStacks;
    const generation = ++this.#generation;
    let nextAddress = tables.next.address;
    let nextStack = tables.next.stack;
    let sizes = this.#reserveSizes(nextStack);
    const stackRecords = this.#stackRecords;
    stackRecords.beginBlock();
    live.reserve(nextAddress);
    let thread = this.thread;
    let currentStack = -1;
    let stackChanges = 0;
    let lastNewWord = 0;
    let allocs = 0;
    let frees = 0;
    let unknownFrees = 0;
    let p = start;
    let record = start;
    let malformed = false;

    while (p < end) {
      record = p;
      const tag = bytes[p++] as number;
      if (tag >= 0x80) {
        let stack = currentStack | 0;
        if ((tag & 0x08) === 0) {
          const code = bytes[p++] as number;
          if (code < RECENT_STACKS) {
            stack = -1;
            if (code + 2 <= stackChanges) {
              stack = recentStacks[(stackChanges - 2 - code) & STACK_MASK] as number;
            }
          } else if (code < 0x80) {
            stack = code - RECENT_STACKS;
          } else {
            stack = (idTail(bytes, p, code) | 0) - RECENT_STACKS;
            p = varintEnd | 0;
          }
          currentStack = stack;
          recentStacks[stackChanges++ & STACK_MASK] = stack;
        }
        if (stack < 0 || stack >= nextStack) {
          malformed = true;
          break;
        }
        let size = 0;
        if ((tag & 0x04) === 0) {
          size = bytes[p++] as number;
          if (size >= 0x80) {
            size = varintTail(bytes, p, size);
            p = varintEnd | 0;
          }
          sizes[stack * 2] = size;
          sizes[stack * 2 + 1] = generation;
        } else {
          size = sizes[stack * 2] as number;
          if (sizes[stack * 2 + 1] !== generation) size = Number.POSITIVE_INFINITY;
        }
        const mode = tag & 0x03;
        let id = 0;
        if (mode === 2) {
          let k = bytes[p++] as number;
          if (k >= 0x80) {
            k = idTail(bytes, p, k) | 0;
            p = varintEnd | 0;
          }
          if (k >>> 0 < RECENT_FREES && k < frees) {
            id = recentFrees[(frees - 1 - k) & FREE_MASK] as number;
          }
        } else {
          const first = bytes[p++] as number;
          if (mode === 1) {
            id = first;
            if (first >= 0x80) {
              id = idTail(bytes, p, first) | 0;
              p = varintEnd | 0;
            }
          } else {
            let address = first;
            if (first >= 0x80) {
              address = varintTail(bytes, p, first);
              p = varintEnd | 0;
            }
            if (mode === 0) {
              const half = Math.floor(address / 2);
              lastNewWord += half * 2 === address ? half : -half - 1;
              address = lastNewWord * 8;
            }
            id = nextAddress++;
            live.reserve(nextAddress);
            if (addresses !== null) addresses.set(id, address);
          }
        }
        if (p > end || id <= 0 || id >= nextAddress || size > MAX_SIZE) {
          malformed = true;
          break;
        }
        const allocator = (tag >> 4) & 7;
        recentAllocs[allocs++ & ALLOC_MASK] = id;
        if (live.isLive(id)) this.#endMissed(id);
        live.put(id, stack, size, allocator, thread);
        consumer.onAlloc?.(stack, size, allocator, thread, id);
      } else if (tag >= 0x40) {
        let id = tag & 0x1f;
        let isRecent = true;
        if ((tag & 0x20) === 0) {
          isRecent = (tag & 0x10) !== 0;
          let high = bytes[p++] as number;
          if (high >= 0x80) {
            high = idTail(bytes, p, high) | 0;
            p = varintEnd | 0;
          }
          id = high >>> 0 < MAX_HIGH ? (tag & 0x0f) | (high << 4) : -1;
        }
        if (isRecent) {
          const known = id >>> 0 < RECENT_ALLOCS && id < allocs;
          id = known ? (recentAllocs[(allocs - 1 - id) & ALLOC_MASK] as number) : 0;
        }
        if (p > end || id <= 0 || id >= nextAddress) {
          malformed = true;
          break;
        }
        recentFrees[frees++ & FREE_MASK] = id;
        if (live.isLive(id)) {
          const stack = live.stack(id);
          live.remove(id);
          consumer.onFree?.(stack, live.size(id), live.allocator(id), live.thread(id), id);
        } else {
          unknownFrees++;
          consumer.onUnknownFree?.(id);
        }
      } else if (tag === SHORT_TAG.time) {
        let microseconds = bytes[p++] as number;
        if (microseconds >= 0x80) {
          microseconds = varintTail(bytes, p, microseconds);
          p = varintEnd | 0;
        }
        if (p > end || microseconds === Number.POSITIVE_INFINITY) {
          malformed = true;
          break;
        }
        this.setTime(this.timeNs + microseconds * 1000);
      } else if (tag === SHORT_TAG.stack) {
        p = stackRecords.decode(bytes, p, end);
        if (p < 0) {
          malformed = true;
          break;
        }
        currentStack = nextStack++;
        recentStacks[stackChanges++ & STACK_MASK] = currentStack;
        if (nextStack * 2 > sizes.length) sizes = this.#reserveSizes(nextStack);
      } else if (tag === SHORT_TAG.thread) {
        thread = bytes[p++] as number;
        if (thread >= 0x80) {
          thread = idTail(bytes, p, thread) | 0;
          p = varintEnd | 0;
        }
        if (p > end || thread < 0 || thread >= LIMITS.kMaxThreads) {
          malformed = true;
          break;
        }
        this.setThread(thread);
      } else {
        // Everything else is rare enough to go through the object.
        tables.next.address = nextAddress;
        p = this.#rareRecord(bytes, tag, p, end);
        if (p < 0) {
          malformed = true;
          break;
        }
      }
    }
    tables.next.address = nextAddress;
    this.counts.allocations += allocs;
    this.counts.frees += frees - unknownFrees;
    this.counts.unknownFrees += unknownFrees;
    return malformed ? record : -1;
  }

  #reserveSizes(stacks: number): Float64Array {
    this.#sizes.reserve(stacks * 2);
    return this.#sizes.data;
  }

  // --- For events that do not come from a block (§7). ---

  alloc(id: number, stack: number, size: number, allocator: number, thread: number): void {
    this.counts.allocations++;
    this.live.reserve(id + 1);
    if (this.live.isLive(id)) this.#endMissed(id);
    this.live.put(id, stack, size, allocator, thread);
    this.#consumer.onAlloc?.(stack, size, allocator, thread, id);
  }

  /** Of a live block. */
  free(id: number): void {
    const { live } = this;
    const stack = live.stack(id);
    this.counts.frees++;
    live.remove(id);
    this.#consumer.onFree?.(stack, live.size(id), live.allocator(id), live.thread(id), id);
  }

  foreignFree(): void {
    this.counts.foreignFrees++;
    this.#consumer.onForeignFree?.();
  }

  #endMissed(id: number): void {
    const { live } = this;
    this.counts.missedFrees++;
    this.#consumer.onMissedFree?.(id);
    this.#consumer.onFree?.(live.stack(id), live.size(id), live.allocator(id), live.thread(id), id);
  }

  #rareRecordFields(bytes: Uint8Array, tag: number, p: number, end: number): number {
    const cursor = this.#cursor.reset(bytes, p, end);
    if (tag === SHORT_TAG.foreign_free) {
      this.foreignFree();
      return p;
    }
    if (tag < FIRST_LONG_TAG) return -1;
    const length = cursor.varint();
    const start = cursor.position;
    if (length > LIMITS.kMaxRecordBytes || length > end - start) return -1;
    this.long.decode(tag, cursor.reset(bytes, start, start + length), this.timeNs);
    return start + length;
  }
}

function withSlack(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(bytes.length + SLACK_BYTES);
  padded.set(bytes);
  return padded;
}
