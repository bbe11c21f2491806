// SPDX-License-Identifier: MIT
// Random events as a block's records in every way that docs/format.md §4 has to say them, and what they come to in plain terms.

import {
  EXIT_MARK,
  LONG_TAG,
  RECENT_ALLOCS,
  RECENT_FREES,
  RECENT_STACKS,
} from '../../ts/format/constants.js';
import { varint } from './capture-bytes.js';

export interface Block {
  readonly stack: number;
  readonly size: number;
  readonly allocator: number;
  readonly thread: number;
}

/** The only string. */
const EXIT_MARK_STRING = 1;
const STACKS = 300;
const SIZES = [0, 1, 24, 127, 128, 4000, 20_000, 2 ** 21, 2 ** 31, 2 ** 33 + 5, 2 ** 45];

/** Numbers from 0 to below `n`. */
export type Random = (n: number) => number;

export class RandomEvents {
  readonly live = new Map<number, Block>();
  /** The live blocks at the latest highest moment. */
  atPeak = new Map<number, Block>();
  /** Those at the latest exit. */
  atExit = new Map<number, Block>();
  peak = 0;
  peakEvent = 0;
  heap = 0;
  events = 0;
  readonly told: string[] = [];
  readonly counts = { allocations: 0, frees: 0, unknownFrees: 0, missedFrees: 0, foreignFrees: 0 };
  nextAddress = 1;
  nextNode = 1;
  nextStack = 1;
  thread = 0;

  readonly #random: Random;
  #bytes: number[] = [];
  // Delta state of the block, without limits.
  #allocated: number[] = [];
  #freed: number[] = [];
  #stacks: number[] = [];
  #sizes = new Map<number, number>();
  #lastWord = 0n;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The records of one more block. */
  block(count: number): number[] {
    this.#bytes = [];
    this.#allocated = [];
    this.#freed = [];
    this.#stacks = [];
    this.#sizes = new Map();
    this.#lastWord = 0n;
    if (this.nextStack === 1) this.#long(LONG_TAG.string, Buffer.from(EXIT_MARK));
    for (let i = 0; i < count; i++) this.#event();
    return this.#bytes;
  }

