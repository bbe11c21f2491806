// SPDX-License-Identifier: MIT

export interface TextOptions {
  /** Columns of the terminal; without it nothing is cut. */
  readonly width?: number;
  readonly colour?: boolean;
}

/** No terminal is narrower than what makes sense to read. */
const MIN_WIDTH = 40;

export function columnsOf(options: TextOptions): number {
  return options.width === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(MIN_WIDTH, options.width);
}
