// SPDX-License-Identifier: MIT
// The row of filters: what may be chosen, what is chosen, and how much that is of the whole.

import { element } from './dom.js';
import { FILTER_KEYS, type Filter, isFiltering, NO_FILTER } from './filters.js';
import type { Choice, Trees } from './trees.js';
import { bytesText, percentText } from './units.js';

export interface FilterControls {
  readonly filters: HTMLElement;
  readonly process: HTMLSelectElement;
  readonly thread: HTMLSelectElement;
  readonly allocator: HTMLSelectElement;
  readonly package: HTMLSelectElement;
  readonly filterReset: HTMLButtonElement;
  readonly filterTotal: HTMLElement;
}

const NAMES: Record<keyof Filter, string> = {
  process: 'all processes',
  thread: 'all threads',
  allocator: 'all allocators',
  package: 'all packages',
};

export class FilterBar {
  readonly #controls: FilterControls;
  #range = '';

  constructor(controls: FilterControls, change: (change: Partial<Filter>) => void) {
    this.#controls = controls;
    for (const key of FILTER_KEYS) {
      controls[key].addEventListener('change', () => change({ [key]: controls[key].value }));
    }
    controls.filterReset.addEventListener('click', () => change(NO_FILTER));
  }

  /** @param range what the choices' sizes are of */
  show(filter: Filter, trees: Trees, range: { readonly from: number; readonly to: number }): void {
    const key = `${range.from} ${range.to}`;
    if (key !== this.#range) this.#fill(trees.choices(range));
    this.#range = key;
    for (const each of FILTER_KEYS) {
      const select = this.#controls[each];
      select.value = filter[each];
      // A link may name what this report does not have.
      if (select.value !== filter[each]) {
        select.append(element('option', { value: filter[each] }, filter[each]));
        select.value = filter[each];
      }
      select.classList.toggle('chosen', filter[each] !== '');
    }
    this.#controls.filterReset.hidden = !isFiltering(filter);
  }

  showTotal(filter: Filter, bytes: number, whole: number): void {
    this.#controls.filterTotal.textContent = isFiltering(filter)
      ? `${bytesText(bytes)} of ${bytesText(whole)} · ${percentText(bytes, whole)}`
      : '';
  }

  #fill(choices: Record<keyof Filter, Choice[]>): void {
    for (const key of FILTER_KEYS) {
      const select = this.#controls[key];
      const options = choices[key].map(({ name, bytes }) =>
        element('option', { value: name }, `${name} (${bytesText(bytes)})`),
      );
      // Of one process there is nothing to choose.
      select.hidden = key === 'process' && choices[key].length === 0;
      select.replaceChildren(element('option', { value: '' }, NAMES[key]), ...options);
    }
  }
}
