// SPDX-License-Identifier: MIT
// The elements of page.html that the page's code touches, looked up once.

import { byId } from './dom.js';
import { findOverview } from './overview.js';

export function findControls() {
  const button = (id: string) => byId(id, HTMLButtonElement);
  const box = (id: string) => byId(id, HTMLElement);
  return {
    ...findOverview(),
    graphTab: button('view-graph'),
    tableTab: button('view-table'),
    back: button('zoom-back'),
    forward: button('zoom-forward'),
    reset: button('zoom-reset'),
    inverted: button('inverted'),
    flames: button('flames'),
    hideNode: button('hide-node'),
    hideLoading: button('hide-loading'),
    hideModules: button('hide-modules'),
    filters: box('filters'),
    process: byId('filter-process', HTMLSelectElement),
    thread: byId('filter-thread', HTMLSelectElement),
    allocator: byId('filter-allocator', HTMLSelectElement),
    package: byId('filter-package', HTMLSelectElement),
    filterReset: button('filter-reset'),
    filterTotal: box('filter-total'),
    search: byId('search', HTMLInputElement),
    regex: button('regex'),
    searchClear: button('search-clear'),
    searchResult: box('search-result'),
    graph: box('graph'),
    space: box('graph-space'),
    canvas: byId('canvas', HTMLCanvasElement),
    table: box('table'),
    legend: box('legend'),
    detail: box('detail'),
    tooltip: box('tooltip'),
  };
}

export type Controls = ReturnType<typeof findControls>;

export function setPressed(button: HTMLButtonElement, pressed: boolean): void {
  button.setAttribute('aria-pressed', `${pressed}`);
}

export function isPressed(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-pressed') === 'true';
}
