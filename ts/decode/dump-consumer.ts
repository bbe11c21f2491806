// SPDX-License-Identifier: MIT
// Records as plain objects, in the words of docs/format.md.

import { ALLOCATORS, BLOCK_KIND, GC_PHASE, MAP_OP, MEMORY_CLASS } from '../format/constants.js';
import type {
  ForkRecord,
  GcRecord,
  JsHeapRecord,
  JsHeapStacksRecord,
  JsSampleRecord,
  MapRecord,
  MarkRecord,
  RssPagesRecord,
  RssRecord,
  SampleRecord,
  StallRecord,
} from '../format/records.js';
import type { CaptureStart, Definition, Dropped, RecordConsumer } from './consumer.js';
import type { CaptureEnd } from './read-capture.js';
import { sourceLineKey, type Tables } from './tables.js';

export interface DumpRecord {
  readonly type: string;
  readonly [field: string]: unknown;
}

export class DumpConsumer implements RecordConsumer {
  readonly #emit: (record: DumpRecord) => void;
  #start: CaptureStart | null = null;
  #missed = false;

  constructor(emit: (record: DumpRecord) => void) {
    this.#emit = emit;
  }

  /** The line behind all records. */
  finish(end: CaptureEnd): void {
    const { truncated, bytesRead, bytesDropped, blocksDropped, counts, ringsRecovered } = end;
    this.#emit({ type: 'end', truncated, bytesRead, bytesDropped, blocksDropped });
    this.#emit({ type: 'counts', ...counts });
    if (ringsRecovered) this.#emit({ type: 'rings_recovered', ...ringsRecovered });
  }

  onStart(capture: CaptureStart): void {
    this.#start = capture;
    const { header } = capture;
    this.#emit({
      type: 'capture',
      version: `${header.versionMajor}.${header.versionMinor}`,
      captureId: header.captureId.toString(16).padStart(16, '0'),
      pid: header.pid,
      startUnixNs: String(header.startUnixNs),
      finalized: header.finalized,
    });
  }

  onBlock(offset: number, payloadBytes: number, kind: number): void {
    this.#emit({ type: 'block', offset, payloadBytes, kind: nameOf(BLOCK_KIND, kind) });
  }

  onAlloc(stack: number, size: number, allocator: number, thread: number, id: number): void {
    const address = this.#start?.address(id) ?? 0;
    const name = ALLOCATORS[allocator];
    this.#emit({ type: 'alloc', id, address, size, allocator: name, stack, thread });
  }

  onFree(stack: number, size: number, _allocator: number, _thread: number, id: number): void {
    const type = this.#missed ? 'missed_free' : 'free';
    this.#missed = false;
    this.#emit({ type, id, address: this.#start?.address(id) ?? 0, size, stack });
  }

  onMissedFree(): void {
    this.#missed = true;
  }

  onUnknownFree(id: number): void {
    this.#emit({ type: 'unknown_free', id, address: this.#start?.address(id) ?? 0 });
  }

  onForeignFree(): void {
    this.#emit({ type: 'foreign_free' });
  }

  onTime(ns: number): void {
    this.#emit({ type: 'time', ns });
  }

  onThread(thread: number): void {
    this.#emit({ type: 'thread', thread });
  }

  onMap({ op, address, length, prot, flags, stack, ...map }: MapRecord): void {
    // §5.2: mremap's new range stands where the others have prot and flags.
    const details = op === MAP_OP.mremap ? { newAddress: prot, newLength: flags } : { prot, flags };
    const deltas = map.deltas.map((d) => ({ ...d, class: nameOf(MEMORY_CLASS, d.class) }));
    this.#emit({ type: 'map', op: nameOf(MAP_OP, op), address, length, ...details, stack, deltas });
  }

  onSample({ timeNs: _, ...sample }: SampleRecord): void {
    this.#emit({ type: 'sample', ...sample });
  }

  onRss({ rss, parts }: RssRecord): void {
    this.#emit({ type: 'rss', rss, parts });
  }

  onRssPages({ runs }: RssPagesRecord): void {
    this.#emit({
      type: 'rss_pages',
      runs: runs.map(({ part, page, pages }) => [part, page, pages]),
    });
  }

  onJsSample({ timeNs: _, ...sample }: JsSampleRecord): void {
    this.#emit({ type: 'js_sample', ...sample });
  }

  onJsHeapStacks({ timeNs: _, ...part }: JsHeapStacksRecord): void {
    this.#emit({ type: 'js_heap_stacks', ...part });
  }

  onJsHeap({ timeNs: _, ...heap }: JsHeapRecord): void {
    this.#emit({ type: 'js_heap', ...heap });
  }

  onGc({ thread, gcType, phase }: GcRecord): void {
    this.#emit({ type: 'gc', thread, gcType, phase: nameOf(GC_PHASE, phase) });
  }

  onMark({ thread, name }: MarkRecord): void {
    this.#emit({ type: 'mark', thread, name });
  }

  onStall({ thread, waitedNs }: StallRecord): void {
    this.#emit({ type: 'stall', thread, waitedNs });
  }

  onFork({ timeNs: _, ...fork }: ForkRecord): void {
    this.#emit({ type: 'fork', ...fork });
  }

  onMetadata(json: unknown): void {
    this.#emit({ type: 'metadata', json });
  }

  onTrailer(json: unknown): void {
    this.#emit({ type: 'trailer', json });
  }

  onUnknownRecord(tag: number, bytes: number): void {
    this.#emit({ type: 'unknown', tag, bytes });
  }

  onDropped(dropped: Dropped): void {
    this.#emit({ type: 'dropped', ...dropped });
  }

  onDefinition(definition: Definition): void {
    const tables = this.#start?.tables;
    if (tables) this.#emit({ ...definition, ...definitionFields(tables, definition) });
  }
}

