// SPDX-License-Identifier: MIT
// JavaScript heaps at their highest and at the end, from the profiles that each isolate made of its own.

import type { Consumer } from '../decode/consumer.js';
import { EXIT_MARK, JS_HEAP_COLLECTED, JS_HEAP_END } from '../format/constants.js';
import type {
  JsHeapRecord,
  JsHeapStacksRecord,
  MarkRecord,
  ThreadInfo,
} from '../format/records.js';
import { ALLOCATOR_JS_HEAP, type JsHeapMoment, type Profile } from '../model/profile.js';
import { LocationTable, locationKey, profileTotals } from './location-table.js';

const BYTES = 0;
const COUNT = 1;

/** One isolate's heap at one moment. */
export interface JsHeapSnapshot {
  readonly thread: number;
  readonly timeNs: number;
  /** Size of the heap as V8 says, garbage included. */
  readonly used: number;
  readonly samples: number;
  readonly interval: number;
  /** Made when the thread or the program ended. */
  readonly atEnd: boolean;
  /** Right after a full collection: nothing in it is garbage. */
  readonly collected: boolean;
  readonly parts: readonly JsHeapStacksRecord[];
}

export interface JsHeapProblem {
  readonly thread: number;
  readonly timeNs: number;
  readonly problem: string;
}

export class JsHeapAggregator implements Consumer {
  readonly #pending = new Map<number, JsHeapStacksRecord[]>();
  readonly #highest = new Map<number, JsHeapSnapshot>();
  readonly #latest = new Map<number, JsHeapSnapshot>();
  readonly problems: JsHeapProblem[] = [];
  /** Profiles of which a part was lost. */
  incomplete = 0;
  #exitTimeNs: number | null = null;

  onJsHeapStacks(part: JsHeapStacksRecord): void {
    const parts = this.#pending.get(part.thread);
    if (parts) parts.push(part);
    else this.#pending.set(part.thread, [part]);
  }

  onJsHeap(heap: JsHeapRecord): void {
    const { thread, timeNs, used, samples, interval, flags, problem } = heap;
    const parts = this.#pending.get(thread) ?? [];
    this.#pending.delete(thread);
    if (problem !== '') {
      this.problems.push({ thread, timeNs, problem });
      return;
    }
    if (parts.reduce((sum, part) => sum + part.stacks.length, 0) !== heap.stackCount) {
      this.incomplete++;
      return;
    }
    const atEnd = (flags & JS_HEAP_END) !== 0;
    const collected = (flags & JS_HEAP_COLLECTED) !== 0;
    const snapshot = { thread, timeNs, used, samples, interval, atEnd, collected, parts };
    this.#latest.set(thread, snapshot);
    if (used >= (this.#highest.get(thread)?.used ?? 0)) this.#highest.set(thread, snapshot);
  }

  onMark({ name, timeNs }: MarkRecord): void {
    if (name === EXIT_MARK) this.#exitTimeNs = timeNs;
  }

  /** By thread. Each isolate at its own moment. */
  snapshots(
    moment: JsHeapMoment,
    threads: ReadonlyMap<number, ThreadInfo>,
  ): readonly JsHeapSnapshot[] {
    const all = [...(moment === 'peak' ? this.#highest : this.#latest).values()];
    const wanted = moment === 'peak' ? all : all.filter((heap) => !this.#isGone(heap, threads));
    return wanted.sort((a, b) => a.thread - b.thread);
  }

  /** A worker that ended before the program gave its heap back. */
  #isGone(heap: JsHeapSnapshot, threads: ReadonlyMap<number, ThreadInfo>): boolean {
    const info = threads.get(heap.thread);
    if (info?.kind === 'main') return false;
    if (heap.atEnd) {
      return this.#exitTimeNs === null ? !heap.collected : heap.timeNs < this.#exitTimeNs;
    }
    const endNs = info?.endNs ?? null;
    return endNs !== null && (this.#exitTimeNs === null || endNs < this.#exitTimeNs);
  }
}

/** `bytes` and `count` are estimates: of bytes and objects. */
export function jsHeapProfile(moment: JsHeapMoment, snapshots: readonly JsHeapSnapshot[]): Profile {
  const locations = new LocationTable();
  for (const { thread, parts } of snapshots) {
    const key = locationKey(thread, ALLOCATOR_JS_HEAP);
    for (const { stacks, bytes, objects } of parts) {
      for (const [i, stack] of stacks.entries()) {
        const at = locations.locate(stack, key);
        const { slots } = locations;
        slots[at + BYTES] = (slots[at + BYTES] as number) + (bytes[i] as number);
        slots[at + COUNT] = (slots[at + COUNT] as number) + (objects[i] as number);
      }
    }
  }
  const rows = locations.rows(BYTES, COUNT);
  return { kind: moment === 'peak' ? 'js_heap_peak' : 'js_heap_end', rows, ...profileTotals(rows) };
}
