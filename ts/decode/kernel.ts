// SPDX-License-Identifier: MIT
// An instance of wasm/, and its memory as JavaScript sees it.

/// <reference path="./webassembly.d.ts" />

import { NativeError } from '../native/native-error.js';
import { kernelBase64 } from './kernel-wasm.js';

/** Of wasm/state.ts: doubles first, then integers. */
const DOUBLES = [
  'timeNs',
  'heap',
  'peak',
  'peakTimeNs',
  'peakEvent',
  'events',
  'moments',
  'peakMoment',
  'exitMoment',
  'allocations',
  'frees',
  'unknownFrees',
  'missedFrees',
  'foreignFrees',
] as const;
const INTEGERS = [
  'thread',
  'nextAddress',
  'nextFrame',
  'nextNode',
  'nextStack',
  'generation',
  'stop',
  'eventCount',
  'wanted',
  'keepsAddresses',
  'freedSincePeak',
  'freedSinceExit',
] as const;

type Index<Names extends readonly string[]> = { readonly [Name in Names[number]]: number };
const indexOf = <Names extends readonly string[]>(names: Names): Index<Names> =>
  Object.fromEntries(names.map((name, index) => [name, index])) as Index<Names>;
/** Where a number of the state is, in `doubles` and in `integers`. */
export const DOUBLE = indexOf(DOUBLES);
export const INTEGER = indexOf(INTEGERS);

/** The columns of wasm/state.ts, in its order, and how many words of 32 bits a row has. */
export const COLUMN = {
  blocks: 0,
  addresses: 1,
  nodes: 2,
  stacks: 3,
  sizes: 4,
  freedSincePeak: 5,
  freedSinceExit: 6,
} as const;
const COLUMN_WORDS = [6, 2, 2, 2, 4, 4, 4];
const SEGMENT_BITS = 12;
const ROW_MASK = 2 ** SEGMENT_BITS - 1;

/** Why `run` came back. */
export const STOP = { end: 0, longRecord: 1, malformed: 2, eventsFull: 3 } as const;

/** Kinds of events, and the words of one. */
export const EVENT = {
  alloc: 0,
  free: 1,
  unknownFree: 2,
  missedFree: 3,
  foreignFree: 4,
  time: 5,
  thread: 6,
  definition: 7,
} as const;
export const EVENT_WORDS = 6;

/** What `joinNext` returns for a payload that is. */
const MALFORMED = 0xffffffff;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly stateAddress: WebAssembly.Global;
  readonly columns: WebAssembly.Global;
  inputBuffer(bytes: number): number;
  eventBuffer(): number;
  outOfMemory(): number;
  beginBlock(): void;
  run(at: number, end: number): number;
  setTime(timeNs: number): void;
  setThread(thread: number): void;
  put(id: number, stack: number, size: number, owner: number): void;
  remove(id: number): number;
  changeMapped(bytes: number): void;
  markExit(): void;
  foreignFree(): void;
  addNode(parent: number, frame: number): number;
  addStack(node: number, flags: number): number;
  putAddress(id: number, address: number): void;
  crc32c(at: number, end: number, crc: number): number;
  columnSpace(bytes: number): number;
  rowSpace(): number;
  split(bytes: number, unwantedTags: number): number;
  beginJoin(bytes: number): number;
  joinNext(): number;
}

/** Reading cannot go on, whatever the capture holds. */
const refusal = (message: string, hint: string): NativeError =>
  new NativeError(message, { code: 'ERR_MEMTAPE_WEBASSEMBLY', hint });

// Not a Buffer: the types of pages do without Node.js.
const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));

let compiled: WebAssembly.Module | undefined;

function instance(): Exports {
  if (typeof WebAssembly === 'undefined') {
    throw refusal(
      'reading a capture needs WebAssembly, which this Node.js runs without',
      'start it without --jitless',
    );
  }
  try {
    compiled ??= new WebAssembly.Module(bytesOf(kernelBase64));
    return new WebAssembly.Instance(compiled).exports as unknown as Exports;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refusal(
      `no memory for WebAssembly: ${error.message}`,
      'it reserves some 10 GB of address space, which `ulimit -v` may forbid',
    );
  }
}

export class Kernel {
  /** All of the memory. Read them anew after each call of a method: growing replaces them. */
  bytes = new Uint8Array(0);
  words = new Uint32Array(0);
  numbers = new Float64Array(0);
  /** The state. */
  doubles = new Float64Array(0);
  integers = new Uint32Array(0);

  readonly #exports = instance();
  readonly #state = this.#exports.stateAddress.value;
  /** Word of the first column: each has its directory's address and the number of segments in it. */
  readonly #columns = this.#exports.columns.value / 4;

  constructor() {
    this.#look();
  }

