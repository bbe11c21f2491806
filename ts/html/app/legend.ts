// SPDX-License-Identifier: MIT
// What the colours mean, and how much each kind of code allocated itself.

import { FRAME_CATEGORIES, type FrameCategory } from '../../model/frame.js';
import type { StackTree } from '../../model/stack-tree.js';
import { ownBytes } from './answering.js';
import type { AppFrame } from './app-frame.js';
import { element } from './dom.js';
import { CATEGORY_LABELS, swatchColour, type Theme } from './palette.js';
import { bytesText, percentText } from './units.js';

export function categoryLegend(
  tree: StackTree,
  frames: readonly AppFrame[],
  theme: Theme,
): HTMLElement[] {
  const bytes = categoryBytes(tree, frames);
  const whole = tree.totalBytes[0] as number;
  return FRAME_CATEGORIES.map((category) => {
    const swatch = element('span', { class: 'dot' });
    swatch.style.background = swatchColour(theme, category);
    const held = bytes.get(category) ?? 0;
    const share = element('span', { class: 'share' }, percentText(held, whole));
    const title = `${bytesText(held)} were allocated by this kind of code or on its behalf`;
    return element(
      'span',
      { class: 'legend-kind', title },
      swatch,
      CATEGORY_LABELS[category],
      share,
    );
  });
}

function categoryBytes(tree: StackTree, frames: readonly AppFrame[]): Map<FrameCategory, number> {
  const own = ownBytes(tree, frames);
  const sums = new Map<FrameCategory, number>();
  for (let node = 1; node < tree.size; node++) {
    const category = frames[tree.frame[node] as number]?.category ?? 'native';
    sums.set(category, (sums.get(category) ?? 0) + (own[node] as number));
  }
  return sums;
}
