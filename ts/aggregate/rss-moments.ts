// SPDX-License-Identifier: MIT
// What RSS is made of at some looks: the parts that the writer saw, and of those that hold malloc's memory how much are live
// blocks. The writer tells which pages are resident, the log which blocks are live; each byte of both is looked at.

import type { CaptureStart, Consumer } from '../decode/consumer.js';
import { RSS_PAGE_BYTES } from '../format/constants.js';
import type {
  HeapSpace,
  JsSampleRecord,
  RssPagesRecord,
  RssPart,
  RssRecord,
  RssRun,
} from '../format/records.js';
import { BlocksByAddress } from './blocks-by-address.js';

export interface MomentPart extends RssPart {
  /** Resident bytes of live blocks, as requested. */
  readonly live: number;
  /** What glibc adds to these. */
  readonly overhead: number;
  /** Pages in which no live block is. */
  readonly empty: number;
}

export interface RssMoment {
  readonly timeNs: number;
  readonly rss: number;
  readonly parts: readonly MomentPart[];
  /** All live blocks, resident or not. */
  readonly liveBytes: number;
  /** Resident bytes of live blocks, by the stack that made them. */
  readonly liveByStack: ReadonlyMap<number, number>;
  /** Of V8's heaps, as each last told. */
  readonly spaces: readonly HeapSpace[];
}

/** glibc on 64 bits: a size of 8 bytes before each block, multiples of 16, at least 32. */
const chunkBytes = (size: number): number => Math.max(32, Math.ceil((size + 8) / 16) * 16);

export class RssMoments implements Consumer {
  readonly #chosen: ReadonlySet<number>;
  readonly #found: RssMoment[] = [];
  readonly #heaps = new Map<number, readonly HeapSpace[]>();
  #capture: CaptureStart | null = null;
  #looks = 0;
  #parts: PartTally[] | null = null;
  #liveByStack = new Map<number, number>();
  /** As of the latest chosen look. */
  #live: BlocksByAddress | null = null;

  /** @param chosen numbers of looks, from 0 */
  constructor(chosen: Iterable<number>) {
    this.#chosen = new Set(chosen);
  }

  /** Those that were chosen, in order. The capture must be read with addresses. */
  get moments(): readonly RssMoment[] {
    return this.#found;
  }

  onStart(capture: CaptureStart): void {
    this.#capture = capture;
  }

  onJsSample({ thread, spaces }: JsSampleRecord): void {
    this.#heaps.set(thread, spaces);
  }

  onRss({ timeNs, rss, parts }: RssRecord): void {
    this.#parts = this.#live = null;
    if (!this.#chosen.has(this.#looks++)) return;
    this.#parts = parts.map((part) => new PartTally(part));
    this.#liveByStack = new Map();
    this.#live = this.#capture && new BlocksByAddress(this.#capture);
    this.#found.push({
      timeNs,
      rss,
      parts: this.#parts,
      liveBytes: this.#live?.bytes ?? 0,
      liveByStack: this.#liveByStack,
      spaces: this.#spaces(),
    });
  }

  onRssPages({ runs }: RssPagesRecord): void {
    const [first, last, capture] = [runs[0], runs.at(-1), this.#capture];
    if (this.#parts === null || this.#live === null || capture === null || !first || !last) return;
    const pages = new ResidentPages(runs, this.#parts);
    const end = (last.page + last.pages) * RSS_PAGE_BYTES;
    const { blocks, address } = capture;
    // A look at much memory has many such records, and each is about a few of the blocks.
    for (const id of this.#live.near(first.page * RSS_PAGE_BYTES, end)) {
      const bytes = pages.add(address(id), blocks.size(id));
      if (bytes === 0) continue;
      const stack = blocks.stack(id);
      this.#liveByStack.set(stack, (this.#liveByStack.get(stack) ?? 0) + bytes);
    }
    pages.finish();
  }

  /** By name, all isolates together; of threads that have ended there is nothing left. */
  #spaces(): HeapSpace[] {
    const threads = this.#capture?.tables.threads;
    const sums = new Map<string, { name: string; size: number; used: number }>();
    for (const [thread, spaces] of this.#heaps) {
      if ((threads?.get(thread)?.endNs ?? null) !== null) continue;
      for (const { name, size, used } of spaces) {
        const sum = sums.get(name) ?? { name, size: 0, used: 0 };
        sum.size += size;
        sum.used += used;
        sums.set(name, sum);
      }
    }
    return [...sums.values()];
  }
}

class PartTally implements MomentPart {
  readonly part: RssPart['part'];
  readonly detail: number;
  readonly name: string;
  readonly bytes: number;
  live = 0;
  overhead = 0;
  empty = 0;

  constructor({ part, detail, name, bytes }: RssPart) {
    this.part = part;
    this.detail = detail;
    this.name = name;
    this.bytes = bytes;
  }
}

/** Runs of resident pages by address, and which of the pages have a live block in them. */
class ResidentPages {
  readonly #runs: readonly RssRun[];
  readonly #parts: readonly PartTally[];
  /** Of each run its first page's place in `#used`. */
  readonly #places: number[] = [];
  readonly #used: Uint8Array;

  constructor(runs: readonly RssRun[], parts: readonly PartTally[]) {
    this.#runs = runs;
    this.#parts = parts;
    let pages = 0;
    for (const run of runs) {
      this.#places.push(pages);
      pages += run.pages;
    }
    this.#used = new Uint8Array(pages);
  }

  /** Returns how much of the block is resident here. */
  add(address: number, size: number): number {
    // Its first byte makes a page used also where the block has no bytes.
    const end = address + Math.max(size, 1);
    let resident = 0;
    for (let i = this.#firstEndingAfter(address); i < this.#runs.length; i++) {
      const run = this.#runs[i] as RssRun;
      const from = Math.max(address, run.page * RSS_PAGE_BYTES);
      const to = Math.min(end, (run.page + run.pages) * RSS_PAGE_BYTES);
      if (from >= end) break;
      const first = Math.floor(from / RSS_PAGE_BYTES) - run.page + (this.#places[i] as number);
      const last = Math.floor((to - 1) / RSS_PAGE_BYTES) - run.page + (this.#places[i] as number);
      this.#used.fill(1, first, last + 1);
      const bytes = size === 0 ? 0 : to - from;
      const part = this.#parts[run.part] as PartTally;
      part.live += bytes;
      // In the run where it begins: that is where its head is.
      if (from === address) part.overhead += chunkBytes(size) - size;
      resident += bytes;
    }
    return resident;
  }

  finish(): void {
    for (const [i, run] of this.#runs.entries()) {
      const place = this.#places[i] as number;
      let empty = 0;
      for (let page = place; page < place + run.pages; page++) {
        if (this.#used[page] === 0) empty++;
      }
      (this.#parts[run.part] as PartTally).empty += empty * RSS_PAGE_BYTES;
    }
  }

  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle] as RssRun;
      if ((run.page + run.pages) * RSS_PAGE_BYTES <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
