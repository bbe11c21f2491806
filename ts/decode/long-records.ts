// SPDX-License-Identifier: MIT
// Long records (docs/format.md §5): definitions go to the tables, events to the consumer. Throws FormatError for a
// malformed one; bytes behind the last known field are ignored (F-11). Every field is read before the consumer is called:
// what is malformed must not depend on who listens.

import {
  EXIT_MARK,
  FRAME_KIND,
  LIMITS,
  LONG_TAG,
  RSS_PART,
  THREAD_KINDS,
} from '../format/constants.js';
import type { HeapSpace, MapDelta, MapRecord, RssPart, RssRun } from '../format/records.js';
import { type ByteCursor, decodeText } from './byte-cursor.js';
import { committedBytes } from './committed.js';
import type { Definition, RecordConsumer } from './consumer.js';
import type { Counts } from './counts.js';
import type { LiveBlocks } from './live-blocks.js';
import { sourceLineKey, type Tables } from './tables.js';

/** By number. */
const RSS_PARTS = Object.keys(RSS_PART) as (keyof typeof RSS_PART)[];
/** Their detail is a string. */
const NAMED_PARTS = new Set<string | undefined>(['file', 'code', 'other']);

export type JsonObject = Readonly<Record<string, unknown>>;

export class LongRecords {
  /** All metadata records so far, later ones over earlier ones. */
  metadata: JsonObject = {};
  trailer: JsonObject | null = null;
  /** Per thread: ring stack number to stack, and the ring's tail as the capture knows it (§7). */
  readonly ringStacks = new Map<number, Map<number, number>>();
  readonly ringTails = new Map<number, number>();

  /** Whether somebody will ask for `ringStacks`, of which there are about as many as stacks. */
  keepsRingStacks = false;
  /** Sees map records besides the consumer. */
  mapObserver: ((map: MapRecord) => void) | null = null;

  readonly #tables: Tables;
  readonly #counts: Counts;
  readonly #live: LiveBlocks;
  readonly #consumer: RecordConsumer;
  /** How many parts the latest rss record has. */
  #rssParts = 0;

