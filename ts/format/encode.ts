// SPDX-License-Identifier: MIT
// Records to the payload of a block (docs/format.md §3.1-§5), for finalizers: they add names, what
// rings still held, and a trailer. Twin of cpp/format/encode.h, which writes everything else; here
// allocs always say their stack and size, which any reader understands.

import { ByteWriter } from './byte-writer.js';
import {
  ADDRESS_MODE,
  ALLOC_ALLOCATOR_SHIFT,
  ALLOC_TAG,
  FRAME_KIND,
  FREE_LOW_BITS,
  FREE_TAG,
  LIMITS,
  LONG_TAG,
  RECENT_STACKS,
  SHORT_TAG,
  STACK_FLAG_BITS,
} from './constants.js';
import type { MapRecord } from './records.js';

/** §3.1: what a block starts from. */
export interface Prologue {
  readonly timeNs: number;
  readonly thread: number;
  readonly nextAddress: number;
  readonly nextString: number;
  readonly nextFunction: number;
  readonly nextFrame: number;
  readonly nextNode: number;
  readonly nextStack: number;
}

/** Names are identifiers of strings. */
export interface SymbolFields {
  readonly module: number;
  readonly offset: number;
  readonly function: number;
  readonly file: number;
  readonly line: number;
  readonly inlined: number;
}

export interface OriginFields {
  readonly frame: number;
  readonly functionName: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
}

export type JsonRecord = Readonly<Record<string, unknown>>;

const LOW_MASK = (1 << FREE_LOW_BITS) - 1;

export class RecordEncoder {
  readonly #bytes = new ByteWriter();
  readonly #record = new ByteWriter();
  #state: { -readonly [Field in keyof Prologue]: Prologue[Field] };
  #lastNewWord = 0;
  #firstRecord = 0;

  constructor(prologue: Prologue) {
    this.#state = { ...prologue };
    this.#begin();
  }

  /** Bytes of the payload so far. */
  get size(): number {
    return this.#bytes.size;
  }

  /** Whether the payload holds no records yet. */
  get isEmpty(): boolean {
    return this.#bytes.size === this.#firstRecord;
  }

  /** Time, thread and next identifiers after the last record. */
  get state(): Prologue {
    return this.#state;
  }

  /** The payload; what follows starts another that goes on from it. */
  take(): Uint8Array {
    const payload = this.#bytes.copy();
    this.#begin();
    return payload;
  }

  // --- Hot records ---

  /** An alloc of an address that has no identifier yet; returns the one that it gets. */
  allocNew(allocator: number, stack: number, size: number, address: number): number {
    const aligned = address % 8 === 0;
    this.#allocTag(allocator, aligned ? ADDRESS_MODE.new : ADDRESS_MODE.new_unaligned, stack, size);
    if (aligned) {
      this.#bytes.zigzag(address / 8 - this.#lastNewWord);
      this.#lastNewWord = address / 8;
    } else {
      this.#bytes.varint(address);
    }
    return this.#state.nextAddress++;
  }

  allocKnown(allocator: number, stack: number, size: number, addressId: number): void {
    this.#allocTag(allocator, ADDRESS_MODE.known, stack, size);
    this.#bytes.varint(addressId);
  }

  free(addressId: number): void {
    this.#bytes.byte(FREE_TAG | (addressId & LOW_MASK));
    this.#bytes.varint(Math.floor(addressId / (LOW_MASK + 1)));
  }

  /** A stack and its nodes below `parent`, outermost first; returns the identifier of the stack. */
  stack(parent: number, frames: readonly number[], flags: number): number {
    this.#bytes.byte(SHORT_TAG.stack);
    this.#bytes.varint(frames.length * 2 ** STACK_FLAG_BITS + flags);
    this.#bytes.varint(this.#state.nextNode - parent);
    for (const frame of frames) this.#bytes.varint(frame);
    this.#state.nextNode += frames.length;
    return this.#state.nextStack++;
  }

