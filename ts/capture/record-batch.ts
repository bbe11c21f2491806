// SPDX-License-Identifier: MIT
// Records in columns: an event is a handful of numbers, and there are millions of them.

import { ALLOCATORS } from '../format/constants.js';
import {
  type AllocRecord,
  type CaptureRecord,
  type FreeRecord,
  type RareRecord,
  RECORD_TYPES,
} from './records.js';

export const ALLOC = RECORD_TYPES.indexOf('alloc');
export const FREE = RECORD_TYPES.indexOf('free');
export const FOREIGN_FREE = RECORD_TYPES.indexOf('foreign_free');

/** Columns of equal length, one row per record, in order. Rows of records that are neither allocs nor frees hold zeros. */
export interface RecordColumns {
  /** Indexes RECORD_TYPES: 0 is an alloc, 1 a free. */
  readonly type: Uint8Array;
  /** Since the recording's start; never backwards. */
  readonly timeNs: Float64Array;
  /** That allocated the block. */
  readonly thread: Uint32Array;
  readonly stack: Uint32Array;
  /** Indexes ALLOCATORS. */
  readonly allocator: Uint8Array;
  /** As requested. */
  readonly bytes: Float64Array;
  readonly address: Float64Array;
  /** 1 for a free that went unseen. */
  readonly missed: Uint8Array;
}

/** Consecutive records. Iterate over it for objects; read the columns when speed matters. */
export class RecordBatch implements Iterable<CaptureRecord> {
  readonly length: number;
  readonly columns: RecordColumns;
  readonly #rare: ReadonlyMap<number, RareRecord>;

  /** @internal */
  constructor(columns: RecordColumns, rare: ReadonlyMap<number, RareRecord>) {
    this.length = columns.type.length;
    this.columns = columns;
    this.#rare = rare;
  }

  /** The record in this row, or undefined beyond the last. */
  at(row: number): CaptureRecord | undefined {
    const type = this.columns.type[row];
    if (type === undefined) return undefined;
    if (type === ALLOC) return this.#alloc(row);
    if (type === FREE) return this.#free(row);
    return this.#rare.get(row) ?? { type: 'foreign_free', timeNs: this.columns.timeNs[row] ?? 0 };
  }

  *[Symbol.iterator](): Generator<CaptureRecord, void, undefined> {
    for (let row = 0; row < this.length; row++) yield this.at(row) as CaptureRecord;
  }

  #alloc(row: number): AllocRecord {
    return { type: 'alloc', ...this.#block(row) };
  }

  #free(row: number): FreeRecord {
    return { type: 'free', ...this.#block(row), missed: this.columns.missed[row] === 1 };
  }

  #block(row: number): Omit<AllocRecord, 'type'> {
    const { timeNs, thread, stack, allocator, bytes, address } = this.columns;
    return {
      timeNs: timeNs[row] as number,
      thread: thread[row] as number,
      stack: stack[row] as number,
      allocator: ALLOCATORS[allocator[row] as number] ?? 'malloc',
      bytes: bytes[row] as number,
      address: address[row] as number,
    };
  }
}