  readonly #readers = new Map<number, (c: ByteCursor, timeNs: number) => void>([
    [LONG_TAG.string, (c) => this.#string(c)],
    [LONG_TAG.module, (c, t) => this.#module(c, t)],
    [LONG_TAG.thread_start, (c, t) => this.#threadStart(c, t)],
    [LONG_TAG.thread_name, (c) => this.#threadName(c)],
    [LONG_TAG.thread_end, (c, t) => this.#threadEnd(c, t)],
    [LONG_TAG.function, (c) => this.#function(c)],
    [LONG_TAG.frame, (c) => this.#frame(c)],
    [LONG_TAG.map, (c, t) => this.#map(c, t)],
    [LONG_TAG.sample, (c, t) => this.#sample(c, t)],
    [LONG_TAG.rss, (c, t) => this.#rss(c, t)],
    [LONG_TAG.rss_pages, (c, t) => this.#rssPages(c, t)],
    [LONG_TAG.js_sample, (c, t) => this.#jsSample(c, t)],
    [LONG_TAG.js_heap, (c, t) => this.#jsHeap(c, t)],
    [LONG_TAG.js_heap_stacks, (c, t) => this.#jsHeapStacks(c, t)],
    [LONG_TAG.gc, (c, t) => this.#gc(c, t)],
    [LONG_TAG.mark, (c, t) => this.#mark(c, t)],
    [LONG_TAG.metadata, (c) => this.#metadata(c)],
    [LONG_TAG.trailer, (c) => this.#trailer(c)],
    [LONG_TAG.symbol, (c) => this.#symbol(c)],
    [LONG_TAG.origin, (c) => this.#origin(c)],
    [LONG_TAG.package, (c) => this.#package(c)],
    [LONG_TAG.source_map, (c) => this.#sourceMap(c)],
    [LONG_TAG.source_line, (c) => this.#sourceLine(c)],
    [LONG_TAG.stall, (c, t) => this.#stall(c, t)],
    [LONG_TAG.fork, (c, t) => this.#fork(c, t)],
    [LONG_TAG.ring_stack, (c) => this.#ringStack(c)],
    [LONG_TAG.ring_tails, (c) => this.#ringTails(c)],
  ]);

  constructor(tables: Tables, counts: Counts, live: LiveBlocks, consumer: RecordConsumer) {
    this.#tables = tables;
    this.#counts = counts;
    this.#live = live;
    this.#consumer = consumer;
  }

  decode(tag: number, c: ByteCursor, timeNs: number): void {
    const read = this.#readers.get(tag);
    if (read) {
      read(c, timeNs);
    } else {
      this.#counts.unknownRecords++;
      this.#consumer.onUnknownRecord?.(tag, c.remaining);
    }
  }

  #defined(definition: Definition): void {
    this.#consumer.onDefinition?.(definition);
  }

  #thread(c: ByteCursor): number {
    return c.below(LIMITS.kMaxThreads, 'thread');
  }

  #text(c: ByteCursor): string {
    return this.#tables.string(c.varint());
  }

  #string(c: ByteCursor): void {
    const id = this.#tables.addString(decodeText(c.bytes, c.position, c.end));
    this.#defined({ type: 'string', id });
  }

  #module(c: ByteCursor, timeNs: number): void {
    const info = {
      module: c.varint(),
      path: this.#text(c),
      buildId: c.text(),
      base: c.varint(),
      end: c.varint(),
      bias: c.varint(),
    };
    const loaded = c.varint() !== 0;
    this.#tables.setModule(info, loaded, timeNs);
    this.#defined({ type: 'module', id: info.module, loaded });
  }

  #threadStart(c: ByteCursor, timeNs: number): void {
    const id = this.#thread(c);
    const osTid = c.varint();
    const kind = THREAD_KINDS[c.varint()] ?? THREAD_KINDS[0];
    const workerId = c.varint();
    this.#tables.setThread(id, { kind, osTid, workerId, startNs: timeNs, endNs: null });
    this.#defined({ type: 'thread_start', id });
  }

  #threadName(c: ByteCursor): void {
    const id = this.#thread(c);
    this.#tables.setThread(id, { name: this.#text(c) });
    this.#defined({ type: 'thread_name', id });
  }

  #threadEnd(c: ByteCursor, timeNs: number): void {
    const id = this.#thread(c);
    const leftNs = c.remaining > 0 ? c.varint() : 0;
    this.#tables.setThread(id, { endNs: leftNs > 0 ? leftNs : timeNs });
    this.#defined({ type: 'thread_end', id });
  }

  #function(c: ByteCursor): void {
    const fields = [c.varint(), c.varint(), c.varint(), c.varint(), c.varint()] as const;
    this.#defined({ type: 'function', id: this.#tables.addFunction(fields) });
  }

  #frame(c: ByteCursor): void {
    const kind = c.varint();
    // A kind of a later version keeps its number and reads as unknown.
    const known = kind <= FRAME_KIND.function;
    const target = known ? c.varint() : 0;
    let offset = 0;
    let line = 0;
    let column = 0;
    if (kind === FRAME_KIND.native) {
      offset = c.varint();
    } else if (known && kind !== FRAME_KIND.builtin && kind !== FRAME_KIND.label) {
      line = c.varint();
      column = c.varint();
    }
    const id = this.#tables.addFrame(known ? kind : null, target, offset, line, column);
    this.#defined({ type: 'frame', id });
  }

  #map(c: ByteCursor, timeNs: number): void {
    const op = c.varint();
    const address = c.varint();
    const length = c.varint();
    const prot = c.varint();
    const flags = c.varint();
    const stack = c.below(this.#tables.next.stack, 'stack');
    const count = c.varint();
    const deltas: MapDelta[] = [];
    for (let i = 0; i < count; i++) {
      deltas.push({
        class: c.varint(),
        stack: c.below(this.#tables.next.stack, 'stack'),
        bytes: c.zigzag(),
        ranges: c.zigzag(),
      });
    }
    const map = { timeNs, op, address, length, prot, flags, stack, deltas };
    this.mapObserver?.(map);
    this.map(map);
  }

  map(map: MapRecord): void {
    this.#counts.maps++;
    this.#consumer.onMap?.(map);
    this.#live.changeMapped(committedBytes(map));
  }

  #sample(c: ByteCursor, timeNs: number): void {
    const sample = {
      timeNs,
      rss: c.varint(),
      heap: c.varint(),
      liveBytes: c.varint(),
      liveBlocks: c.varint(),
      committed: c.varint(),
      reserved: c.varint(),
      file: c.varint(),
    };
    this.#counts.samples++;
    this.#consumer.onSample?.(sample);
  }

  #rss(c: ByteCursor, timeNs: number): void {
    const rss = c.varint();
    const count = c.varint();
    const parts: RssPart[] = [];
    for (let i = 0; i < count; i++) {
      const part = RSS_PARTS[c.varint()];
      const detail = c.varint();
      const name = NAMED_PARTS.has(part) ? this.#tables.string(detail) : '';
      parts.push({ part: part ?? 'other', detail, name, bytes: c.varint() });
    }
    this.#rssParts = count;
    this.#consumer.onRss?.({ timeNs, rss, parts });
  }

  #rssPages(c: ByteCursor, timeNs: number): void {
    const runs: RssRun[] = [];
    let end = 0;
    while (c.remaining > 0) {
      const part = c.below(this.#rssParts, 'part');
      const page = end + c.varint();
      const pages = c.varint();
      runs.push({ part, page, pages });
      end = page + pages;
    }
    this.#consumer.onRssPages?.({ timeNs, runs });
  }

  #jsSample(c: ByteCursor, timeNs: number): void {
    const numbers = {
      thread: this.#thread(c),
      heapTotal: c.varint(),
      heapUsed: c.varint(),
      external: c.varint(),
      malloced: c.varint(),
      heapLimit: c.varint(),
    };
    const count = c.varint();
    const spaces: HeapSpace[] = [];
    for (let i = 0; i < count; i++) {
      spaces.push({ name: this.#text(c), size: c.varint(), used: c.varint() });
    }
    this.#consumer.onJsSample?.({ timeNs, ...numbers, spaces });
  }

  #jsHeap(c: ByteCursor, timeNs: number): void {
    const heap = {
      timeNs,
      thread: this.#thread(c),
      flags: c.varint(),
      interval: c.varint(),
      used: c.varint(),
      samples: c.varint(),
      stackCount: c.varint(),
      problem: this.#text(c),
    };
    this.#consumer.onJsHeap?.(heap);
  }

  #jsHeapStacks(c: ByteCursor, timeNs: number): void {
    const thread = this.#thread(c);
    const [stacks, bytes, objects]: [number[], number[], number[]] = [[], [], []];
    while (c.remaining > 0) {
      stacks.push(c.below(this.#tables.next.stack, 'stack'));
      bytes.push(c.varint());
      objects.push(c.varint());
    }
    this.#consumer.onJsHeapStacks?.({ timeNs, thread, stacks, bytes, objects });
  }

  #gc(c: ByteCursor, timeNs: number): void {
    const gc = { timeNs, thread: this.#thread(c), gcType: c.varint(), phase: c.varint() };
    this.#consumer.onGc?.(gc);
  }

  #mark(c: ByteCursor, timeNs: number): void {
    const mark = { timeNs, thread: this.#thread(c), name: this.#text(c) };
    this.#consumer.onMark?.(mark);
    if (mark.name === EXIT_MARK) this.#live.markExit();
  }

  #json(c: ByteCursor): JsonObject | null {
    try {
      const value: unknown = JSON.parse(decodeText(c.bytes, c.position, c.end));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return value as JsonObject;
      }
    } catch {
      // Not JSON: counted below. The record's bounds are known, so nothing else is lost.
    }
    this.#counts.badJson++;
    return null;
  }

  #metadata(c: ByteCursor): void {
    const json = this.#json(c);
    if (json === null) return;
    this.metadata = { ...this.metadata, ...json };
    this.#consumer.onMetadata?.(json);
  }

  #trailer(c: ByteCursor): void {
    const json = this.#json(c);
    if (json === null) return;
    this.trailer = json;
    this.#consumer.onTrailer?.(json);
  }

  #symbol(c: ByteCursor): void {
    const module = c.varint();
    const offset = c.varint();
    const names = { function: this.#text(c), file: this.#text(c), line: c.varint() };
    const inlined = c.below(LIMITS.kMaxFrames, 'inlined depth');
    this.#tables.addSymbol(module, offset, { ...names, inlined });
    this.#defined({ type: 'symbol', id: module, offset, inlined });
  }

  #origin(c: ByteCursor): void {
    const id = c.below(this.#tables.next.frame, 'frame');
    this.#tables.origins.set(id, {
      functionName: this.#text(c),
      file: this.#text(c),
      line: c.varint(),
      column: c.varint(),
    });
    this.#defined({ type: 'origin', id });
  }

  #package(c: ByteCursor): void {
    const id = c.varint();
    this.#tables.packages.set(this.#tables.string(id), { name: c.text(), version: c.text() });
    this.#defined({ type: 'package', id });
  }

  #sourceMap(c: ByteCursor): void {
    const id = c.varint();
    this.#tables.sourceMaps.set(this.#tables.string(id), c.text());
    this.#defined({ type: 'source_map', id });
  }

  #sourceLine(c: ByteCursor): void {
    const id = c.varint();
    const line = c.varint();
    const column = c.varint();
    this.#tables.sourceLines.set(sourceLineKey(this.#tables.string(id), line, column), c.text());
    this.#defined({ type: 'source_line', id, line, column });
  }

  #stall(c: ByteCursor, timeNs: number): void {
    const stall = { timeNs, thread: this.#thread(c), waitedNs: c.varint() };
    this.#consumer.onStall?.(stall);
  }

  #fork(c: ByteCursor, timeNs: number): void {
    const thread = this.#thread(c);
    const pid = c.varint();
    const stack = c.below(this.#tables.next.stack, 'stack');
    this.#counts.forks++;
    this.#consumer.onFork?.({ timeNs, thread, pid, stack });
  }

  #ringStack(c: ByteCursor): void {
    const id = this.#thread(c);
    const isWanted = this.keepsRingStacks || this.#consumer.onDefinition !== undefined;
    const stacks = this.ringStacks.get(id) ?? new Map<number, number>();
    this.ringStacks.set(id, stacks);
    const next = this.#tables.next.stack;
    while (c.remaining > 0) {
      const ring = c.varint();
      const stack = c.below(next, 'stack');
      const count = c.below(next - stack + 1, 'number of stacks');
      for (let i = 0; isWanted && i < count; i++) {
        stacks.set(ring + i, stack + i);
        this.#defined({ type: 'ring_stack', id, ring: ring + i, stack: stack + i });
      }
    }
  }

  #ringTails(c: ByteCursor): void {
    while (c.remaining > 0) {
      const id = this.#thread(c);
      const tail = c.varint();
      this.ringTails.set(id, tail);
      this.#defined({ type: 'ring_tails', id, tail });
    }
  }
}
