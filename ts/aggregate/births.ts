// SPDX-License-Identifier: MIT
// When live blocks were born, and which of them full collections have let live.

import { grownTo } from './grown.js';

/** Widths double when the run outgrows them, so ages are told in at least 32 steps. */
const MAX_BINS = 64;
const FIRST_BIN_NS = 2 ** 20;

/** Live bytes by birth, since a moment or since the start. */
export interface BirthBins {
  readonly binNs: number;
  /** Of blocks born in [i × binNs, (i + 1) × binNs). */
  readonly bytes: readonly number[];
  readonly count: readonly number[];
}

/**
 * Three generations of what one isolate's threads allocated in the range, by site. A full collection that starts makes what is young
 * `tried`, and when it ends what is still there has survived: what is born while it runs proves nothing.
 */
class Generations {
  young = new Float64Array(1024);
  tried = new Float64Array(1024);
  survived = new Float64Array(1024);
  /** The latest collection's start, and that of the latest that ended. */
  youngSince: number;
  triedSince: number;

  constructor(sinceNs: number) {
    this.youngSince = sinceNs;
    this.triedSince = sinceNs;
  }

  change(site: number, born: number, bytes: number): void {
    if (site >= this.young.length) {
      this.young = grownTo(this.young, site);
      this.tried = grownTo(this.tried, site);
      this.survived = grownTo(this.survived, site);
    }
    const generation =
      born >= this.youngSince ? this.young : born >= this.triedSince ? this.tried : this.survived;
    generation[site] = (generation[site] as number) + bytes;
  }

  gcStart(timeNs: number): void {
    addTo(this.tried, this.young);
    this.young.fill(0);
    this.youngSince = timeNs;
  }

  gcEnd(): void {
    addTo(this.survived, this.tried);
    this.tried.fill(0);
    this.triedSince = this.youngSince;
  }
}

export class Births {
  #bornAt = new Float64Array(4096);
  #binNs = FIRST_BIN_NS;
  #binBytes = new Float64Array(MAX_BINS);
  #binCount = new Float64Array(MAX_BINS);
  /** Σ size × birth of live blocks, by site: for their mean age. */
  #moments = new Float64Array(1024);
  #rangeStart = Number.POSITIVE_INFINITY;
  readonly #generations = new Map<number, Generations>();

  /** From here on, generations are kept. */
  begin(timeNs: number): void {
    this.#rangeStart = timeNs;
  }

  /** `isolate` groups threads: a collection says nothing about another isolate's blocks. */
  born(site: number, size: number, isolate: number, id: number, nowNs: number): void {
    if (id >= this.#bornAt.length) this.#bornAt = grownTo(this.#bornAt, id);
    if (site >= this.#moments.length) this.#moments = grownTo(this.#moments, site);
    this.#bornAt[id] = nowNs;
    this.#change(site, isolate, nowNs, size, 1);
  }

  died(site: number, size: number, isolate: number, id: number): void {
    this.#change(site, isolate, this.#bornAt[id] as number, -size, -1);
  }

  gcStart(isolate: number, timeNs: number): void {
    this.#of(isolate).gcStart(timeNs);
  }

  gcEnd(isolate: number): void {
    this.#of(isolate).gcEnd();
  }

  /** By site: born in the range, before a full collection that has ended since, and live. */
  survived(sites: number): Float64Array {
    const sum = new Float64Array(sites);
    for (const { survived } of this.#generations.values()) {
      addTo(sum, survived.subarray(0, sites));
    }
    return sum;
  }

  moments(sites: number): Float64Array {
    return grownTo(this.#moments, sites).slice(0, sites);
  }

  bins(): BirthBins {
    return {
      binNs: this.#binNs,
      bytes: Array.from(this.#binBytes),
      count: Array.from(this.#binCount),
    };
  }

  #change(site: number, isolate: number, born: number, bytes: number, count: number): void {
    while (born >= this.#binNs * MAX_BINS) this.#widenBins();
    const bin = Math.floor(born / this.#binNs);
    this.#binBytes[bin] = (this.#binBytes[bin] as number) + bytes;
    this.#binCount[bin] = (this.#binCount[bin] as number) + count;
    this.#moments[site] = (this.#moments[site] as number) + bytes * born;
    if (born >= this.#rangeStart) this.#of(isolate).change(site, born, bytes);
  }

  #widenBins(): void {
    this.#binNs *= 2;
    for (const bins of [this.#binBytes, this.#binCount]) {
      for (let bin = 0; bin < MAX_BINS / 2; bin++) {
        bins[bin] = (bins[bin * 2] as number) + (bins[bin * 2 + 1] as number);
      }
      bins.fill(0, MAX_BINS / 2);
    }
  }

  #of(isolate: number): Generations {
    let generations = this.#generations.get(isolate);
    if (generations === undefined) {
      generations = new Generations(this.#rangeStart);
      this.#generations.set(isolate, generations);
    }
    return generations;
  }
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) sum[i] = (sum[i] as number) + (values[i] as number);
}
