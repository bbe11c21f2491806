// SPDX-License-Identifier: MIT
// Allocation sizes in bins of equal width on a logarithmic scale.

export interface HistogramBin {
  readonly min_bytes: number;
  /** Inclusive. */
  readonly max_bytes: number;
  readonly count: number;
}

/**
 * Bins between the smallest non-zero size and the largest. The edges are whole numbers and sizes are compared with the edges, so
 * that no size is counted in a bin that does not contain it. Sizes of 0 fall into the first bin.
 */
export function sizeHistogram(
  sizes: readonly (readonly [size: number, count: number])[],
  bins = 10,
): HistogramBin[] {
  const largest = sizes.reduce((max, [size]) => Math.max(max, size), 0);
  const smallest = sizes.reduce((min, [size]) => (size > 0 ? Math.min(min, size) : min), largest);
  if (sizes.length === 0) return [];
  const edges = binEdges(smallest, largest, bins);
  const counts = edges.map(() => 0);
  for (const [size, count] of sizes) {
    const bin = edges.findIndex((edge) => size < edge);
    const index = bin < 0 ? edges.length - 1 : bin;
    counts[index] = (counts[index] as number) + count;
  }
  return edges.map((edge, index) => ({
    min_bytes: index === 0 ? 0 : (edges[index - 1] as number),
    max_bytes: index === edges.length - 1 ? largest : edge - 1,
    count: counts[index] as number,
  }));
}

/** First size beyond each bin; strictly growing, so fewer bins than asked for when sizes are close together. */
function binEdges(smallest: number, largest: number, bins: number): number[] {
  const low = Math.log(Math.max(1, smallest));
  const high = Math.log(Math.max(1, largest));
  const from = low === high ? low / 2 : low;
  const edges: number[] = [];
  for (let bin = 1; bin < bins; bin++) {
    const edge = Math.floor(Math.exp(from + ((high - from) * bin) / bins));
    if (edge > (edges.at(-1) ?? 0) && edge < largest) edges.push(edge);
  }
  return [...edges, largest];
}
