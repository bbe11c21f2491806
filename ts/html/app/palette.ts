// SPDX-License-Identifier: MIT
// Colours of the canvas; the page's own are in style.css. Text on every fill keeps a contrast of 4.5 or more.

import type { FrameCategory } from '../../model/frame.js';

export type Theme = 'light' | 'dark';

interface Hue {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

const HUES: Record<Theme, Record<FrameCategory, Hue>> = {
  light: {
    app: { hue: 21, saturation: 94, lightness: 73 },
    dependency: { hue: 207, saturation: 78, lightness: 77 },
    node: { hue: 146, saturation: 42, lightness: 73 },
    native: { hue: 225, saturation: 16, lightness: 83 },
    v8: { hue: 266, saturation: 68, lightness: 84 },
  },
  dark: {
    app: { hue: 18, saturation: 62, lightness: 33 },
    dependency: { hue: 209, saturation: 52, lightness: 32 },
    node: { hue: 152, saturation: 38, lightness: 26 },
    native: { hue: 224, saturation: 11, lightness: 32 },
    v8: { hue: 264, saturation: 34, lightness: 40 },
  },
};

export interface CanvasColours {
  readonly background: string;
  readonly text: string;
  readonly mutedText: string;
  readonly rootFill: string;
  readonly outline: string;
  readonly match: string;
  readonly matchText: string;
  /** Laid over what search did not find and over the ancestors of a zoomed frame. */
  readonly veil: string;
}

export const CANVAS_COLOURS: Record<Theme, CanvasColours> = {
  light: {
    background: '#ffffff',
    text: '#14171f',
    mutedText: '#14171fb8',
    rootFill: '#e9ebf0',
    outline: '#14171f',
    match: '#ff4fa3',
    matchText: '#1a0410',
    veil: 'rgba(255, 255, 255, 0.62)',
  },
  dark: {
    background: '#14161c',
    text: '#f4f5f8',
    mutedText: '#f4f5f8de',
    rootFill: '#2a2e38',
    outline: '#ffffff',
    match: '#ff6cb5',
    matchText: '#1a0410',
    veil: 'rgba(20, 22, 28, 0.58)',
  },
};

/** A fill per category, shifted a little by name so that neighbours can be told apart. */
export function fillColour(theme: Theme, category: FrameCategory, hash: number): string {
  const { hue, saturation, lightness } = HUES[theme][category];
  const turn = ((hash & 0xff) / 255 - 0.5) * 14;
  const shade = (((hash >>> 8) & 0xff) / 255 - 0.5) * (theme === 'light' ? 7 : 5);
  return `hsl(${(hue + turn).toFixed(1)}, ${saturation}%, ${(lightness + shade).toFixed(1)}%)`;
}

/**
 * For comparisons: red for what grew, blue for what shrank, the stronger the larger its change is for its size; grey for what is as
 * before. `change` is from −1 (gone) to 1 (new).
 */
export function changeColour(theme: Theme, change: number): string {
  const strength = Math.sqrt(Math.min(1, Math.abs(change)));
  const hue = change > 0 ? 4 : 214;
  // Light fills darken with the change, dark ones brighten: text on them stays readable.
  const [grey, full] = theme === 'light' ? [92, 74] : [24, 34];
  const saturation = strength === 0 ? 0 : 30 + 55 * strength * (theme === 'light' ? 1 : 0.75);
  const lightness = grey + (full - grey) * strength;
  return `hsl(${hue}, ${saturation.toFixed(0)}%, ${lightness.toFixed(1)}%)`;
}

export function swatchColour(theme: Theme, category: FrameCategory): string {
  return fillColour(theme, category, 0x8080);
}

export const CATEGORY_LABELS: Record<FrameCategory, string> = {
  app: 'Your code',
  dependency: 'Dependencies',
  node: 'Node.js',
  native: 'Native',
  v8: 'V8',
};
