// SPDX-License-Identifier: MIT
// Committed mappings by stack, now and at the latest peak. Mappings are changed a thousand times less often than blocks.

interface Held {
  bytes: number;
  ranges: number;
  /** What they were at the peak with this number; unchanged since, they still are. */
  peak: number;
  peakBytes: number;
  peakRanges: number;
}

/** What is mapped for a stack. */
export interface Mapping {
  readonly stack: number;
  readonly bytes: number;
  readonly ranges: number;
}

export class MappingPeaks {
  readonly #byStack = new Map<number, Held>();

  /** @param peak number of the latest peak */
  change(stack: number, bytes: number, ranges: number, peak: number): void {
    const held = this.#byStack.get(stack) ?? newHeld();
    this.#byStack.set(stack, held);
    save(held, peak);
    held.bytes += bytes;
    held.ranges += ranges;
  }

  now(): Mapping[] {
    return Array.from(this.#byStack, ([stack, { bytes, ranges }]) => ({ stack, bytes, ranges }));
  }

  atPeak(peak: number): Mapping[] {
    return Array.from(this.#byStack, ([stack, held]) => {
      save(held, peak);
      return { stack, bytes: held.peakBytes, ranges: held.peakRanges };
    });
  }
}

const newHeld = (): Held => ({ bytes: 0, ranges: 0, peak: -1, peakBytes: 0, peakRanges: 0 });

function save(held: Held, peak: number): void {
  if (held.peak === peak) return;
  held.peak = peak;
  held.peakBytes = held.bytes;
  held.peakRanges = held.ranges;
}
