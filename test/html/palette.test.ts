// SPDX-License-Identifier: MIT
// Every text on the canvas can be read: WCAG AA asks for a contrast of 4.5.

import { describe, expect, test } from 'vitest';
import { CANVAS_COLOURS, changeColour, fillColour, type Theme } from '../../ts/html/app/palette.js';
import { FRAME_CATEGORIES } from '../../ts/model/frame.js';

type Rgb = [number, number, number];
interface Colour {
  rgb: Rgb;
  alpha: number;
}

function parse(text: string): Colour {
  const hex = /^#(..)(..)(..)(..)?$/.exec(text);
  if (hex) {
    const [r = 0, g = 0, b = 0, a = 255] = hex
      .slice(1)
      .map((part) => Number.parseInt(part ?? 'ff', 16));
    return { rgb: [r, g, b], alpha: a / 255 };
  }
  const numbers = (text.match(/[\d.]+/g) ?? []).map(Number);
  const [a = 0, b = 0, c = 0, alpha = 1] = numbers;
  if (text.startsWith('rgb')) return { rgb: [a, b, c], alpha };
  return { rgb: fromHsl(a, b / 100, c / 100), alpha: 1 };
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const at = (offset + hue / 30) % 12;
    return 255 * (lightness - reach * Math.max(-1, Math.min(at - 3, 9 - at, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

const over = ({ rgb, alpha }: Colour, below: Rgb): Rgb =>
  rgb.map((value, i) => value * alpha + (below[i] ?? 0) * (1 - alpha)) as Rgb;

function luminance(rgb: Rgb): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(text: string, background: Rgb): number {
  const light = [luminance(over(parse(text), background)), luminance(background)].sort(
    (a, b) => b - a,
  );
  return ((light[0] as number) + 0.05) / ((light[1] as number) + 0.05);
}

describe.each(['light', 'dark'] as const)('%s theme', (theme: Theme) => {
  const colours = CANVAS_COLOURS[theme];
  // All shades that a name's hash can choose.
  const shades = [0, 0x80, 0xff].flatMap((turn) =>
    [0, 0x80, 0xff].map((shade) => turn | (shade << 8)),
  );

  test.each(FRAME_CATEGORIES)('text on %s boxes', (category) => {
    for (const hash of shades) {
      const fill = parse(fillColour(theme, category, hash)).rgb;
      const veiled = over(parse(colours.veil), fill);
      for (const text of [colours.text, colours.mutedText]) {
        expect(contrast(text, fill)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(text, veiled)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  test.each([-1, -0.5, -0.01, 0, 0.01, 0.5, 1])('text on boxes that changed by %d', (change) => {
    const fill = parse(changeColour(theme, change)).rgb;
    for (const text of [colours.text, colours.mutedText]) {
      expect(contrast(text, fill)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(text, over(parse(colours.veil), fill))).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('text on matches, on the root, and outlines on the background', () => {
    expect(contrast(colours.matchText, parse(colours.match).rgb)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours.mutedText, parse(colours.rootFill).rgb)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours.outline, parse(colours.background).rgb)).toBeGreaterThanOrEqual(4.5);
  });
});
