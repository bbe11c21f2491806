// SPDX-License-Identifier: MIT

/** What a reader met, for totals and for honesty. */
export interface Counts {
  allocations: number;
  /** Frees of live blocks, the missed ones excluded. */
  frees: number;
  foreignFrees: number;
  /** Frees of an id that is not live (F-10), ignored. */
  unknownFrees: number;
  /** Allocs where a block was live (F-10), which ended there. */
  missedFrees: number;
  maps: number;
  samples: number;
  forks: number;
  /** Blocks of records that were read, compressed ones opened. */
  blocks: number;
  /** Long records whose tag this version does not know (F-11). */
  unknownRecords: number;
  /** Metadata and trailers that are no JSON objects. */
  badJson: number;
  /** Blocks whose rest was dropped because of a malformed record (F-18). */
  malformedBlocks: number;
}

export const newCounts = (): Counts => ({
  allocations: 0,
  frees: 0,
  foreignFrees: 0,
  unknownFrees: 0,
  missedFrees: 0,
  maps: 0,
  samples: 0,
  forks: 0,
  blocks: 0,
  unknownRecords: 0,
  badJson: 0,
  malformedBlocks: 0,
});
