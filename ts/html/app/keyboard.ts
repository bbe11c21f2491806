// SPDX-License-Identifier: MIT
// One key each; typing into a field and open dialogs keep theirs.

import type { Direction } from './steps.js';

export type Toggle =
  | 'inverted'
  | 'flames'
  | 'node'
  | 'loading'
  | 'modules'
  | 'theme'
  | 'stats'
  | 'help'
  | 'table';

export interface Commands {
  move(direction: Direction): void;
  zoomToSelected(): void;
  zoomOut(): void;
  escape(): void;
  focusSearch(): void;
  toggle(what: Toggle): void;
}

const ARROWS: Record<string, Direction> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

const TOGGLES = {
  i: 'inverted',
  f: 'flames',
  n: 'node',
  m: 'loading',
  d: 'modules',
  t: 'theme',
  s: 'stats',
  '?': 'help',
  v: 'table',
} as const;

export function listenToKeys(canvas: HTMLElement, commands: Commands): void {
  canvas.addEventListener('keydown', (event) => {
    const direction = ARROWS[event.key];
    if (direction !== undefined) commands.move(direction);
    else if (event.key === 'Enter' || event.key === ' ') commands.zoomToSelected();
    else if (event.key === 'Backspace') commands.zoomOut();
    else return;
    event.preventDefault();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]') !== null) return;
    if (event.key === 'Escape') {
      commands.escape();
      return;
    }
    if (event.target instanceof HTMLInputElement) return;
    if (event.target instanceof HTMLSelectElement) return;
    if (event.key === '/') commands.focusSearch();
    else if (event.key in TOGGLES) commands.toggle(TOGGLES[event.key as keyof typeof TOGGLES]);
    else return;
    event.preventDefault();
  });
}