  /** The first word of a row in `words`; that of a row of zeros when nothing was ever written there. */
  row(column: number, index: number): number {
    const { words } = this;
    const number = index >>> SEGMENT_BITS;
    const at = this.#columns + column * 2;
    if (number >= (words[at + 1] as number)) return 0;
    const segment = words[((words[at] as number) >>> 2) + number] as number;
    return (segment >>> 2) + (index & ROW_MASK) * (COLUMN_WORDS[column] as number);
  }

  /** Copies bytes[start, end) in; returns where they are. */
  input(bytes: Uint8Array, start: number, end: number): number {
    const at = this.#call(() => this.#exports.inputBuffer(end - start)) >>> 0;
    this.bytes.set(bytes.subarray(start, end), at);
    return at;
  }

  /** Word of the first event; EVENT_WORDS later comes the next. */
  get eventsAt(): number {
    return (this.#call(() => this.#exports.eventBuffer()) >>> 0) / 4;
  }

  beginBlock(): void {
    this.#exports.beginBlock();
  }

  /** Without `#call`: it is entered for every few long records. */
  run(at: number, end: number): number {
    try {
      const stopped = this.#exports.run(at, end);
      if (this.bytes.length === 0) this.#look();
      return stopped >>> 0;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  setTime(timeNs: number): void {
    this.#exports.setTime(timeNs);
  }

  setThread(thread: number): void {
    this.#exports.setThread(thread);
  }

  put(id: number, stack: number, size: number, owner: number): void {
    this.#call(() => this.#exports.put(id, stack, size, owner));
  }

  /** False when there is no such block. */
  remove(id: number): boolean {
    return this.#call(() => this.#exports.remove(id)) !== 0;
  }

  changeMapped(bytes: number): void {
    this.#exports.changeMapped(bytes);
  }

  markExit(): void {
    this.#exports.markExit();
  }

  foreignFree(): void {
    this.#exports.foreignFree();
  }

  putAddress(id: number, address: number): void {
    this.#call(() => this.#exports.putAddress(id, address));
  }

  /** Its id. */
  addNode(parent: number, frame: number): number {
    return this.#call(() => this.#exports.addNode(parent, frame));
  }

  /** Its id. */
  addStack(node: number, flags: number): number {
    return this.#call(() => this.#exports.addStack(node, flags));
  }

  /** Of what was copied in. */
  crc32c(at: number, end: number, crc: number): number {
    return this.#exports.crc32c(at, end, crc) >>> 0;
  }

  /** The payload of a block of columns (docs/format.md §3.2), or null when a record is malformed. `unwantedTags`: bit by tag − 0x20. */
  split(blocks: Uint8Array, unwantedTags: number): Uint8Array | null {
    const columns = this.#columnSpace(blocks.length);
    this.bytes.set(blocks, this.#exports.rowSpace() >>> 0);
    const bytes = this.#exports.split(blocks.length, unwantedTags) >>> 0;
    return bytes === 0 ? null : this.bytes.slice(columns, columns + bytes);
  }

  /** False when the columns' lengths are malformed. */
  beginJoin(columns: Uint8Array): boolean {
    const at = this.#columnSpace(columns.length);
    this.bytes.set(columns, at);
    return this.#exports.beginJoin(columns.length) !== 0;
  }

  /** The next payload, an empty one behind the last, null for a malformed one. It lasts until the next call of any method. */
  joinNext(): Uint8Array | null {
    const bytes = this.#exports.joinNext() >>> 0;
    const at = this.#exports.rowSpace() >>> 0;
    return bytes === MALFORMED ? null : this.bytes.subarray(at, at + bytes);
  }

  #columnSpace(bytes: number): number {
    return this.#call(() => this.#exports.columnSpace(bytes)) >>> 0;
  }

  #call<Result>(call: () => Result): Result {
    try {
      const result = call();
      // A view of memory that has grown has no bytes.
      if (this.bytes.length === 0) this.#look();
      return result;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    if (this.#exports.outOfMemory() === 0) return error;
    return refusal(
      'the capture has more live blocks and stacks than fit 4 GB of memory',
      'record a shorter part of the program',
    );
  }

  #look(): void {
    const { buffer } = this.#exports.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.doubles = new Float64Array(buffer, this.#state, DOUBLES.length);
    const integers = this.#state + DOUBLES.length * 8;
    this.integers = new Uint32Array(buffer, integers, INTEGERS.length);
  }
}

/** Numbers of a column by identifier; 0 where nothing was set. */
export class KernelColumn {
  readonly #kernel: Kernel;
  readonly #column: number;
  readonly #word: number;

  constructor(kernel: Kernel, column: number, word: number) {
    this.#kernel = kernel;
    this.#column = column;
    this.#word = word;
  }

  get(index: number): number {
    return this.#kernel.words[this.#kernel.row(this.#column, index) + this.#word] as number;
  }
}
