// SPDX-License-Identifier: MIT
// How memory grows between two moments: the floor of each site's live bytes in slices of time, what full collections let live, and ages.

import { committedDeltas } from '../decode/committed.js';
import type { CaptureStart, Consumer } from '../decode/consumer.js';
import type { Tables } from '../decode/tables.js';
import { EXIT_MARK, GC_PHASE, OWN_MARK_PREFIX } from '../format/constants.js';
import { parseMetadata } from '../format/metadata.js';
import type {
  GcRecord,
  JsSampleRecord,
  MapRecord,
  MarkRecord,
  SampleRecord,
} from '../format/records.js';
import { type BirthBins, Births } from './births.js';
import { grownTo } from './grown.js';
import { RunningTime } from './running-time.js';
import { SiteGroups } from './site-groups.js';

/** V8's GCType of a full collection. */
const FULL_GC = 4;
/** Between half as many and as many slices are kept, however long the range. */
const MAX_SLICES = 64;
const FIRST_SLICE_NS = 2 ** 20;
/** Tells apart what happens at one reading of the clock. */
const INSTANT_NS = 0.25;
const MAIN = 0;
const MAX_MARK_NAMES = 50;

/** A mark by name (the first one of that name), or nanoseconds since the start. */
export type Moment = { readonly mark: string } | { readonly timeNs: number };

export interface Slice {
  readonly endNs: number;
  /** How long the process had run by then; slices are of equal length in this. */
  readonly ranNs: number;
  /** Lowest live bytes of each site in the slice; sites beyond its length had none. */
  readonly floors: Float64Array;
  /** Lowest of all live blocks and committed mappings. */
  readonly heap: number;
  /** Highest of the same. */
  readonly heapTop: number;
  /** Lowest RSS; NaN before the first sample. */
  readonly rss: number;
  /** V8's heaps after their latest collection; NaN before the first. */
  readonly jsUsed: number;
  readonly jsTotal: number;
  /** Full collections that have ended in the range, up to the slice's end. */
  readonly fullGcs: number;
}

/** All that is known of one moment, by site. */
export interface GrowthState {
  readonly timeNs: number;
  readonly heap: number;
  readonly live: Float64Array;
  readonly count: Float64Array;
  /** Born in the range, before a full collection that has ended since. */
  readonly survived: Float64Array;
  /** Σ size × birth of live blocks. */
  readonly moments: Float64Array;
  /** Bytes of blocks only, without mappings, whose birth is unknown. */
  readonly blocks: Float64Array;
  readonly births: BirthBins;
  readonly fullGcs: number;
  readonly lastGcEndNs: number | null;
  /** Time of the range in which the process did not run. */
  readonly stoodStillNs: number;
}

export interface Growth {
  /** null: the range never began, because its mark never came. */
  readonly fromNs: number | null;
  /** Whether the end that was asked for came. */
  readonly ended: boolean;
  /** At the end of the range. */
  readonly state: GrowthState;
  /** In order of time, none later than the state. */
  readonly slices: readonly Slice[];
  /** For each site a stack by which it gets its name. */
  readonly siteStacks: readonly number[];
  /** Distinct ones, the first of them. */
  readonly markNames: readonly string[];
}

interface JsHeap {
  readonly used: number;
  readonly total: number;
}

export class GrowthAggregator implements Consumer {
  readonly #from: Moment;
  readonly #to: Moment | null;
  #phase: 'before' | 'in' | 'after' = 'before';
  #tables: Tables | null = null;
  #groups = new SiteGroups(null);
  #nowNs = 0;
  #fromNs: number | null = null;
  #heap = 0;
  #sites = 0;
  #live = new Float64Array(1024);
  #blocks = new Float64Array(1024);
  #count = new Float64Array(1024);
  #floors = new Float64Array(1024);
  readonly #births = new Births();
  #heapFloor = 0;
  #heapTop = 0;
  #rssFloor = Number.NaN;
  #rss = Number.NaN;
  readonly #jsHeaps = new Map<number, JsHeap>();
  readonly #openGcs = new Set<number>();
  #fullGcs = 0;
  #lastGcEndNs: number | null = null;
  #sliceNs = FIRST_SLICE_NS;
  #slices: Slice[] = [];
  readonly #running = new RunningTime();
  #fromRanNs = 0;
  /** When the slice ends, by how long the process has run. */
  #edgeRanNs = 0;
  #endState: GrowthState | null = null;
  readonly #markNames = new Set<string>();