  foreignFree(): void {
    this.#bytes.byte(SHORT_TAG.foreign_free);
  }

  /** Moves the clock on, in whole microseconds; it never goes back. */
  time(timeNs: number): void {
    const microseconds = Math.floor((timeNs - this.#state.timeNs) / 1000);
    if (microseconds <= 0) return;
    this.#bytes.byte(SHORT_TAG.time);
    this.#bytes.varint(microseconds);
    this.#state.timeNs += microseconds * 1000;
  }

  thread(thread: number): void {
    if (thread === this.#state.thread) return;
    this.#bytes.byte(SHORT_TAG.thread);
    this.#bytes.varint(thread);
    this.#state.thread = thread;
  }

  // --- Long records ---

  /** Returns the identifier of the string, which is cut to kMaxStringBytes. */
  string(text: string): number {
    this.#record.utf8(text, LIMITS.kMaxStringBytes);
    this.#long(LONG_TAG.string);
    return this.#state.nextString++;
  }

  /** A frame that stands for what cannot be told; `label` is a string's identifier. */
  labelFrame(label: number): number {
    this.#record.varints(FRAME_KIND.label, label);
    this.#long(LONG_TAG.frame);
    return this.#state.nextFrame++;
  }

  map(map: Omit<MapRecord, 'timeNs'>): void {
    const record = this.#record;
    record.varints(map.op, map.address, map.length, map.prot, map.flags, map.stack);
    record.varint(map.deltas.length);
    for (const delta of map.deltas) {
      record.varints(delta.class, delta.stack);
      record.zigzag(delta.bytes);
      record.zigzag(delta.ranges);
    }
    this.#long(LONG_TAG.map);
  }

  symbol(symbol: SymbolFields): void {
    const { module, offset, file, line, inlined } = symbol;
    this.#record.varints(module, offset, symbol.function, file, line, inlined);
    this.#long(LONG_TAG.symbol);
  }

  origin({ frame, functionName, file, line, column }: OriginFields): void {
    this.#record.varints(frame, functionName, file, line, column);
    this.#long(LONG_TAG.origin);
  }

  package(file: number, name: string, version: string): void {
    this.#record.varint(file);
    this.#record.text(name);
    this.#record.text(version);
    this.#long(LONG_TAG.package);
  }

  sourceLine(file: number, line: number, column: number, text: string): void {
    this.#record.varints(file, line, column);
    this.#record.text(text);
    this.#long(LONG_TAG.source_line);
  }

  metadata(json: JsonRecord): void {
    this.#json(LONG_TAG.metadata, json);
  }

  trailer(json: JsonRecord): void {
    this.#json(LONG_TAG.trailer, json);
  }

  #json(tag: number, json: JsonRecord): void {
    this.#record.utf8(JSON.stringify(json), Number.POSITIVE_INFINITY);
    this.#long(tag);
  }

  #allocTag(allocator: number, mode: number, stack: number, size: number): void {
    this.#bytes.byte(ALLOC_TAG | (allocator << ALLOC_ALLOCATOR_SHIFT) | mode);
    this.#bytes.varints(stack + RECENT_STACKS, size);
  }

  /** Writes the record whose fields were collected. */
  #long(tag: number): void {
    const { size } = this.#record;
    if (size > LIMITS.kMaxRecordBytes) {
      this.#record.clear();
      throw new RangeError(`a record of ${size} bytes is too long for a capture`);
    }
    this.#bytes.byte(tag);
    this.#bytes.varint(size);
    this.#bytes.append(this.#record.view());
    this.#record.clear();
  }

  #begin(): void {
    const { timeNs, thread, nextAddress, nextString } = this.#state;
    const { nextFunction, nextFrame, nextNode, nextStack } = this.#state;
    this.#bytes.clear();
    this.#bytes.varints(timeNs, thread, nextAddress, nextString);
    this.#bytes.varints(nextFunction, nextFrame, nextNode, nextStack);
    this.#lastNewWord = 0;
    this.#firstRecord = this.#bytes.size;
  }
}
