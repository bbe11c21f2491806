// SPDX-License-Identifier: MIT

import type { Theme } from './palette.js';

const STORAGE_KEY = 'memtape-theme';

export function chosenTheme(): Theme | undefined {
  try {
    const theme = localStorage.getItem(STORAGE_KEY);
    return theme === 'light' || theme === 'dark' ? theme : undefined;
  } catch {
    return undefined; // pages opened from disk may have no storage
  }
}

export function chooseTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Then the choice lasts as long as the page.
  }
}

export function systemTheme(): Theme {
  return window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** Style sheets and canvases follow this attribute and nothing else. */
export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}
