// SPDX-License-Identifier: MIT
// The colour of numbers by their share of the whole.

import type pc from 'picocolors';

export function paintShare(
  text: string,
  share: number,
  colours: ReturnType<typeof pc.createColors>,
): string {
  if (share > 0.6) return colours.red(text);
  if (share > 0.2) return colours.yellow(text);
  return share > 0.05 ? colours.green(text) : text;
}