  #event(): void {
    const random = this.#random;
    const kind = random(100);
    // Waves, so that peaks come often and blocks from before them go.
    const grows = Math.floor(this.events / 500) % 2 === 0;
    if (this.nextStack < 2 || (kind < 6 && this.nextStack < STACKS)) this.#defineStack();
    else if (kind < 8) this.#switchThread();
    else if (kind < 9) this.#foreignFree();
    else if (kind < (grows ? 60 : 45)) this.#alloc();
    else if (kind < 97 || this.#random(30) > 0) {
      if (this.nextAddress > 1) this.#free();
    } else this.#exit();
  }

  #defineStack(): void {
    const count = this.nextNode === 1 ? 1 : this.#random(4);
    const parent = this.#random(this.nextNode);
    this.#bytes.push(0x04, ...varint(count * 16), ...varint(this.nextNode - parent));
    for (let i = 0; i < count; i++) this.#bytes.push(0);
    this.nextNode += count;
    this.#stacks.push(this.nextStack++);
  }

  #switchThread(): void {
    this.thread = this.#random(3) === 0 ? 70_000 : this.#random(5);
    this.#bytes.push(0x02, ...varint(this.thread));
  }

  /** Several long records in a row, of which the last but one is the mark. */
  #exit(): void {
    for (let i = this.#random(3); i > 0; i--) this.#long(LONG_TAG.gc, [this.thread % 5, 1, 0]);
    this.#long(LONG_TAG.mark, [1, EXIT_MARK_STRING]);
    this.#long(LONG_TAG.gc, [1, 1, 1]);
    this.atExit = new Map(this.live);
  }

  #long(tag: number, fields: Iterable<number>): void {
    const bytes = [...fields];
    this.#bytes.push(tag, ...varint(bytes.length), ...bytes);
  }

  #foreignFree(): void {
    this.#bytes.push(0x03);
    this.counts.foreignFrees++;
    this.told.push('foreign');
  }

  #alloc(): void {
    const random = this.#random;
    const allocator = random(8);
    let tag = 0x80 | (allocator << 4);
    const fields: number[] = [];
    const known = this.#stacks.length > 0;
    const back = 2 + random(RECENT_STACKS);
    let stack = 1 + random(this.nextStack - 1);
    if (known && random(3) === 0) {
      stack = this.#stacks.at(-1) as number;
      tag |= 0x08;
    } else if (random(2) === 0 && back <= this.#stacks.length) {
      stack = this.#stacks.at(-back) as number;
      fields.push(back - 2);
    } else {
      fields.push(...varint(stack + RECENT_STACKS));
    }
    if ((tag & 0x08) === 0) this.#stacks.push(stack);
    let size = this.#sizes.get(stack);
    if (size !== undefined && random(2) === 0) {
      tag |= 0x04;
    } else {
      size = SIZES[random(SIZES.length)] as number;
      fields.push(...varint(size));
      this.#sizes.set(stack, size);
    }
    const id = this.#place(fields, (mode) => {
      tag |= mode;
    });
    this.#bytes.push(tag, ...fields);
    this.#allocated.push(id);
    this.#counted({ stack, size, allocator, thread: this.thread }, id);
  }

  /** Where the block goes; appends how that is said. */
  #place(fields: number[], setMode: (mode: number) => void): number {
    const random = this.#random;
    const back = 1 + random(Math.min(this.#freed.length, RECENT_FREES) || 1);
    const choice = random(10);
    if (choice < 5 && back <= this.#freed.length) {
      setMode(2);
      fields.push(...varint(back - 1));
      return this.#freed.at(-back) as number;
    }
    if (choice < 6 && this.nextAddress > 1) {
      setMode(1);
      const id = 1 + random(this.nextAddress - 1);
      fields.push(...varint(id));
      return id;
    }
    if (choice < 7) {
      setMode(3);
      fields.push(...varint(random(2 ** 30) * 65_537 + 1));
    } else {
      setMode(0);
      const word = BigInt(random(2 ** 30)) * 31n;
      const delta = word - this.#lastWord;
      fields.push(...varint(delta >= 0n ? delta * 2n : -delta * 2n - 1n));
      this.#lastWord = word;
    }
    return this.nextAddress++;
  }

  #counted(block: Block, id: number): void {
    const { live, counts } = this;
    const before = live.get(id);
    if (before !== undefined) {
      // Ends without a record.
      counts.missedFrees++;
      this.told.push(`missed ${id}`);
      this.#end(id, before);
    }
    live.set(id, block);
    this.heap += block.size;
    counts.allocations++;
    this.told.push(`alloc ${id} ${text(block)}`);
    this.#look();
  }

  #free(): void {
    const random = this.#random;
    const back = 1 + random(Math.min(this.#allocated.length, RECENT_ALLOCS) || 1);
    const recent = this.#allocated.at(-back);
    let id = 1 + random(this.nextAddress - 1);
    if (recent !== undefined && random(3) > 0) {
      id = recent;
      if (back <= 32) this.#bytes.push(0x60 | (back - 1));
      else this.#bytes.push(0x50 | ((back - 1) & 15), ...varint((back - 1) >> 4));
    } else {
      this.#bytes.push(0x40 | (id & 15), ...varint(id >> 4));
    }
    this.#freed.push(id);
    const block = this.live.get(id);
    if (block === undefined) {
      this.counts.unknownFrees++;
      this.events++;
      this.told.push(`unknown ${id}`);
      return;
    }
    this.counts.frees++;
    this.#end(id, block);
    this.#look();
  }

  #end(id: number, block: Block): void {
    this.live.delete(id);
    this.heap -= block.size;
    this.told.push(`free ${id} ${text(block)}`);
  }

  #look(): void {
    this.events++;
    if (this.heap < this.peak) return;
    this.peak = this.heap;
    this.peakEvent = this.events;
    this.atPeak = new Map(this.live);
  }
}

export const text = ({ stack, size, allocator, thread }: Block): string =>
  `${stack} ${size} ${allocator} ${thread}`;