/** What the tables know about an identifier that was just defined, but its number. */
function definitionFields(tables: Tables, definition: Definition): Record<string, unknown> {
  const { type, id } = definition;
  switch (type) {
    case 'string':
      return { text: tables.string(id) };
    case 'function':
      return { ...tables.function(id) };
    case 'frame':
      return { ...(tables.frame(id) ?? { kind: 'unknown' }) };
    case 'node':
      return { parent: tables.nodeParents.get(id), frame: tables.nodeFrames.get(id) };
    case 'stack':
      return { node: tables.stackNodes.get(id), flags: tables.stackFlags.get(id) };
    case 'module':
      return moduleFields(tables, id);
    case 'thread_start':
    case 'thread_name':
    case 'thread_end':
      return threadFields(tables, type, id);
    case 'symbol':
      return {
        ...tables.symbols(id, definition.offset).find((s) => s.inlined === definition.inlined),
      };
    case 'origin':
      return { ...tables.origins.get(id) };
    case 'package':
      return { file: tables.string(id), ...tables.packages.get(tables.string(id)) };
    case 'source_map':
      return { file: tables.string(id), url: tables.sourceMaps.get(tables.string(id)) };
    case 'source_line': {
      const file = tables.string(id);
      const { line, column } = definition;
      return { file, text: tables.sourceLines.get(sourceLineKey(file, line, column)) };
    }
    case 'ring_stack':
    case 'ring_tails':
      return {};
  }
}

function moduleFields(tables: Tables, id: number): Record<string, unknown> {
  const info = tables.module(id);
  if (!info) return {};
  const { path, buildId, base, end, bias } = info;
  return { path, buildId, base, end, bias };
}

function threadFields(tables: Tables, type: string, id: number): Record<string, unknown> {
  const thread = tables.threads.get(id);
  if (!thread) return {};
  if (type === 'thread_end') return { endNs: thread.endNs };
  if (type === 'thread_name') return { name: thread.name };
  return { kind: thread.kind, osTid: thread.osTid, workerId: thread.workerId };
}

/** The name of a number, or the number of one that this version does not know. */
function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}