  /** The whole capture unless told otherwise. */
  constructor(from: Moment = { timeNs: 0 }, to: Moment | null = null) {
    this.#from = from;
    this.#to = to;
    if ('timeNs' in from && from.timeNs === 0) this.#begin(0);
  }

  onStart({ tables }: CaptureStart): void {
    this.#tables = tables;
    this.#groups = new SiteGroups(tables);
  }

  onMetadata(json: Readonly<Record<string, unknown>>): void {
    const { intervalMs } = parseMetadata(json).options ?? {};
    if (intervalMs !== undefined) this.#running.sampledEvery(intervalMs * 1e6);
  }

  onTime(timeNs: number): void {
    if (this.#phase === 'before' && 'timeNs' in this.#from && timeNs >= this.#from.timeNs) {
      this.#begin(this.#from.timeNs);
    }
    if (this.#phase === 'in') {
      const to = this.#to !== null && 'timeNs' in this.#to ? this.#to.timeNs : null;
      const ranNs = this.#running.at(to === null ? timeNs : Math.min(timeNs, to));
      while (this.#edgeRanNs <= ranNs) {
        const edgeNs = this.#running.when(this.#edgeRanNs);
        if (to !== null && edgeNs >= to) break;
        this.#cut(edgeNs);
      }
      if (to !== null && timeNs >= to) this.#end(to);
    }
    this.#running.advance(timeNs);
    this.#nowNs = Math.max(this.#nowNs, timeNs);
  }

