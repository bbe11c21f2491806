// SPDX-License-Identifier: MIT

/** The same numbers in a column that has `index`. */
export function grownTo(from: Float64Array<ArrayBuffer>, index: number): Float64Array<ArrayBuffer> {
  if (index < from.length) return from;
  const to = new Float64Array(Math.max(from.length * 2, index + 1));
  to.set(from);
  return to;
}
