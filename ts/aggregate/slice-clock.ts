// SPDX-License-Identifier: MIT
// Cuts the time of a capture into slices while it is read; twice as long ones when there get too many.

import { mergedEdges, pairedSlices, type Slices } from '../model/time-slices.js';

/** Finer than a plot can show, and a slice's number fits 16 bits. */
const MAX_SLICES = 1024;
const FIRST_SLICE_NS = 1_000_000;

export interface Sliced {
  /** The slice with this number is over; the next one begins at `atNs`. True asks for fewer, longer slices. */
  closeSlice(slice: number, atNs: number): boolean;
  /** Slices were merged: each is now part of that which `to` tells. */
  mergeSlices(to: Int32Array): void;
}

export class SliceClock {
  readonly #sliced: Sliced;
  #slices: Slices = { edges: [0], exitEdge: null };
  #edges = [0];
  #sliceNs = FIRST_SLICE_NS;
  #nowNs = 0;
  /** The slice that is open. */
  current = 0;

  constructor(sliced: Sliced) {
    this.#sliced = sliced;
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  advance(timeNs: number): void {
    for (;;) {
      const edge = (this.#edges[this.current] as number) + this.#sliceNs;
      if (timeNs < edge) break;
      this.#cut(edge);
    }
    this.#nowNs = timeNs;
  }

  /** What comes later happens while Node.js takes itself down. Of several exits the last counts. */
  exit(): void {
    this.#slices = { ...this.#slices, exitEdge: this.current + 1 };
    this.#cut(this.#nowNs);
  }

  #merge(): void {
    const { exitEdge } = this.#slices;
    const to = pairedSlices(this.current, exitEdge);
    this.#slices = mergedEdges({ edges: this.#edges, exitEdge }, to);
    this.#edges = [...this.#slices.edges];
    this.current = this.#edges.length - 1;
    this.#sliceNs *= 2;
    this.#sliced.mergeSlices(to);
  }

  /** After the last event. */
  finish(): Slices {
    // An exit that nothing follows needs no slice after it.
    const { exitEdge } = this.#slices;
    if (exitEdge !== this.current || (this.#edges[this.current] as number) < this.#nowNs) {
      this.#close(this.#nowNs);
    }
    return { edges: this.#edges, exitEdge };
  }

  #cut(atNs: number): void {
    const isTooMuch = this.#close(atNs);
    if (this.current >= MAX_SLICES || (isTooMuch && this.current > 2)) this.#merge();
  }

  #close(atNs: number): boolean {
    const isTooMuch = this.#sliced.closeSlice(this.current, atNs);
    this.#edges.push(atNs);
    this.current++;
    return isTooMuch;
  }
}
