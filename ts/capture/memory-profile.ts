// SPDX-License-Identifier: MIT
// Who held or allocated how much: a profile whose stacks have names.

import type { Frame } from '../model/frame.js';
import {
  ALLOCATOR_NAMES,
  bytesByStack,
  type Profile,
  type ProfileKind,
  type ProfileRows,
} from '../model/profile.js';
import type { CaptureStacks } from './stacks.js';

/** What one stack held. */
export class StackEntry {
  readonly bytes: number;
  /** Of blocks and mapped ranges. */
  readonly count: number;
  /** Its number among the capture's stacks. */
  readonly stack: number;
  readonly #stacks: CaptureStacks;

  /** @internal */
  constructor(bytes: number, count: number, stack: number, stacks: CaptureStacks) {
    this.bytes = bytes;
    this.count = count;
    this.stack = stack;
    this.#stacks = stacks;
  }

  /** Leaf first. Named when it is asked for. */
  get frames(): readonly Frame[] {
    return this.#stacks.frames(this.stack);
  }

  /** The frame that answers for the allocation: the innermost JavaScript one, if there is one. */
  get site(): Frame {
    return this.#stacks.site(this.stack);
  }
}

/** What one stack held by one thread and allocator. */
export class ProfileEntry extends StackEntry {
  /** 0 for mappings, which belong to no thread. */
  readonly thread: number;
  /** `mmap` for pages, else the function of malloc's family. */
  readonly allocator: (typeof ALLOCATOR_NAMES)[number];

  /** @internal */
  constructor(rows: ProfileRows, row: number, stacks: CaptureStacks) {
    const bytes = rows.bytes[row] as number;
    super(bytes, rows.count[row] as number, rows.stack[row] as number, stacks);
    this.thread = rows.thread[row] as number;
    this.allocator = ALLOCATOR_NAMES[rows.allocator[row] as number] ?? 'malloc';
  }
}

const largestFirst = (a: StackEntry, b: StackEntry): number =>
  b.bytes - a.bytes || b.count - a.count || a.stack - b.stack;

export class MemoryProfile implements Iterable<ProfileEntry> {
  readonly kind: ProfileKind;
  readonly totalBytes: number;
  /** Of blocks and mapped ranges. */
  readonly totalCount: number;
  /** The moment it shows; for what happened all along, the end. */
  readonly timeNs: number;
  /** All entries as columns of equal length, in no order. */
  readonly rows: ProfileRows;
  readonly #stacks: CaptureStacks;

  /** @internal */
  constructor(profile: Profile, timeNs: number, stacks: CaptureStacks) {
    this.kind = profile.kind;
    this.totalBytes = profile.totalBytes;
    this.totalCount = profile.totalCount;
    this.timeNs = timeNs;
    this.rows = profile.rows;
    this.#stacks = stacks;
  }

  /** One entry for each stack, thread and allocator, the largest first. */
  [Symbol.iterator](): Iterator<ProfileEntry, undefined> {
    const entries = Array.from(this.rows.stack, (_, row) => {
      return new ProfileEntry(this.rows, row, this.#stacks);
    });
    return entries.sort(largestFirst).values();
  }

  /** One entry for each stack, whichever thread and allocator, the largest first. */
  byStack(): StackEntry[] {
    const sums = [...bytesByStack(this.rows)].map(
      ([stack, { bytes, count }]) => new StackEntry(bytes, count, stack, this.#stacks),
    );
    return sums.sort(largestFirst);
  }
}
