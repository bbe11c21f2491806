// SPDX-License-Identifier: MIT
// What the colours mean, and how much each kind of code allocated itself.

import { FRAME_CATEGORIES, type FrameCategory } from '../../model/frame.js';
import { element } from './dom.js';
import { CATEGORY_LABELS, swatchColour, type Theme } from './palette.js';
import { bytesText, percentText } from './units.js';

export function categoryLegend(
  bytes: ReadonlyMap<FrameCategory, number>,
  theme: Theme,
): HTMLElement[] {
  const whole = [...bytes.values()].reduce((sum, held) => sum + held, 0);
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