  onAlloc(stack: number, size: number, _allocator: number, thread: number, id: number): void {
    if (this.#phase === 'after') return;
    const site = this.#site(stack);
    this.#blocks[site] = (this.#blocks[site] as number) + size;
    this.#change(site, size, 1);
    this.#births.born(site, size, this.#isolateOf(thread), id, this.#nowNs);
  }

  onFree(stack: number, size: number, _allocator: number, thread: number, id: number): void {
    if (this.#phase === 'after') return;
    const site = this.#site(stack);
    this.#blocks[site] = (this.#blocks[site] as number) - size;
    this.#change(site, -size, -1);
    this.#births.died(site, size, this.#isolateOf(thread), id);
  }

  onMap(map: MapRecord): void {
    if (this.#phase === 'after') return;
    for (const { stack, bytes, ranges } of committedDeltas(map)) {
      this.#change(this.#site(stack), bytes, ranges);
    }
  }

  onSample({ rss }: SampleRecord): void {
    this.#rss = rss;
    if (!(this.#rssFloor <= rss)) this.#rssFloor = rss;
  }

  onJsSample({ thread, heapUsed, heapTotal }: JsSampleRecord): void {
    this.#jsHeaps.set(thread, { used: heapUsed, total: heapTotal });
  }

  onGc({ thread, gcType, phase, timeNs }: GcRecord): void {
    if (gcType !== FULL_GC || this.#phase !== 'in') return;
    const isolate = this.#isolateOf(thread);
    if (phase === GC_PHASE.start) {
      this.#nowNs += INSTANT_NS;
      this.#openGcs.add(isolate);
      this.#births.gcStart(isolate, this.#nowNs);
    } else if (this.#openGcs.delete(isolate)) {
      this.#births.gcEnd(isolate);
      this.#fullGcs++;
      this.#lastGcEndNs = timeNs;
    }
  }

  onMark({ name }: MarkRecord): void {
    // After it Node.js frees nearly everything.
    if (name === EXIT_MARK && this.#phase === 'in' && this.#to === null) this.#stopHere();
    if (name.startsWith(OWN_MARK_PREFIX)) return;
    if (this.#markNames.size < MAX_MARK_NAMES) this.#markNames.add(name);
    const isMoment = (moment: Moment | null) =>
      moment !== null && 'mark' in moment && moment.mark === name;
    if (this.#phase === 'in' && isMoment(this.#to)) this.#end(this.#nowNs);
    if (this.#phase === 'before' && isMoment(this.#from)) this.#begin(this.#nowNs);
  }

  /** After the last event. */
  finish(): Growth {
    if (this.#phase === 'in' && this.#endState === null) this.#stopHere();
    const state = this.#endState ?? this.#state(this.#nowNs);
    return {
      fromNs: this.#fromNs,
      ended: this.#phase === 'after',
      state,
      slices: this.#slices.filter(({ endNs }) => endNs <= state.timeNs),
      siteStacks: this.#groups.stacks,
      markNames: [...this.#markNames],
    };
  }

  #begin(timeNs: number): void {
    this.#nowNs = Math.max(this.#nowNs, timeNs) + INSTANT_NS;
    this.#phase = 'in';
    this.#fromNs = timeNs;
    this.#fromRanNs = this.#running.at(timeNs);
    this.#edgeRanNs = this.#fromRanNs + this.#sliceNs;
    this.#births.begin(this.#nowNs);
    this.#restartFloors();
  }

  #end(timeNs: number): void {
    this.#stopHere(timeNs);
    this.#phase = 'after';
  }

  /** The range ends here, unless a later moment says the same. */
  #stopHere(timeNs = this.#nowNs): void {
    this.#cut(timeNs);
    this.#endState = this.#state(timeNs);
  }

  #site(stack: number): number {
    const site = this.#groups.of(stack);
    if (site < this.#sites) return site;
    this.#sites = site + 1;
    this.#live = grownTo(this.#live, site);
    this.#blocks = grownTo(this.#blocks, site);
    this.#count = grownTo(this.#count, site);
    this.#floors = grownTo(this.#floors, site);
    return site;
  }

  #change(site: number, bytes: number, count: number): void {
    const live = (this.#live[site] as number) + bytes;
    this.#live[site] = live;
    this.#count[site] = (this.#count[site] as number) + count;
    if (live < (this.#floors[site] as number)) this.#floors[site] = live;
    this.#heap += bytes;
    if (this.#heap < this.#heapFloor) this.#heapFloor = this.#heap;
    else if (this.#heap > this.#heapTop) this.#heapTop = this.#heap;
  }

  #isolateOf(thread: number): number {
    return this.#tables?.threads.get(thread)?.kind === 'worker' ? thread : MAIN;
  }

  #cut(endNs: number): void {
    const js = this.#jsHeap();
    const ranNs = this.#running.at(endNs);
    this.#slices.push({
      endNs,
      ranNs,
      floors: this.#floors.slice(0, this.#sites),
      heap: this.#heapFloor,
      heapTop: this.#heapTop,
      rss: this.#rssFloor,
      jsUsed: js.used,
      jsTotal: js.total,
      fullGcs: this.#fullGcs,
    });
    this.#restartFloors();
    if (this.#slices.length > MAX_SLICES) {
      this.#slices = inPairs(this.#slices);
      this.#sliceNs *= 2;
    }
    this.#edgeRanNs = ranNs + this.#sliceNs;
  }

  #restartFloors(): void {
    this.#floors.set(this.#live);
    this.#heapFloor = this.#heap;
    this.#heapTop = this.#heap;
    this.#rssFloor = this.#rss;
  }

  #jsHeap(): JsHeap {
    if (this.#jsHeaps.size === 0) return { used: Number.NaN, total: Number.NaN };
    let [used, total] = [0, 0];
    for (const [thread, heap] of this.#jsHeaps) {
      if ((this.#tables?.threads.get(thread)?.endNs ?? null) !== null) continue;
      used += heap.used;
      total += heap.total;
    }
    return { used, total };
  }

  #state(timeNs: number): GrowthState {
    const ranNs = this.#running.at(timeNs) - this.#fromRanNs;
    return {
      timeNs,
      heap: this.#heap,
      live: this.#live.slice(0, this.#sites),
      count: this.#count.slice(0, this.#sites),
      blocks: this.#blocks.slice(0, this.#sites),
      survived: this.#births.survived(this.#sites),
      moments: this.#births.moments(this.#sites),
      births: this.#births.bins(),
      fullGcs: this.#fullGcs,
      lastGcEndNs: this.#lastGcEndNs,
      stoodStillNs: Math.max(0, timeNs - (this.#fromNs ?? 0) - ranNs),
    };
  }
}

function inPairs(slices: readonly Slice[]): Slice[] {
  const merged: Slice[] = [];
  for (let i = 0; i < slices.length; i += 2) {
    const [a, b] = [slices[i] as Slice, slices[i + 1]];
    merged.push(b === undefined ? a : lower(a, b));
  }
  return merged;
}

function lower(a: Slice, b: Slice): Slice {
  // A site that is not in the earlier slice had nothing then.
  const floors = b.floors.map((bytes, site) => Math.min(bytes, a.floors[site] ?? 0));
  const lowest = (x: number, y: number) => (Number.isNaN(x) ? y : Math.min(x, y));
  return {
    endNs: b.endNs,
    ranNs: b.ranNs,
    floors,
    heap: Math.min(a.heap, b.heap),
    heapTop: Math.max(a.heapTop, b.heapTop),
    rss: lowest(a.rss, b.rss),
    jsUsed: b.jsUsed,
    jsTotal: b.jsTotal,
    fullGcs: b.fullGcs,
  };
}
