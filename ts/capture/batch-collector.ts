// SPDX-License-Identifier: MIT
// Collects what a decoder finds into batches.

import type { CaptureStart, RecordConsumer } from '../decode/consumer.js';
import { GC_PHASE, MAP_OP, MEMORY_CLASS } from '../format/constants.js';
import type {
  ForkRecord,
  GcRecord,
  JsHeapRecord,
  JsHeapStacksRecord,
  JsSampleRecord,
  MapDelta,
  MapOpName,
  MapRecord,
  MarkRecord,
  RssPagesRecord,
  RssRecord,
  SampleRecord,
  StallRecord,
} from '../format/records.js';
import { gcTypeName } from '../report/timeline.js';
import { ALLOC, FOREIGN_FREE, FREE, RecordBatch, type RecordColumns } from './record-batch.js';
import { type MappingDelta, type MemoryClass, type RareRecord, RECORD_TYPES } from './records.js';

/** Large enough for columns to pay off, small enough to be thrown away cheaply. */
const MAX_ROWS = 16_384;

const CLASSES = Object.keys(MEMORY_CLASS) as MemoryClass[];
const OPS = Object.keys(MAP_OP) as MapOpName[];

/** A later version's class or operation is passed on as its number says: as text. */
const named = <Name extends string>(names: readonly Name[], value: number): Name =>
  names[value] ?? (String(value) as Name);

export class BatchCollector implements RecordConsumer {
  readonly #emit: (batch: RecordBatch) => void;
  #address: CaptureStart['address'] = () => 0;
  #columns = newColumns();
  #rare = new Map<number, RareRecord>();
  #rows = 0;
  #timeNs = 0;
  #missed = 0;

  constructor(emit: (batch: RecordBatch) => void) {
    this.#emit = emit;
  }

  /** Emits what there is. */
  flush(): void {
    const rows = this.#rows;
    if (rows === 0) return;
    const full = this.#columns;
    const rare = this.#rare;
    this.#columns = newColumns();
    this.#rare = new Map();
    this.#rows = 0;
    this.#emit(new RecordBatch(firstRows(full, rows), rare));
  }

  onStart({ address }: CaptureStart): void {
    this.#address = address;
  }

  onTime(timeNs: number): void {
    this.#timeNs = timeNs;
  }

  onAlloc(stack: number, size: number, allocator: number, thread: number, id: number): void {
    this.#block(ALLOC, stack, size, allocator, thread, id);
  }

  onFree(stack: number, size: number, allocator: number, thread: number, id: number): void {
    const row = this.#block(FREE, stack, size, allocator, thread, id);
    this.#columns.missed[row] = this.#missed;
    this.#missed = 0;
  }

  onMissedFree(): void {
    this.#missed = 1;
  }

  onForeignFree(): void {
    this.#row(FOREIGN_FREE);
  }

  onMap({ op, deltas, ...map }: MapRecord): void {
    this.#other({ type: 'map', ...map, op: named(OPS, op), deltas: deltas.map(deltaOf) });
  }

  onSample(sample: SampleRecord): void {
    this.#other({ type: 'sample', ...sample });
  }

  onJsSample(sample: JsSampleRecord): void {
    this.#other({ type: 'js_sample', ...sample });
  }

  onJsHeapStacks(part: JsHeapStacksRecord): void {
    this.#other({ type: 'js_heap_stacks', ...part });
  }

  onJsHeap(heap: JsHeapRecord): void {
    this.#other({ type: 'js_heap', ...heap });
  }

  onGc({ timeNs, thread, gcType, phase }: GcRecord): void {
    this.#other({
      type: 'gc',
      timeNs,
      thread,
      collection: gcTypeName(gcType),
      phase: phase === GC_PHASE.start ? 'start' : 'end',
    });
  }

  onMark(mark: MarkRecord): void {
    this.#other({ type: 'mark', ...mark });
  }

  onStall(stall: StallRecord): void {
    this.#other({ type: 'stall', ...stall });
  }

  onFork(fork: ForkRecord): void {
    this.#other({ type: 'fork', ...fork });
  }

  onRss(rss: RssRecord): void {
    this.#other({ type: 'rss', ...rss });
  }

  onRssPages(pages: RssPagesRecord): void {
    this.#other({ type: 'rss_pages', ...pages });
  }

  #row(type: number): number {
    if (this.#rows === MAX_ROWS) this.flush();
    const row = this.#rows++;
    this.#columns.type[row] = type;
    this.#columns.timeNs[row] = this.#timeNs;
    return row;
  }

  #block(
    type: number,
    stack: number,
    size: number,
    allocator: number,
    thread: number,
    id: number,
  ): number {
    const row = this.#row(type);
    const columns = this.#columns;
    columns.stack[row] = stack;
    columns.bytes[row] = size;
    columns.allocator[row] = allocator;
    columns.thread[row] = thread;
    columns.address[row] = this.#address(id);
    return row;
  }

  #other(record: RareRecord): void {
    const row = this.#row(RECORD_TYPES.indexOf(record.type));
    this.#rare.set(row, record);
  }
}

const deltaOf = (delta: MapDelta): MappingDelta => ({
  ...delta,
  class: named(CLASSES, delta.class),
});

const newColumns = (rows = MAX_ROWS): RecordColumns => ({
  type: new Uint8Array(rows),
  timeNs: new Float64Array(rows),
  thread: new Uint32Array(rows),
  stack: new Uint32Array(rows),
  allocator: new Uint8Array(rows),
  bytes: new Float64Array(rows),
  address: new Float64Array(rows),
  missed: new Uint8Array(rows),
});

/** Views: nothing is copied. */
const firstRows = (columns: RecordColumns, rows: number): RecordColumns => ({
  type: columns.type.subarray(0, rows),
  timeNs: columns.timeNs.subarray(0, rows),
  thread: columns.thread.subarray(0, rows),
  stack: columns.stack.subarray(0, rows),
  allocator: columns.allocator.subarray(0, rows),
  bytes: columns.bytes.subarray(0, rows),
  address: columns.address.subarray(0, rows),
  missed: columns.missed.subarray(0, rows),
});
